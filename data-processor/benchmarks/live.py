"""Measure what steering costs: a live run of 30 000 rows beside the same batches by partial_fit alone.

plain          an epoch of scikit-learn's partial_fit on as many rows, in batches of the same size
live           an epoch of a live run, its events written to SQLite and its checkpoints to a folder; without
               what is measured after it
measuring      loss, metric and norms after an epoch
               all in seconds of computing, those of the thread that writes among them: what else the machine
               does has no part in them
changed        from a change that is asked for to the batch that applies it
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from data_processor.adapters.object_store import FolderStore
from data_processor.database import Database
from data_processor.datasets.census import make_table, schema_of
from data_processor.features.hyperparameters import defaults
from data_processor.features.split import prepare_data
from data_processor.rows import LiveCommandRow, LiveRunRow, RunRow
from data_processor.runs.events import RunLog
from data_processor.runs.service import Runs
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.incremental.declared import LIVE_CLASSIFIERS
from data_processor.tasks.incremental.learners import make_learner
from data_processor.training.live.data import LiveData, prepare_live
from data_processor.training.live.journal import Journal
from data_processor.training.live.loop import TrainingLoop, one_thread
from data_processor.training.live.repository import KIND, add_command
from data_processor.training.live.steering import Steering
from data_processor.training.live.store import LiveStore
from data_processor.training.live.trainer import Trainer

ROWS, SEED = 30_000, 7
BOUND = 1.10
CHANGED_S = 1.0


def main() -> int:
    """Print the figures; return 1 if one misses its bound."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=60, help="of each estimator, half of them each way")
    given = parser.parse_args()
    table = make_table(int(ROWS / 0.64), SEED)  # so many that about 30 000 are fitted to
    schema = schema_of(table)
    split = prepare_data(table, schema, "salt", None, validate_on_recent=False)
    failed = False
    for estimator in LIVE_CLASSIFIERS:
        candidate = Candidate(estimator=estimator.name, params={})
        data = prepare_live(split, candidate, "log_loss", SEED)
        settings = defaults(estimator.hyperparameters)
        ratio, measured, changed = _compare(data, estimator.name, settings, given.epochs)
        failed = failed or ratio > BOUND or changed > CHANGED_S
        sys.stdout.write(
            f"{estimator.name:4} {len(data.target)} rows  live {ratio:.3f} times plain (bound {BOUND:g})  "
            f"measuring {measured:.0%} of plain  changed after {changed * 1000:.0f} ms at most "
            f"(bound {CHANGED_S * 1000:g} ms)\n"
        )
    return int(failed)


def _compare(
    data: LiveData, estimator: str, settings: dict[str, Any], epochs: int
) -> tuple[float, float, float]:
    """Return live over plain, measuring over plain, and the longest that a change took, in seconds."""
    plain = [_plain(data, estimator, settings, epoch) for epoch in range(max(5, epochs // 4))]
    with tempfile.TemporaryDirectory() as folder:
        whole, measuring, changed = _live(data, estimator, settings, epochs, Path(folder))
    again = [_plain(data, estimator, settings, epoch) for epoch in range(max(5, epochs // 4))]
    usual = statistics.median(plain + again)
    return (whole - measuring) / usual, measuring / usual, changed


def _plain(data: LiveData, estimator: str, settings: dict[str, Any], epoch: int) -> float:
    """Return the seconds of an epoch of nothing but partial_fit."""
    learner = make_learner(
        estimator,
        settings,
        columns=data.features.shape[1],
        classes=len(data.labels),
        dtype=data.features.dtype,
        seed=SEED,
    )
    order = np.random.default_rng((SEED, epoch)).permutation(len(data.target))
    size, rate = int(settings["batch_size"]), float(settings["learning_rate"])
    with one_thread():
        began = time.process_time()
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            learner.learn(data.features[batch], data.target[batch], data.uniform[batch], rate, settings)
        return time.process_time() - began


def _live(
    data: LiveData, estimator: str, settings: dict[str, Any], epochs: int, folder: Path
) -> tuple[float, float, float]:
    """Return the seconds of an epoch of a live run, those of measuring it, and the longest change."""
    database = Database(f"sqlite:///{folder / 'records.db'}")
    database.create_tables()
    run = Runs(database, "main").queue(
        None, KIND, model="bench", trigger="manual", reason="", subject="bench"
    )
    with database.transaction() as session:
        session.get_one(RunRow, run.id).status = "running"
        session.add(
            LiveRunRow(
                run=run.id,
                estimator=estimator,
                hyperparameters=settings,
                first_hyperparameters=settings,
                epochs=epochs,
                metric="log_loss",
            )
        )
    store = LiveStore(database, FolderStore(folder / "objects"), run.id)
    loop = _Timed(data, estimator, settings, SEED)
    steering = Steering(database, store)
    trainer = Trainer(loop, steering, store, RunLog(database, run.id), None)
    asking = threading.Thread(target=_ask, args=(database, run.id), daemon=True)
    asking.start()
    began = time.process_time()
    with one_thread(), Journal(database, run.id) as journal:
        trainer.train(journal)
    seconds = time.process_time() - began
    with database.reading() as session:
        commands = session.query(LiveCommandRow).filter(LiveCommandRow.change.is_not(None)).all()
    changed = max(((one.done_at - one.at).total_seconds() for one in commands if one.done_at), default=0.0)
    database.close()
    return seconds / epochs, loop.measuring / epochs, changed


class _Timed(TrainingLoop):
    """A loop that notes what measuring takes."""

    measuring = 0.0

    def _measured(self, rate: float) -> Any:
        began = time.process_time()
        found = super()._measured(rate)
        self.measuring += time.process_time() - began
        return found


def _ask(database: Database, run: str) -> None:
    """Ask for a change now and then, as a person moves a slider."""
    for number in range(5):
        time.sleep(0.5)
        with database.transaction() as session:
            add_command(
                session,
                LiveCommandRow(
                    run=run, kind="hyperparameters", body={"alpha": 0.0001 * (number + 2)}, subject="bench"
                ),
            )


if __name__ == "__main__":
    sys.exit(main())
