"""Comparing versions on request: a run like any other, whose result the caller waits for."""

import asyncio
import time

from data_processor.database import Database
from data_processor.datasets.repository import ready_dataset
from data_processor.models.registry import Registry
from data_processor.models.repository import require_rows
from data_processor.rows import OPEN_RUN
from data_processor.runs.child import GONE
from data_processor.runs.service import Runs
from data_processor.service.errors import Conflict, Invalid, NotReady
from data_processor.training.schemas import Evaluation

WAIT_S = 280
"""How long a caller waits; the run goes on, and later shows its result."""
POLL_S = 0.1


class Evaluations:
    """Has versions evaluated by the worker."""

    def __init__(self, database: Database, registry: Registry, runs: Runs) -> None:
        """Evaluate the versions of a registry."""
        self._database = database
        self._registry = registry
        self._runs = runs

    async def evaluate(
        self, model: str, versions: list[str], dataset: str | None, subject: str
    ) -> Evaluation:
        """Compare versions on a dataset, or on the model's own holdout rows: takes some seconds.

        Raises `NotFound` for what does not exist, `Invalid` for a version named twice, `Conflict` when the
        data does not suit the versions or the run is cancelled, `NotReady` when it takes too long.
        """
        run = await asyncio.to_thread(self._queue, model, versions, dataset, subject)
        deadline = time.monotonic() + WAIT_S
        # No thread is blocked meanwhile: however many wait, others are answered.
        while (row := await asyncio.to_thread(self._runs.get, run)).status in OPEN_RUN:
            if time.monotonic() > deadline:
                detail = f"The evaluation is taking long; run {run} will have its result."
                raise NotReady(detail, run=run, headers={"Retry-After": "30"})
            await asyncio.sleep(POLL_S)
        if row.status == "cancelled":
            raise Conflict(f"The evaluation was cancelled (run {run}).", run=run)
        if row.status == "failed":
            detail = row.error or f"The evaluation failed; the log of run {run} says why."
            if detail.startswith(GONE):
                raise NotReady(detail, run=run, headers={"Retry-After": "30"})
            raise Conflict(detail, run=run)
        return Evaluation.model_validate(await asyncio.to_thread(self._runs.result, run))

    def _queue(self, model: str, versions: list[str], dataset: str | None, subject: str) -> str:
        return self._runs.queue(
            None,
            "evaluation",
            model=model,
            dataset=self._check(model, versions, dataset),
            trigger="manual",
            reason=f"{subject} compares {_listed(versions)}.",
            subject=subject,
            options={"versions": versions},
        ).id

    def _check(self, model: str, versions: list[str], dataset: str | None) -> str:
        row = self._registry.get_model(model)
        require_rows(row, "Its versions are compared at the gate, on persons held out: see their receipts.")
        if len(set(versions)) < len(versions):
            errors = [{"loc": ["body", "versions"], "message": "names a version twice"}]
            raise Invalid("The versions were not evaluated.", errors=errors)  # type: ignore[arg-type]
        for version in versions:
            self._registry.version(model, version)
        name = dataset or row.dataset
        with self._database.reading() as session:
            ready_dataset(session, name)
        return name


def _listed(versions: list[str]) -> str:
    return f"version{'s' if len(versions) > 1 else ''} {', '.join(versions)}"
