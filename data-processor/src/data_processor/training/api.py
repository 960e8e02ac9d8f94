"""The routes of runs, and the long poll behind the gateway's WebSocket."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from data_processor.caller import CallerDep
from data_processor.dependencies import current_state
from data_processor.models.registry import Registry
from data_processor.rows import RunRow
from data_processor.runs.events import Event
from data_processor.runs.service import Runs
from data_processor.service.middleware import WAITING_KEY
from data_processor.tasks.registry import descriptions
from data_processor.tasks.task import TaskDescription
from data_processor.training.evaluations import Evaluations
from data_processor.training.requests import check_candidates
from data_processor.training.schemas import (
    Evaluation,
    EvaluationRequest,
    RunDetail,
    RunEvents,
    RunRequest,
    RunShort,
    RunStarted,
    RunStatus,
)

POLL_S = 0.05
"""How often new events are polled for a waiting reader, at first."""
QUIET_POLL_S = 0.2
"""How often they are polled of a run in which nothing has happened for some seconds."""
QUIETER = 1.05
"""By what factor the time between two polls grows."""


class State(Protocol):
    """What these routes need of what the lifespan opens."""

    evaluations: Evaluations
    registry: Registry
    runs: Runs


StateDep = Annotated[State, Depends(current_state)]


router = APIRouter(tags=["runs"])


@router.post("/v1/models/{model}/runs", status_code=202)
def start_run(model: str, body: RunRequest, caller: CallerDep, state: StateDep) -> RunStarted:
    """Queue a training run of a model; 409 with the id of the open run if there is one."""
    check_candidates(state.registry.get_model(model).task, body.candidates)
    reason = body.reason or f"{caller.subject} started it."
    row = state.runs.open(
        None, model, trigger="manual", reason=reason, subject=caller.subject, options=body.options()
    )
    return RunStarted(id=row.id, status="queued")


@router.get("/v1/tasks")
def list_tasks(_caller: CallerDep) -> list[TaskDescription]:
    """List the tasks with everything that can be trained and set for each, as forms need it."""
    return descriptions()


@router.post("/v1/models/{model}/evaluations")
async def evaluate(model: str, body: EvaluationRequest, caller: CallerDep, state: StateDep) -> Evaluation:
    """Compare versions on labelled rows that none of them was fitted to; the run takes a few seconds."""
    return await state.evaluations.evaluate(model, body.versions, body.dataset, caller.subject)


@router.get("/v1/runs")
def list_runs(
    state: StateDep,
    _caller: CallerDep,
    *,
    model: str | None = None,
    status: RunStatus | None = None,
    kind: str | None = None,
    dataset: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[RunShort]:
    """List runs of every kind, newest first."""
    rows = state.runs.page(model=model, status=status, kind=kind, dataset=dataset, limit=limit)
    return [RunShort.model_validate(row) for row in rows]


@router.get("/v1/runs/{run}")
def read_run(run: str, state: StateDep, _caller: CallerDep) -> RunDetail:
    """Show everything that is known about one run."""
    return _detail(state, state.runs.get(run))


@router.get(
    "/v1/runs/{run}/logs",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def download_log(run: str, state: StateDep, _caller: CallerDep) -> StreamingResponse:
    """Download a run's log as plain text."""
    lines: Iterator[str] = state.runs.log(run)
    disposition = {"Content-Disposition": f'attachment; filename="run-{run}.log"'}
    return StreamingResponse(lines, media_type="text/plain; charset=utf-8", headers=disposition)


@router.post("/v1/runs/{run}/cancel", status_code=202)
def cancel_run(run: str, caller: CallerDep, state: StateDep) -> RunDetail:
    """Cancel a run; 409 if it has already succeeded or failed."""
    return _detail(state, state.runs.cancel(run, caller.subject))


@router.get("/v1/runs/{run}/events")
async def follow_run(
    run: str,
    request: Request,
    state: StateDep,
    _caller: CallerDep,
    after: Annotated[int, Query(ge=0, description="The number of the last event already known.")] = 0,
    wait: Annotated[
        float, Query(ge=0, le=60, description="How many seconds to wait for the next event.")
    ] = 0,
) -> RunEvents:
    """Return the events after one already known, waiting for the next if there is none yet."""
    request.scope[WAITING_KEY] = True
    events, closed = await _next_events(state.runs, run, after, wait)
    return RunEvents(events=[event.as_json() for event in events], closed=closed)


def _detail(state: State, row: RunRow) -> RunDetail:
    return RunDetail.of(row, state.runs.durations(row.id), state.runs.result(row.id))


async def _next_events(runs: Runs, run: str, after: int, wait: float) -> tuple[list[Event], bool]:
    loop = asyncio.get_running_loop()
    deadline, pausing = loop.time() + wait, pauses()
    while True:
        events, closed = await asyncio.to_thread(runs.events, run, after)
        if events or closed or loop.time() >= deadline:
            return events, closed
        await asyncio.sleep(next(pausing))


def pauses() -> Iterator[float]:
    """Yield the seconds between the polls for one waiting reader."""
    pause = POLL_S
    while True:
        yield pause
        pause = min(QUIETER * pause, QUIET_POLL_S)
