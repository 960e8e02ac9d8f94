"""The routes of predictions."""

import re
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from data_processor.caller import CALLER_HEADER, CallerDep, Callers
from data_processor.dependencies import current_state
from data_processor.service.middleware import ROUTE_KEY
from data_processor.service.trace_context import current_trace_id
from data_processor.serving.explanations import Explanations
from data_processor.serving.history import History
from data_processor.serving.predictions import Predictor
from data_processor.serving.schemas import (
    EXAMPLE,
    Explanation,
    PredictionAnswer,
    PredictionDetail,
    PredictionInputs,
    RecordedPrediction,
)


class State(Protocol):
    """The part of the state that these routes use."""

    callers: Callers
    explanations: Explanations
    history: History
    predictor: Predictor


StateDep = Annotated[State, Depends(current_state)]


router = APIRouter(tags=["predictions"])

PREDICT_PATH = "/v1/models/{model}/predictions"
_MATCH = re.compile(r"/v1/models/([^/]+)/predictions").fullmatch
_DESCRIBED: dict[str, Any] = {
    "parameters": [
        {
            "name": "model",
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            "example": "census-income",
        },
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            "description": "Repeating a request with its key returns the first response and records nothing; "
            "the same key with another body is a 409.",
        },
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": PredictionInputs.model_json_schema(), "example": EXAMPLE}},
    },
}


@router.post(PREDICT_PATH, response_model=PredictionAnswer, openapi_extra=_DESCRIBED)
async def predict(request: Request) -> Response:
    """Predict for inputs. All are validated first: if any is wrong, it is named and nothing is predicted.

    Predictions are on disk before the response. An `Idempotency-Key` makes it safe to repeat a request.
    """
    answer = await _answer(request.path_params["model"], request.scope, await request.body())
    return Response(answer, media_type="application/json")


class FastPath:
    """The fast path: an ASGI middleware that answers `predict` before the framework sees the request.

    It does exactly what the route does. It exists because predictions are requested thousands of times a
    second, and routing a request through the framework costs more than answering it.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an app."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        found = _MATCH(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        scope[ROUTE_KEY] = PREDICT_PATH
        answer = await _answer(found[1], scope, await _read(receive))
        length = str(len(answer)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


async def _answer(model: str, scope: Scope, body: bytes) -> bytes:
    state: State = scope["app"].state.loopkeeper
    authorization = signed = b""
    key = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value
        elif name == CALLER_HEADER:
            signed = value
        elif name == b"idempotency-key":
            key = value.decode("latin-1")
    caller = state.callers.check(authorization, signed)
    return await state.predictor.predict(model, body, caller, current_trace_id() or "", key)


async def _read(receive: Receive) -> bytes:
    message = await receive()
    if not message.get("more_body"):
        body: bytes = message.get("body", b"")
        return body
    parts = [message["body"]]
    while message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
    return b"".join(parts)


@router.get(PREDICT_PATH, response_model_exclude_unset=True)
def list_predictions(
    model: str,
    state: StateDep,
    caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[
        str | None,
        Query(max_length=64, description="The id of the last prediction already read; older ones follow."),
    ] = None,
) -> list[RecordedPrediction]:
    """List a model's predictions, newest first; a user sees their own, an engineer all."""
    return state.history.page(model, caller, limit, before)


@router.get("/v1/predictions/{prediction_id}", response_model_exclude_unset=True)
def read_prediction(prediction_id: str, state: StateDep, caller: CallerDep) -> PredictionDetail:
    """Show one prediction with its trace id, its lineage and its feedback."""
    return state.history.one(prediction_id, caller)


@router.get("/v1/predictions/{prediction_id}/explanation")
def explain_prediction(prediction_id: str, state: StateDep, caller: CallerDep) -> Explanation:
    """Say which inputs moved a prediction most; 409 when its version cannot be explained."""
    return state.explanations.explain(prediction_id, caller)
