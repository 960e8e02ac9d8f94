"""Measure what steering costs: a live run of 30 000 rows beside the same batches by partial_fit alone.

plain          scikit-learn's partial_fit alone, the same batches to the same weights, an epoch after each
               live one
live           a live run, its events written to SQLite and its checkpoints to a folder; without what is
               measured after each epoch
measuring      loss, metric and norms after each epoch
               all in seconds of computing, those of the thread that writes among them; live over plain is the
               median over the epochs
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
    parser.add_argument("--epochs", type=int, default=40, help="of each estimator")
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
    changed = _live(TrainingLoop(data, estimator, settings, SEED), estimator, settings, epochs, changes=5)[1]
    loop = _Twin(data, estimator, settings)
    writing, _ = _live(loop, estimator, settings, epochs, changes=0)
    learning = statistics.median(live / plain for live, plain in loop.seconds)
    plain = sum(plain for _, plain in loop.seconds)
    return learning + writing / plain, loop.measuring / plain, changed


class _Twin(TrainingLoop):
    """A loop with a twin that learns each epoch after it by partial_fit alone, from and to the same weights.

    The cores of a shared machine change their speed by a third within seconds, so epochs are compared one by
    one.
    """

    def __init__(self, data: LiveData, estimator: str, settings: dict[str, Any]) -> None:
        super().__init__(data, estimator, settings, SEED)
        self.seconds: list[tuple[float, float]] = []
        """Of each epoch: live, without what is measured after it, and plain."""
        self.measuring = 0.0
        self._twin = TrainingLoop(data, estimator, settings, SEED)._learner  # noqa: SLF001  # nothing else of it
        self._began = time.thread_time()

    def _measured(self, rate: float) -> Any:
        learnt = time.thread_time()
        found = super()._measured(rate)
        measured = time.thread_time()
        self._learn_plainly(self.position.epoch - 1, rate)
        self.seconds.append((learnt - self._began, time.thread_time() - measured))
        self.measuring += measured - learnt
        self._began = time.thread_time()
        return found

    def _learn_plainly(self, epoch: int, rate: float) -> None:
        data, settings = self._data, self.settings
        order = np.random.default_rng((SEED, epoch)).permutation(len(data.target))
        size = int(settings["batch_size"] or 1)
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            self._twin.learn(data.features[batch], data.target[batch], data.uniform[batch], rate, settings)


class _Timed(Journal):
    """A journal that notes what its thread takes."""

    seconds = 0.0

    def _write(self) -> None:
        super()._write()
        self.seconds = time.thread_time()


def _live(
    loop: TrainingLoop, estimator: str, settings: dict[str, Any], epochs: int, changes: int
) -> tuple[float, float]:
    """Let a loop learn; return the seconds that writing took, and the longest that a change took."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/records.db")
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
        store = LiveStore(database, FolderStore(Path(folder) / "objects"), run.id)
        trainer = Trainer(loop, Steering(database, store), store, RunLog(database, run.id), None)
        threading.Thread(target=_ask, args=(database, run.id, changes), daemon=True).start()
        with one_thread(), _Timed(database, run.id) as journal:
            trainer.train(journal)
        with database.reading() as session:
            commands = session.query(LiveCommandRow).filter(LiveCommandRow.change.is_not(None)).all()
        changed = [(one.done_at - one.at).total_seconds() for one in commands if one.done_at]
        database.close()
    return journal.seconds, max(changed, default=0.0)


def _ask(database: Database, run: str, changes: int) -> None:
    """Ask for changes, as a person moves a slider."""
    for number in range(changes):
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
