"""A workshop whose runs are carried out here, and what people do with live runs."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select, update

from data_processor.adapters.object_store import FolderStore
from data_processor.database import Database
from data_processor.datasets.inference import infer_schema
from data_processor.models.policy import Policy
from data_processor.models.registry import add_model
from data_processor.rows import LiveCheckpointRow, LiveRunRow, ModelRow, RunRow
from data_processor.runs.service import Runs
from data_processor.service.database import now
from data_processor.service.errors import Conflict
from data_processor.training.live.data import LiveData
from data_processor.training.live.schemas import ForkRequest, LiveRun, LiveRunRequest
from data_processor.training.live.service import LiveRuns
from data_processor.training.live.store import LiveStore
from data_processor.training.live.views import LiveViews


@dataclass
class Live:
    """The live runs of a workshop."""

    shop: Any
    runs: LiveRuns
    views: LiveViews

    def start(self, **asked: Any) -> str:
        """Queue a live run; return its id."""
        return self.runs.start(self.shop.model, LiveRunRequest(**asked), "eve").id

    def fork(self, run: str, **asked: Any) -> str:
        """Queue a fork; return its id."""
        return self.runs.fork(run, ForkRequest(**asked), "eve").id

    def carry_out(self, run: str) -> RunRow:
        """Let it learn here until it ends."""
        row: RunRow = self.shop.carry_out(run)
        assert row.status == "succeeded", row.error
        return row

    @contextmanager
    def learning(self, run: str) -> Iterator[None]:
        """Let a run learn in a thread, until it ends at the end of the block."""
        failed: list[BaseException] = []

        def carry_out() -> None:
            try:
                self.carry_out(run)
            except BaseException as error:  # noqa: BLE001  # it is raised below
                failed.append(error)

        thread = threading.Thread(target=carry_out)
        thread.start()
        try:
            yield
        finally:
            if thread.is_alive() and self.views.read(run).state != "ended":
                with contextlib.suppress(Conflict):
                    self.runs.tell(run, "stop", "eve")
            thread.join(60)
        assert not failed, failed

    def wait_for(self, run: str, condition: Callable[[LiveRun], bool], seconds: float = 60) -> LiveRun:
        """Wait until a condition holds for a run."""
        deadline = time.monotonic() + seconds
        while not condition(found := self.views.read(run)):
            assert time.monotonic() < deadline, found
            assert found.status in ("queued", "running"), found
            time.sleep(0.05)
        return found

    def step(self, run: str, epochs: int = 1) -> LiveRun:
        """Let a run that learns in a thread go on for some epochs, and wait until it has paused again."""
        before = self.views.read(run).epoch
        self.runs.tell(run, "step", "eve", {"epochs": epochs})
        return self.wait_for(run, lambda one: one.state == "paused" and one.epoch == before + epochs)

    def crashed(self) -> bool:
        """Say whether a worker killed itself where it was told to."""
        folder: Path = self.shop.settings.state_dir
        return (folder / "crashed").exists()

    def learnt(self, **asked: Any) -> LiveRun:
        """Return a live run that has learnt what it was asked."""
        run = self.start(**asked)
        self.carry_out(run)
        return self.views.read(run)

    def weights(self, run: str) -> str:
        """Return the SHA-256 of what an ended run learnt."""
        result = self.shop.runs.result(run)
        found: str = result["live"]["weights"]
        return found

    def events(self, run: str, kind: str) -> list[dict[str, Any]]:
        """Return the events of a run of one type, in order."""
        events, _ = self.shop.runs.events(run)
        return [event.as_json() for event in events if event.type == kind]


@pytest.fixture
def live(common_workshop: Any, children_in_process: None) -> Live:
    """Return the workshop of a file's tests, with live runs."""
    del children_in_process
    shop = common_workshop
    runs = Runs(shop.database, shop.settings.stage)
    return Live(shop, LiveRuns(shop.database, runs), LiveViews(shop.database))


