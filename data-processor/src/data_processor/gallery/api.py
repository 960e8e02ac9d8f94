"""The routes of galleries: who is known to a model for faces."""

from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from data_processor.caller import CallerDep
from data_processor.dependencies import current_state
from data_processor.gallery.enrolling import Enrolling
from data_processor.gallery.forgetting import Forgetting
from data_processor.gallery.persons import Persons
from data_processor.gallery.reviews import Reviews
from data_processor.gallery.schemas import (
    Enrolled,
    Person,
    PersonChange,
    PersonRequest,
    PictureRequest,
    Review,
    TrainingPicture,
)


class State(Protocol):
    """What these routes need of what the lifespan opens."""

    persons: Persons
    enrolling: Enrolling
    forgetting: Forgetting
    reviews: Reviews


StateDep = Annotated[State, Depends(current_state)]
_JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}

router = APIRouter(prefix="/v1/models/{model}", tags=["faces"])


@router.get("/persons")
def list_persons(model: str, state: StateDep, _caller: CallerDep) -> list[Person]:
    """List who is known, by label, with what is kept about each."""
    return state.persons.all(model)


@router.post("/persons", status_code=201)
def enrol_person(model: str, body: PersonRequest, state: StateDep, caller: CallerDep) -> Person:
    """Enrol a person, with pictures or without; whoever is enrolled is known from the next picture on."""
    return state.enrolling.enrol(model, body, caller)


@router.get("/persons/{person}")
def read_person(model: str, person: str, state: StateDep, _caller: CallerDep) -> Person:
    """Show a person and what is kept about them."""
    return state.persons.one(model, person)


@router.patch("/persons/{person}")
def change_person(model: str, person: str, body: PersonChange, state: StateDep, _caller: CallerDep) -> Person:
    """Rename a person, change what is kept about them, or merge another one into them."""
    return state.persons.change(model, person, body)


@router.delete("/persons/{person}", status_code=204)
def forget_person(model: str, person: str, state: StateDep, _caller: CallerDep) -> None:
    """Forget a person: nobody knows them at once, and all that was kept is deleted within seconds."""
    state.forgetting.begin(model, person)


@router.post("/persons/{person}/pictures", status_code=201)
def add_picture(
    model: str, person: str, body: PictureRequest, state: StateDep, caller: CallerDep
) -> Enrolled:
    """Add a picture to a person; users only to those they enrolled themselves."""
    return state.enrolling.add(model, person, body.image, caller)


@router.get("/persons/{person}/pictures/{picture}", response_class=Response, responses=_JPEG)
def read_picture(model: str, person: str, picture: str, state: StateDep, _caller: CallerDep) -> Response:
    """Return a face as it was cut out of a picture, a JPEG of 240 by 240 pixels."""
    crop = state.enrolling.crop(model, person, picture)
    return Response(crop, media_type="image/jpeg", headers={"X-Content-Type-Options": "nosniff"})


@router.delete("/persons/{person}/pictures/{picture}", status_code=204)
def take_out_picture(model: str, person: str, picture: str, state: StateDep, _caller: CallerDep) -> None:
    """Take a picture out of the gallery: a bad one, or one by which the person is wrongly not recognised."""
    state.enrolling.take_out(model, person, picture)


@router.post("/training-pictures")
def teach(model: str, body: TrainingPicture, state: StateDep, caller: CallerDep) -> Enrolled:
    """Add a labelled picture: a label that nobody has makes a new person, known from the next picture on."""
    return state.enrolling.teach(model, body, caller)


@router.get("/reviews")
def list_reviews(
    model: str,
    state: StateDep,
    _caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[Review]:
    """List answers that were close calls or that users contradicted, newest first."""
    return state.reviews.of(model, limit)
