"""The routes of live runs: started, steered, watched, forked and kept."""

from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Query

from data_processor.caller import CallerDep
from data_processor.dependencies import current_state
from data_processor.rows import RunRow
from data_processor.training.live.schemas import (
    MOST_EPOCHS,
    Branches,
    ForkRequest,
    HyperparameterChange,
    KeepRequest,
    LiveCurves,
    LiveRun,
    LiveRunRequest,
    StepRequest,
)
from data_processor.training.live.service import LiveRuns
from data_processor.training.live.views import LiveViews
from data_processor.training.schemas import RunStarted


class State(Protocol):
    """What these routes need of what the lifespan opens."""

    live_runs: LiveRuns
    live_views: LiveViews


StateDep = Annotated[State, Depends(current_state)]

router = APIRouter(tags=["live runs"])


@router.post("/v1/models/{model}/live-runs", status_code=202)
def start_live_run(model: str, body: LiveRunRequest, caller: CallerDep, state: StateDep) -> RunStarted:
    """Queue a live run of a model: it learns epoch by epoch, and can be steered meanwhile."""
    return _started(state.live_runs.start(model, body, caller.subject))


@router.get("/v1/runs/{run}/live")
def read_live_run(run: str, _caller: CallerDep, state: StateDep) -> LiveRun:
    """Show where a live run stands, what is in force and who changed what."""
    return state.live_views.read(run)


@router.patch("/v1/runs/{run}/hyperparameters", status_code=202)
def change_hyperparameters(
    run: str, body: HyperparameterChange, caller: CallerDep, state: StateDep
) -> LiveRun:
    """Change hyperparameters while a live run learns; it applies them after the batch it is at."""
    state.live_runs.change(run, body.root, caller.subject)
    return state.live_views.read(run)


@router.post("/v1/runs/{run}/pause", status_code=202)
def pause_live_run(run: str, caller: CallerDep, state: StateDep) -> LiveRun:
    """Pause a live run after the batch it is at; after 24 hours it is stopped."""
    state.live_runs.tell(run, "pause", caller.subject)
    return state.live_views.read(run)


@router.post("/v1/runs/{run}/resume", status_code=202)
def resume_live_run(run: str, caller: CallerDep, state: StateDep) -> LiveRun:
    """Let a paused live run learn on."""
    state.live_runs.tell(run, "resume", caller.subject)
    return state.live_views.read(run)


@router.post("/v1/runs/{run}/step", status_code=202)
def step_live_run(run: str, body: StepRequest, caller: CallerDep, state: StateDep) -> LiveRun:
    """Let a live run learn some epochs, and pause."""
    state.live_runs.tell(run, "step", caller.subject, {"epochs": body.epochs})
    return state.live_views.read(run)


@router.post("/v1/runs/{run}/stop", status_code=202)
def stop_live_run(run: str, caller: CallerDep, state: StateDep) -> LiveRun:
    """End a live run in order; what it learnt can still be forked and kept."""
    state.live_runs.tell(run, "stop", caller.subject)
    return state.live_views.read(run)


@router.post("/v1/runs/{run}/fork", status_code=202)
def fork_live_run(run: str, body: ForkRequest, caller: CallerDep, state: StateDep) -> RunStarted:
    """Start a live run where another one was after an epoch, or just before a change."""
    return _started(state.live_runs.fork(run, body, caller.subject))


@router.post("/v1/runs/{run}/keep", status_code=202)
def keep_live_run(run: str, body: KeepRequest, caller: CallerDep, state: StateDep) -> RunStarted:
    """Queue a training run that takes an epoch's weights to the gate, as every version is."""
    return _started(state.live_runs.keep(run, body.epoch, caller.subject))


@router.get("/v1/runs/{run}/curves")
def read_curves(
    run: str,
    _caller: CallerDep,
    state: StateDep,
    points: Annotated[int, Query(ge=10, le=MOST_EPOCHS, description="About how many to return.")] = 500,
    after: Annotated[int, Query(ge=0, description="Only epochs later than this one.")] = 0,
) -> LiveCurves:
    """Return what was measured after each epoch, thinned for drawing."""
    return state.live_views.curves(run, points, after)


@router.get("/v1/runs/{run}/branches")
def read_branches(run: str, _caller: CallerDep, state: StateDep) -> Branches:
    """Return the tree of forks that a live run belongs to, best first."""
    return state.live_views.branches(run)


def _started(row: RunRow) -> RunStarted:
    return RunStarted.model_validate(row, from_attributes=True)
