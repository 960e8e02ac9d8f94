"""The routes of profiles: read one, download its report, have it computed again."""

from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import HTMLResponse, JSONResponse

from data_processor.caller import CallerDep
from data_processor.datasets.exploration.profiles import Profiles
from data_processor.datasets.exploration.schemas import Profile, ProfileComputing
from data_processor.dependencies import current_state

PATH = "/v1/datasets/{dataset}/profile"
_COMPUTING = "It is being computed: try again shortly."
_COMPUTING_CONTENT = {"application/json": {"schema": {"$ref": "#/components/schemas/ProfileComputing"}}}

Version = Annotated[
    int | None, Query(ge=1, le=2**31 - 1, description="If left out: the newest uploaded version.")
]


class State(Protocol):
    """What these routes need of what the lifespan opens."""

    profiles: Profiles


StateDep = Annotated[State, Depends(current_state)]


router = APIRouter(tags=["datasets"])


@router.get(
    PATH,
    response_model=Profile,
    responses={202: {"model": ProfileComputing, "description": _COMPUTING}},
)
def read_profile(dataset: str, state: StateDep, caller: CallerDep, version: Version = None) -> Response:
    """Describe a dataset version: its columns, their associations, its texts; computed when first read."""
    found = state.profiles.read(dataset, version, "profile", caller.subject)
    if isinstance(found, ProfileComputing):
        return _computing(found)
    # It was checked when it was kept.
    return Response(found, media_type="application/json")


@router.get(
    f"{PATH}.html",
    response_class=HTMLResponse,
    # FastAPI would say that this one is HTML as well.
    responses={202: {"description": _COMPUTING, "content": _COMPUTING_CONTENT}},
)
def download_profile(dataset: str, state: StateDep, caller: CallerDep, version: Version = None) -> Response:
    """Download the profile of a dataset version as one HTML file that needs nothing else."""
    found = state.profiles.read(dataset, version, "report", caller.subject)
    if isinstance(found, ProfileComputing):
        return _computing(found)
    # Never shown as a page of ours: it is for the reader's own disk.
    disposition = {"Content-Disposition": f'attachment; filename="{dataset}-profile.html"'}
    return HTMLResponse(found, headers=disposition)


@router.post(PATH, status_code=202)
def compute_profile(
    dataset: str, state: StateDep, caller: CallerDep, version: Version = None
) -> ProfileComputing:
    """Have a profile computed again, for example after it failed."""
    return state.profiles.ask_again(dataset, version, caller.subject)


def _computing(found: ProfileComputing) -> JSONResponse:
    return JSONResponse(found.model_dump(), 202)
