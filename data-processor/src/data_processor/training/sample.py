"""The sample model `census-income`: planted on the first start, or trained on the real UCI Adult on request.

The heavy libraries are imported by the functions that need them: the worker plants without them, in a child.
"""

import hashlib
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import select

from data_processor.caller import PLATFORM
from data_processor.database import Database
from data_processor.models.access import registry_of
from data_processor.models.ledger import Ledger
from data_processor.models.policy import Policy
from data_processor.rows import ModelRow, RunRow
from data_processor.runs.child import Child
from data_processor.runs.context import TaskContext
from data_processor.runs.service import Runs, Trigger
from data_processor.service.errors import Conflict, Problem
from data_processor.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

NAME = "census-income"
ROWS = 30_000
SEED = 1994
"""The year of the census that the synthetic table resembles."""
OPTIONS = {"budget_s": 8.0}
"""A short search for the first run: somebody is waiting for the platform to be ready."""
ATTEMPTS = 3
"""First runs that are opened automatically, should one fail because a server was not there yet."""
FOLLOW_S = 0.3

log = structlog.get_logger(__name__)


class SamplePlant:
    """Ensures that a first start ends with a sample model being served."""

    def __init__(self, settings: Settings, database: Database, ledger: Ledger) -> None:
        """Plant in this stack."""
        self._settings = settings
        self._database = database
        self._ledger = ledger
        self.done = not settings.sample_model

    def ensure(self) -> None:
        """Plant the sample model if it never was; repeat a first run that failed."""
        if self.done:
            return
        with self._database.reading() as session:
            query = select(RunRow).where(RunRow.model == NAME, RunRow.trigger == "initial")
            runs = list(session.scalars(query.order_by(RunRow.created_at)))
            gone = session.get(ModelRow, NAME) is None
        if not runs:
            self._plant()
        elif gone or len(runs) >= ATTEMPTS or self._ledger.current(NAME, self._settings.stage):
            self.done = True  # somebody may have deleted it since: then it stays away
        elif runs[-1].status == "failed":
            self._repeat()

    def _plant(self) -> None:
        folder = self._settings.runs_dir / "sample"
        child = Child(self._settings, folder)
        try:
            log.info("sample_planted", **child.ask("sample"))
        finally:
            child.close()
            shutil.rmtree(folder, ignore_errors=True)

    def _repeat(self) -> None:
        try:
            Runs(self._database, self._settings.stage).open(
                None,
                NAME,
                trigger="initial",
                reason="The first run failed.",
                subject=PLATFORM,
                options=OPTIONS,
            )
        except Conflict:
            log.info("sample_run_is_open")


def sample(context: TaskContext) -> dict[str, Any]:
    """Make the synthetic table a dataset, create its model, open its first run. A task of a child process."""
    from data_processor.datasets import census  # noqa: PLC0415  # see above

    table = census.make_table(ROWS, SEED)
    return {"run": _store_and_open(context, table, "sample", "initial", "The first start.")}


def train_sample(settings: Settings, csv: Path | None) -> None:
    """Train census-income on the real UCI Adult, from a CSV or from OpenML; follow the run to its end.

    The worker must be running. Exits with a sentence when the data cannot be had or the run does not succeed.
    """
    folder = settings.runs_dir / f"train-sample-{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with TaskContext(settings, folder) as context:
            context.database.create_tables()
            table = _read(csv) if csv else _fetch(settings)
            digest = hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()
            source = csv.name if csv else "OpenML"  # not the path: every engineer reads a run's reason
            sys.stdout.write(
                f"{len(table)} rows of UCI Adult from {source}; storing them as a dataset version.\n"
            )
            run = _store_and_open(context, table, f"uci-{digest}", "upload", f"UCI Adult from {source}.")
            _follow(Runs(context.database, settings.stage), run)
    except (ValueError, Problem, OSError) as error:
        sys.exit(f"census-income was not trained: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _store_and_open(
    context: TaskContext, table: "pd.DataFrame", request: str, trigger: Trigger, reason: str
) -> str:
    """Store a table as the dataset's next version and open a run on it, creating the model if it is new."""
    from data_processor.datasets import census  # noqa: PLC0415  # see above
    from data_processor.datasets.version_store import open_version_store  # noqa: PLC0415

    schema = census.schema_of(table)
    open_version_store(context).add_upload(NAME, table, schema, request=request)
    with context.database.transaction() as session:
        if session.get(ModelRow, NAME) is None:
            registry_of(context).create_model(
                session, NAME, task=schema.task, dataset=NAME, target=schema.target, policy=Policy()
            )
        runs = Runs(context.database, context.settings.stage)
        options = OPTIONS if trigger == "initial" else {}
        return runs.open(session, NAME, trigger=trigger, reason=reason, subject=PLATFORM, options=options).id


def _read(csv: Path) -> "pd.DataFrame":
    from data_processor.datasets import census  # noqa: PLC0415  # see above
    from data_processor.datasets.tables import read_csv  # noqa: PLC0415

    return _as_census(read_csv(csv, names=census.COLUMNS), str(csv))


def _fetch(settings: Settings) -> "pd.DataFrame":
    from sklearn.datasets import fetch_openml  # noqa: PLC0415  # see above

    found = fetch_openml("adult", version=2, as_frame=True, data_home=settings.state_dir / "openml")
    return _as_census(found.frame.rename(columns={"class": "income-per-year"}), "OpenML")


def _as_census(table: "pd.DataFrame", source: str) -> "pd.DataFrame":
    """Return UCI Adult in the sample's columns; raises `ValueError` if it is something else."""
    from data_processor.datasets import census  # noqa: PLC0415  # see above

    if absent := [name for name in census.COLUMNS if name not in table]:
        raise ValueError(f"{source} is not UCI Adult: it has no column {', '.join(absent)}.")
    table = table[list(census.COLUMNS)].copy()
    # UCI's own test file ends every label with a dot.
    target = table[census.TARGET].astype("str").str.strip().str.rstrip(".")
    if unknown := sorted({str(label) for label in target.unique()} - set(census.CLASSES)):
        raise ValueError(f"{source} is not UCI Adult: {census.TARGET} has the values {', '.join(unknown)}.")
    table[census.TARGET] = target
    return table


def _follow(runs: Runs, run: str) -> None:
    """Print a run's log until it ends; exit with its error unless it succeeded."""
    last, closed = 0, False
    while not closed:
        events, closed = runs.events(run, last)
        for event in events:
            last = event.seq
            if event.type != "metric":
                sys.stdout.write(f"{event.as_text()}\n")
        sys.stdout.flush()
        time.sleep(0 if closed or events else FOLLOW_S)
    row = runs.get(run)
    if row.status != "succeeded":
        sys.exit(f"Run {run} {row.status}: {row.error or 'see its log.'}")
