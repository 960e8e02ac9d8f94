"""The readiness of `serve`: it can store what it is sent, and every model that the ledger names is served."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from tempfile import TemporaryFile

from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from data_processor.service.errors import NotReady
from data_processor.wiring.state import State

PAGE = 4096
"""Bytes: the least that a full disk has no room for."""
Check = Callable[[], Awaitable[None]]


def readiness_checks(app: FastAPI) -> Mapping[str, Check]:
    """Return the checks of `/readyz` by name; each raises `NotReady` with a sentence if it fails."""
    return {
        "records": lambda: _records(app.state.loopkeeper),
        "predictions": lambda: _predictions(app.state.loopkeeper),
        "uploads": lambda: _uploads(app.state.loopkeeper),
        "models": lambda: _models(app.state.loopkeeper),
    }


async def _records(state: State) -> None:
    try:
        await asyncio.to_thread(state.ledger.all_current, state.settings.stage)
    except SQLAlchemyError as error:
        raise NotReady("The records database cannot be read.") from error
    await asyncio.to_thread(state.database.check_writable)


async def _predictions(state: State) -> None:
    try:
        await asyncio.to_thread(state.predictions.get, "")
    except SQLAlchemyError as error:
        raise NotReady("The predictions database cannot be read.") from error
    await asyncio.to_thread(state.predictions.check_writable)


async def _uploads(state: State) -> None:
    await asyncio.to_thread(_write_to, state.settings.uploads_dir)


def _write_to(folder: Path) -> None:
    """Raise what storing a file there would raise; there may be no such folder before the first upload."""
    if folder.is_dir():
        with TemporaryFile(dir=folder) as file:
            file.write(bytes(PAGE))
            file.flush()


async def _models(state: State) -> None:
    if missing := state.manager.missing():
        raise NotReady(missing)
