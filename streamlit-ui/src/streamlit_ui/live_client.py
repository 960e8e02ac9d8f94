"""The part of the gateway that trains while somebody watches: live runs, their curves, changes and forks."""

from collections.abc import Mapping
from typing import Any, Literal, cast

from streamlit_ui.calls import SLOW_S, Caller
from streamlit_ui.contract.types import (
    Branches,
    ForkRequest,
    LiveCurves,
    LiveRun,
    LiveRunRequest,
)

_MOST_EPOCHS = 100_000
"""More no live run has."""


class LiveClient(Caller):
    """What engineers do with a model while it learns."""

    def start_live(self, model: str, asked: LiveRunRequest) -> str:
        """Queue a live run and return its id."""
        return str(self._json("POST", "/v1/models/{model}/live-runs", model, json=dict(asked))["id"])

    def live(self, run: str) -> LiveRun:
        """Show where a live run stands."""
        return cast(LiveRun, self._json("GET", "/v1/runs/{run}/live", run))

    def curves(self, run: str, points: int, after: int = 0) -> LiveCurves:
        """Read what was measured after each epoch later than `after`, thinned to about so many."""
        params = {"points": str(points), "after": str(after)}
        return cast(LiveCurves, self._json("GET", "/v1/runs/{run}/curves", run, params=params))

    def every_epoch(self, run: str) -> LiveCurves:
        """Read what was measured after each epoch, none left out: takes seconds for many thousands."""
        params = {"points": str(_MOST_EPOCHS)}
        path = "/v1/runs/{run}/curves"
        return cast(LiveCurves, self._json("GET", path, run, params=params, timeout=SLOW_S))

    def branches(self, run: str) -> Branches:
        """Read the tree of forks that a live run belongs to, best first."""
        return cast(Branches, self._json("GET", "/v1/runs/{run}/branches", run))

    def change_hyperparameters(self, run: str, changes: Mapping[str, Any]) -> LiveRun:
        """Have a live run change hyperparameters; 422 names each that is refused."""
        path = "/v1/runs/{run}/hyperparameters"
        return cast(LiveRun, self._json("PATCH", path, run, json=dict(changes)))

    def tell(self, run: str, what: Literal["pause", "resume", "stop"]) -> LiveRun:
        """Have a live run pause, learn on or end; 409 once it has ended."""
        routes = {
            "pause": "/v1/runs/{run}/pause",
            "resume": "/v1/runs/{run}/resume",
            "stop": "/v1/runs/{run}/stop",
        }
        return cast(LiveRun, self._json("POST", routes[what], run))

    def step(self, run: str, epochs: int = 1) -> LiveRun:
        """Have a live run learn some epochs, and pause."""
        return cast(LiveRun, self._json("POST", "/v1/runs/{run}/step", run, json={"epochs": epochs}))

    def fork(self, run: str, asked: ForkRequest) -> str:
        """Queue a live run that begins where another one was, and return its id."""
        return str(self._json("POST", "/v1/runs/{run}/fork", run, json=dict(asked))["id"])

    def keep(self, run: str, epoch: int | None) -> str:
        """Queue the run that takes an epoch's weights to the gate, and return its id; none: the best."""
        return str(self._json("POST", "/v1/runs/{run}/keep", run, json={"epoch": epoch})["id"])
