"""The routes of feedback, score and the controller's circuit breaker."""

from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Header, Query, Response

from data_processor.caller import CallerDep
from data_processor.dependencies import current_state
from data_processor.feedback.schemas import (
    Feedback,
    FeedbackRequest,
    ModelScore,
    ResumeRequest,
    ScorePoint,
)
from data_processor.feedback.service import FeedbackService


class State(Protocol):
    """What these routes need of what the lifespan opens."""

    feedback: FeedbackService


StateDep = Annotated[State, Depends(current_state)]


router = APIRouter(tags=["feedback"])

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="The same key and body give the same answer, recorded once; another body gives 409.",
    ),
]


@router.post(
    "/v1/predictions/{prediction_id}/feedback",
    status_code=201,
    response_model=Feedback,
    responses={200: {"model": Feedback, "description": "The same person changed their feedback."}},
)
def give_feedback(
    prediction_id: str,
    body: FeedbackRequest,
    *,
    response: Response,
    state: StateDep,
    caller: CallerDep,
    idempotency_key: Key = None,
) -> dict[str, Any]:
    """Give feedback: whether the answer was right, and what the truth is."""
    response.status_code, given = state.feedback.give(prediction_id, caller, body, idempotency_key)
    return given


@router.get("/v1/models/{model}/score", response_model=ModelScore)
def read_score(model: str, state: StateDep, _caller: CallerDep) -> dict[str, Any]:
    """Show how often a model has been right lately, and what the controller concludes from it."""
    return state.feedback.score(model)


@router.get("/v1/models/{model}/score/history", response_model=list[ScorePoint])
def read_score_history(
    model: str,
    state: StateDep,
    _caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[dict[str, Any]]:
    """Show the score over time, oldest first: every evaluation by the controller, and points in between."""
    return state.feedback.history(model, limit)


@router.post("/v1/models/{model}/resume", response_model=ModelScore)
def resume(model: str, body: ResumeRequest, state: StateDep, caller: CallerDep) -> dict[str, Any]:
    """Let a paused controller open runs again."""
    return state.feedback.resume(model, caller, body.reason)
