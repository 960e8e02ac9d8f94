"""The routes of notifications: destinations, and what became of what was sent there."""

from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Query

from data_processor.caller import CallerDep
from data_processor.dependencies import current_state
from data_processor.notifications.destinations import Destinations
from data_processor.notifications.schemas import (
    Delivery,
    Destination,
    DestinationChange,
    DestinationRequest,
    MadeDestination,
)


class State(Protocol):
    """What these routes need of what the lifespan opens."""

    destinations: Destinations


StateDep = Annotated[State, Depends(current_state)]


router = APIRouter(prefix="/v1/notifications", tags=["notifications"])


@router.get("/destinations")
def list_destinations(state: StateDep, _caller: CallerDep) -> list[Destination]:
    """List where notifications go, without addresses and secrets, with how the last delivery went."""
    return state.destinations.all()


@router.post("/destinations", status_code=201)
def create_destination(body: DestinationRequest, state: StateDep, caller: CallerDep) -> MadeDestination:
    """Add a destination; the answer has a webhook's secret, this once."""
    return state.destinations.create(body, caller.subject)


@router.patch("/destinations/{destination}")
def change_destination(
    destination: str, body: DestinationChange, state: StateDep, _caller: CallerDep
) -> Destination:
    """Change a destination, or switch it off or on; what waits for it is tried again at once."""
    return state.destinations.change(destination, body)


@router.delete("/destinations/{destination}", status_code=204)
def delete_destination(destination: str, state: StateDep, _caller: CallerDep) -> None:
    """Delete a destination; what waits for it is not delivered any more."""
    state.destinations.delete(destination)


@router.post("/destinations/{destination}/test", status_code=202)
def send_test(destination: str, state: StateDep, caller: CallerDep) -> Delivery:
    """Send a test, once; the deliveries say how that went."""
    return state.destinations.test(destination, caller.subject)


@router.get("/deliveries")
def list_deliveries(
    state: StateDep,
    _caller: CallerDep,
    destination: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[Delivery]:
    """List what was to be delivered, newest first: what was, what waits and why, what was given up."""
    return state.destinations.deliveries(destination, limit)
