"""The route of the services' logs."""

from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from data_processor.caller import CallerDep
from data_processor.dependencies import current_state
from data_processor.logs import entries
from data_processor.logs.entries import Level
from data_processor.settings import Settings


class State(Protocol):
    """What this route needs of what the lifespan opens."""

    settings: Settings


StateDep = Annotated[State, Depends(current_state)]


class LogEntry(BaseModel):
    """One event in the log of a service."""

    service: str
    at: str | None = Field(description="As the service wrote it; null for lines of programs without a time.")
    level: Level
    text: str = Field(description="The whole entry; a traceback makes it several lines.")


class ServiceLogs(BaseModel):
    """The newest entries of the services' logs."""

    kept: bool = Field(description="Whether this stage keeps log files that can be read here.")
    services: list[str] = Field(description="Those that have a log.")
    entries: list[LogEntry] = Field(description="Oldest first.")


router = APIRouter(prefix="/v1/logs", tags=["monitoring"])


@router.get("")
def read_logs(
    state: StateDep,
    _caller: CallerDep,
    service: Annotated[str | None, Query(max_length=100)] = None,
    level: Annotated[Level, Query(description="The least severe level that is wanted.")] = "info",
    containing: Annotated[str, Query(max_length=200, description="A text, such as a trace id.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> ServiceLogs:
    """Read the newest entries of the services' logs: a bounded part of the end of each file."""
    folder = state.settings.log_files or state.settings.log_dir
    if folder is None:
        return ServiceLogs(kept=False, services=[], entries=[])
    found = entries.newest(folder, service=service, level=level, containing=containing, limit=limit)
    return ServiceLogs(
        kept=True,
        services=entries.services(folder),
        entries=[
            LogEntry(service=entry.service, at=entry.at, level=entry.level, text=entry.text)
            for entry in found
        ],
    )