@pytest.fixture
def workers_live(new_workshop: Callable[..., Any], database_url: str) -> Live:
    """Make a workshop with live runs that real workers carry out, on a database of each kind."""
    urls = (
        {} if database_url.startswith("sqlite") else dict.fromkeys(("records_url", "jobs_url"), database_url)
    )
    shop = new_workshop(**urls)
    runs = Runs(shop.database, shop.settings.stage)
    return Live(shop, LiveRuns(shop.database, runs), LiveViews(shop.database))


@pytest.fixture(scope="session")
def tiny_data() -> LiveData:
    """Return 90 rows to learn from and 30 to be measured on: two classes that four columns tell apart."""
    draw = np.random.default_rng(8)
    features = draw.normal(size=(120, 4)).astype(np.float32)
    target = (features @ np.array([1.0, -2.0, 0.5, 0.0]) + draw.normal(0, 0.5, 120) > 0).astype(np.int64)
    truth = np.array(["no", "yes"], object)[target]
    frame = pd.DataFrame(features, columns=list("abcd")).assign(label=truth)
    nothing: Any = None
    return LiveData(
        schema=infer_schema(frame, "label"),
        metric="log_loss",
        prepared=nothing,
        features=features[:90],
        target=target[:90],
        uniform=np.ones(90),
        balanced=np.ones(90),
        sample=features[:40],
        sample_target=target[:40],
        sample_truth=truth[:40],
        validation=features[90:],
        validation_target=target[90:],
        validation_truth=truth[90:],
        offset=0.0,
        scale=1.0,
    )


@dataclass
class Desk:
    """Where live runs are asked for and none learns: what one would leave is written here."""

    database: Database
    objects: FolderStore
    model: str = "m"

    def __post_init__(self) -> None:
        """Make a model."""
        self.database.create_tables()
        self.runs = LiveRuns(self.database, Runs(self.database, "main"))
        self.views = LiveViews(self.database)
        self.make_model()

    def make_model(self) -> None:
        """Make the model, anew if there is one."""
        task: dict[str, Any] = {"task": "tabular-classification", "dataset": "d", "target": "label"}
        with self.database.transaction() as session:
            if (former := session.get(ModelRow, self.model)) is not None:
                session.delete(former)
                session.flush()
            add_model(session, self.model, **task, policy=Policy())

    def start(self, **asked: Any) -> str:
        """Queue a live run; return its id."""
        return self.runs.start(self.model, LiveRunRequest(**asked), "eve").id

    def fork(self, run: str, **asked: Any) -> str:
        """Queue a fork; return its id."""
        return self.runs.fork(run, ForkRequest(**asked), "eve").id

    def store(self, run: str) -> LiveStore:
        """Return the objects of a run."""
        return LiveStore(self.database, self.objects, run)

    def leave(self, run: str, *, epoch: int, row: int = 0, **fields: Any) -> str:
        """Let a run have ended after so many epochs, with a checkpoint there; return its id."""
        known = {"epoch": epoch, "best_epoch": epoch or None, "best_value": 0.5, "state": "ended", **fields}
        checkpoint = {"key": "", "sha256": "", "weights": ""}
        with self.database.transaction() as session:
            session.add(LiveCheckpointRow(run=run, epoch=epoch, row=row, **checkpoint))
            session.execute(update(LiveRunRow).where(LiveRunRow.run == run).values(**known))
            ended = {"status": "succeeded", "finished_at": now()}
            session.execute(update(RunRow).where(RunRow.id == run).values(**ended))
        return run

    def learnt(self, epoch: int = 2, **fields: Any) -> str:
        """Return a run that has ended."""
        return self.leave(self.start(), epoch=epoch, **fields)

    def rows(self, kind: Any) -> list[Any]:
        """Return all rows of a table."""
        with self.database.reading() as session:
            return list(session.scalars(select(kind)))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Make a desk."""
    database = Database(f"sqlite:///{tmp_path / 'records.db'}")
    yield Desk(database, FolderStore(tmp_path / "objects"))
    database.close()
