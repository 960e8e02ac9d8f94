"""The readiness of `serve`: its two databases, and every model that the ledger names."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from data_processor.service.errors import NotReady
from data_processor.wiring.state import State

Check = Callable[[], Awaitable[None]]


def readiness_checks(app: FastAPI) -> Mapping[str, Check]:
    """Return the checks of `/readyz` by name; each raises `NotReady` with a sentence if it fails."""
    return {
        "records": lambda: _records(app.state.loopkeeper),
        "predictions": lambda: _predictions(app.state.loopkeeper),
        "models": lambda: _models(app.state.loopkeeper),
    }


async def _records(state: State) -> None:
    try:
        await asyncio.to_thread(state.ledger.all_current, state.settings.stage)
    except SQLAlchemyError as error:
        raise NotReady("The records database cannot be read.") from error


async def _predictions(state: State) -> None:
    try:
        await asyncio.to_thread(state.predictions.get, "")
    except SQLAlchemyError as error:
        raise NotReady("The predictions database cannot be read.") from error


async def _models(state: State) -> None:
    if missing := state.manager.missing():
        raise NotReady(missing)
