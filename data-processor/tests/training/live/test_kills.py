"""A run that is killed before any of the things it does for good, and taken up again."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from data_processor.adapters.object_store import FolderStore
from data_processor.database import Database
from data_processor.features.hyperparameters import Value, defaults
from data_processor.rows import LiveCommandRow, LiveRunRow, RunRow
from data_processor.runs.events import RunLog, read
from data_processor.runs.service import Runs
from data_processor.tasks.incremental.declared import LIVE_CLASSIFIERS
from data_processor.training.live import trainer as trainers
from data_processor.training.live.data import LiveData
from data_processor.training.live.history import Again, Script
from data_processor.training.live.journal import Journal
from data_processor.training.live.loop import TrainingLoop
from data_processor.training.live.repository import add_command, changes
from data_processor.training.live.steering import Steering
from data_processor.training.live.store import LiveStore
from data_processor.training.live.trainer import Trainer

SEED = 3
When = Callable[[LiveRunRow, TrainingLoop], bool]
Said = tuple[When, str, dict[str, Value]]
"""When somebody says what."""


class PromptJournal(Journal):
    """Writes each epoch at once, in the thread that learns, so that every moment has its number."""

    def epoch(self, body: dict[str, Any], live: dict[str, Any], progress: float) -> None:
        self._store([(body, live, progress)])


def nothing() -> None:
    """Do nothing."""


@dataclass
class Bench:
    """A live run with nothing around it, and people who say things to it."""

    data: LiveData
    folder: Path
    database: Database
    objects: FolderStore
    moment: Callable[[], None] = nothing
    """Called before each thing that is done for good."""
    said: list[Said] = field(default_factory=list)
    learnt: TrainingLoop | None = None

    def queue(self, settings: dict[str, Value], epochs: int, **fields: Any) -> str:
        run = Runs(self.database, "main").queue(
            None, "live", model="m", trigger="manual", reason="", subject="eve"
        )
        with self.database.transaction() as session:
            session.get_one(RunRow, run.id).status = "running"
            values = {"hyperparameters": settings, "first_hyperparameters": settings}
            given = {"metric": "log_loss", "state": "preparing", **values, **fields}
            session.add(LiveRunRow(run=run.id, estimator="sgd", epochs=epochs, **given))
        return run.id

    def train(self, run: str, original: str | None = None) -> dict[str, Any]:
        """Let it learn until it ends, or is killed."""
        store = LiveStore(self.database, self.objects, run)
        with self.database.reading() as session:
            live = session.get_one(LiveRunRow, run)
        loop = self.learnt = TrainingLoop(self.data, "sgd", live.first_hyperparameters, SEED)
        above = LiveStore(self.database, self.objects, original) if original else None
        trainer = Trainer(
            loop,
            Listening(self.database, store, self),
            store,
            RunLog(self.database, run),
            (Steering(self.database, above), above) if above else None,
        )
        found: dict[str, Any] = trainer.train(PromptJournal(self.database, run))["live"]
        return found

    def say(self, run: str) -> None:
        """Say what is to be said next, if its time has come."""
        with self.database.reading() as session:
            mine = LiveCommandRow.run == run, LiveCommandRow.body != {}
            spoken = session.scalar(select(func.count()).where(*mine)) or 0
            live = session.get_one(LiveRunRow, run)
        assert self.learnt is not None
        if spoken < len(self.said) and self.said[spoken][0](live, self.learnt):
            _, kind, body = self.said[spoken]
            moment, self.moment = self.moment, nothing  # it is not the run that does this
            with self.database.transaction() as session:
                body = body or {"nothing": None}
                add_command(session, LiveCommandRow(run=run, kind=kind, body=body, subject="eve"))
            self.moment = moment

    def events(self, run: str, kind: str) -> list[dict[str, Any]]:
        with self.database.reading() as session:
            return [one.body for one in read(session, run) if one.type == kind]


NewBench = Callable[..., Bench]


class Listening(Steering):
    """Hears people between any two batches."""

    def __init__(self, database: Database, store: LiveStore, bench: Bench) -> None:
        super().__init__(database, store)
        self._bench = bench

    def waiting(self) -> list[LiveCommandRow]:
        self._bench.say(self._run)
        return super().waiting()


@pytest.fixture
def new_bench(tiny_data: LiveData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NewBench]:
    """Make benches: one with an empty database, others with what a folder has."""
    made: list[Bench] = []
    monkeypatch.setattr(trainers, "LISTEN_S", 0.0)
    monkeypatch.setattr(trainers, "CHECKPOINT_S", 0.0)
    monkeypatch.setattr(trainers, "MOST_OF_TIME", 1e9)
    transaction, put = Database.transaction, FolderStore.put

    @contextmanager
    def counted_transaction(database: Database) -> Iterator[Any]:
        made[-1].moment()
        with transaction(database) as session:
            yield session

    def counted_put(store: FolderStore, *arguments: Any) -> None:
        made[-1].moment()
        put(store, *arguments)

    def make(folder: Path | None = None) -> Bench:
        new, folder = folder is None, folder or tmp_path / "first"
        folder.mkdir(exist_ok=True)
        if made:
            made[-1].database.close()
        database = Database(f"sqlite:///{folder / 'records.db'}")
        made.append(Bench(tiny_data, folder, database, FolderStore(folder / "objects")))
        if new:
            database.create_tables()
        return made[-1]

    monkeypatch.setattr(Database, "transaction", counted_transaction)
    monkeypatch.setattr(FolderStore, "put", counted_put)
    yield make
    made[-1].database.close()


def settings(**values: Value) -> dict[str, Value]:
    return {**defaults(LIVE_CLASSIFIERS[0].hyperparameters), "batch_size": 45, **values}


def killed_everywhere(
    new_bench: NewBench, ready: Bench, run: str, original: str | None = None
) -> Iterator[tuple[Bench, dict[str, Any]]]:
    """Yield what a run that is ready comes to, for each moment at which it can be killed and go on later.

    What a killed process leaves is what is on the disk then, so a run that is never killed has it copied.
    """
    left: list[Path] = []

    def keep() -> None:
        left.append(ready.folder.with_name(f"left at {len(left)}"))
        shutil.copytree(ready.folder, left[-1])

    ready.moment = keep
    found = ready.train(run, original)
    ready.moment = nothing
    yield ready, found
    assert len(left) > 15
    for folder in left:
        bench = new_bench(folder)
        bench.said = ready.said
        yield bench, bench.train(run, original)


def assert_whole(bench: Bench, run: str, found: dict[str, Any]) -> None:
    """Check that nothing is lost, nothing is told twice, and that the weights follow from what was told."""
    with bench.database.reading() as session:
        live, applied = session.get_one(LiveRunRow, run), changes(session, run)
        commands = list(session.scalars(select(LiveCommandRow).where(LiveCommandRow.run == run)))
    assert live.state == "ended"
    assert len(commands) >= len(bench.said)
    assert all(one.done_at is not None for one in commands)
    first = live.parent_epoch
    epochs = [one["epoch"] for one in bench.events(run, "metric")]
    assert epochs == list(range(first + 1, live.epoch + 1))
    told = [one["number"] for one in bench.events(run, "hyperparameters") if one["state"] == "applied"]
    assert told == [one.number for one in applied] == list(range(1, len(applied) + 1))
    assert len([one for one in bench.events(run, "status") if one.get("state") == "ended"]) == 1
    loop = TrainingLoop(bench.data, "sgd", live.first_hyperparameters, SEED)
    assert bench.learnt is not None
    script = Script([Again.of(one, known=True) for one in applied])
    while loop.diverged is None:
        for change in script.due(loop.position):
            loop.change(change.values)
        if loop.position >= bench.learnt.position and live.diverged is None:
            assert loop.settings == live.hyperparameters
            assert loop.weights == found["weights"]
            return
        loop.advance()
    assert live.diverged is not None
    assert live.diverged["epoch"] == loop.position.epoch == found["epoch"]


def paused_at(epoch: int) -> When:
    return lambda live, _loop: live.state == "paused" and live.epoch == epoch


def after(epoch: int) -> When:
    return lambda live, loop: live.epoch >= epoch and loop.position.row > 0


STEERED: list[Said] = [
    (lambda _live, _loop: True, "pause", {}),
    (paused_at(0), "step", {"epochs": 1}),
    (paused_at(1), "hyperparameters", {"learning_rate": 0.05}),
    (paused_at(1), "hyperparameters", {"learning_rate": 0.1}),
    (paused_at(1), "hyperparameters", {"learning_rate": 0.01, "schedule": "step"}),
    (paused_at(1), "resume", {}),
    (after(1), "hyperparameters", {"alpha": 0.01, "batch_size": 20}),
]


def test_what_people_say_is_done_once(new_bench: NewBench) -> None:
    ready = new_bench()
    ready.said = STEERED
    run = ready.queue(settings(), 3)
    for made, found in killed_everywhere(new_bench, ready, run):
        assert_whole(made, run, found)
        assert found["epoch"] == 3
        with made.database.reading() as session:
            at = [(one.epoch, one.row) for one in changes(session, run)]
        assert at[:3] == [(1, 0)] * 3
        assert len(at) == 4


def test_a_stopped_run_stays_stopped(new_bench: NewBench) -> None:
    ready = new_bench()
    ready.said = [(after(1), "stop", {})]
    run = ready.queue(settings(), 50)
    for made, found in killed_everywhere(new_bench, ready, run):
        assert_whole(made, run, found)
        assert found["epoch"] <= 2
        with made.database.reading() as session:
            assert session.get_one(LiveRunRow, run).why == "eve stopped it."


def test_early_stopping_counts_the_same_epochs(new_bench: NewBench) -> None:
    ready, ends = new_bench(), set()
    run = ready.queue(settings(learning_rate=2.0, patience=2), 50)
    for made, found in killed_everywhere(new_bench, ready, run):
        assert_whole(made, run, found)
        ends.add((found["epoch"], found["best"]["epoch"]))
    ((last, best),) = ends
    assert last == best + 2 < 50


def test_a_diverged_run_stays_diverged_and_refuses_changes(new_bench: NewBench) -> None:
    ready = new_bench()
    ready.said = [
        (after(1), "hyperparameters", {"learning_rate": 10.0, "alpha": 10}),
        (lambda live, _loop: live.diverged is not None, "hyperparameters", {"learning_rate": 0.1}),
        (lambda live, _loop: live.diverged is not None, "resume", {}),
        (lambda live, _loop: live.diverged is not None, "stop", {}),
    ]
    run = ready.queue(settings(), 50)
    for made, found in killed_everywhere(new_bench, ready, run):
        assert_whole(made, run, found)
        (refused,) = [one for one in made.events(run, "hyperparameters") if one["state"] == "refused"]
        assert "It diverged in epoch" in refused["message"]
        assert found["best"]["epoch"] < found["epoch"]


def test_a_replay_comes_to_the_same_weights(new_bench: NewBench) -> None:
    ready = new_bench()
    ready.said = STEERED
    original = ready.queue(settings(), 3)
    ready.train(original)
    ready.said = []
    run = ready.queue(settings(), 3, parent=original, replay=True)
    for made, found in killed_everywhere(new_bench, ready, run, original):
        assert_whole(made, run, found)
        assert found["replay"]["same"] is True
        assert found["changes"] == 4


@pytest.mark.parametrize("change", [1, 2, 3])
def test_a_fork_before_one_of_several_changes_at_a_place_learns_as_if_they_were_not(
    new_bench: NewBench, change: int
) -> None:
    made = new_bench()
    made.said = STEERED
    first = settings(schedule="inverse-scaling")
    original = made.queue(first, 3)
    made.train(original)
    with made.database.reading() as session:
        applied = changes(session, original)[: change - 1]
    values = dict(first)
    for one in applied:
        values |= one.values
    made.said = []
    place = {"parent_epoch": 1, "epoch": 1, "parent_change": change}
    fork = made.queue(values, 3, parent=original, **place)
    found = made.train(fork, original)
    plain = TrainingLoop(made.data, "sgd", first, SEED)
    while plain.position.epoch < 3:
        if plain.position == (1, 0):
            for one in applied:
                plain.change(one.values)
        plain.advance()
    assert found["weights"] == plain.weights


def test_a_replay_pauses_after_a_step(new_bench: NewBench) -> None:
    made = new_bench()
    original = made.queue(settings(), 3)
    made.train(original)
    made.said = [
        (lambda _live, _loop: True, "pause", {}),
        (paused_at(0), "step", {"epochs": 1}),
        (paused_at(1), "resume", {}),
    ]
    run = made.queue(settings(), 3, parent=original, replay=True)
    assert made.train(run, original)["replay"]["same"] is True


def test_a_replay_that_is_stopped_before_its_end_compares_nothing(new_bench: NewBench) -> None:
    made = new_bench()
    original = made.queue(settings(), 3)
    made.train(original)
    made.said = [(after(1), "stop", {})]
    run = made.queue(settings(), 3, parent=original, replay=True)
    assert "replay" not in made.train(run, original)
