"""The routes of predictions."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from data_processor.caller import CALLER_HEADER, CallerDep
from data_processor.service.middleware import ROUTE_KEY
from data_processor.service.trace_context import current_trace_id
from data_processor.serving.schemas import (
    EXAMPLE,
    Explanation,
    PredictionAnswer,
    PredictionDetail,
    PredictionRequest,
    RecordedPrediction,
)
from data_processor.state import State, StateDep

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
            "description": "The same key and body: the same answer, recorded once; another body: 409.",
        },
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": PredictionRequest.model_json_schema(), "example": EXAMPLE}
        },
    },
}


@router.post(PREDICT_PATH, response_model=PredictionAnswer, openapi_extra=_DESCRIBED)
async def predict(request: Request) -> Response:
    """Answer inputs. All are checked first: one that is wrong is named, and nothing is predicted or recorded.

    The answers are on disk before they are given. An `Idempotency-Key` makes asking again harmless.
    """
    answer = await _answer(request.path_params["model"], request.scope, await request.body())
    return Response(answer, media_type="application/json")


class ShortWay:
    """An ASGI layer that answers `predict` before the framework has looked at the request.

    It does what the route does. It is there because predictions are asked for thousands of times a second,
    and finding and calling a route costs more than answering.
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
        str | None, Query(max_length=64, description="The id of the last one already seen.")
    ] = None,
) -> list[RecordedPrediction]:
    """List a model's predictions, newest first; a user sees their own, an engineer all."""
    return state.history.page(model, caller, limit, before)


@router.get("/v1/predictions/{prediction_id}", response_model_exclude_unset=True)
def read_prediction(prediction_id: str, state: StateDep, caller: CallerDep) -> PredictionDetail:
    """Show one prediction with its trace id, its lineage and what was said of it."""
    return state.history.one(prediction_id, caller)


@router.get("/v1/predictions/{prediction_id}/explanation")
def explain_prediction(prediction_id: str, state: StateDep, caller: CallerDep) -> Explanation:
    """Say which inputs moved a prediction most; 409 when its version cannot be explained."""
    return state.explanations.explain(prediction_id, caller)
