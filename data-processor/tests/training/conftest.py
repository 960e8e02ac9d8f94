"""A real MLflow server, a small real dataset under DVC, and real workers that may be killed."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from filelock import FileLock
from pydantic import SecretStr
from sqlalchemy import insert, select

from data_processor.adapters.dvc_repository import DvcRepository
from data_processor.adapters.mlflow_aliases import MlflowAliases
from data_processor.adapters.mlflow_artefacts import MlflowArtefacts
from data_processor.adapters.mlflow_connection import MlflowConnection
from data_processor.caller import Caller, sign
from data_processor.database import Database
from data_processor.datasets.census import make_table, sample_rows, schema_of
from data_processor.datasets.version_store import VersionStore
from data_processor.features.schema import Schema
from data_processor.models.ledger import Ledger
from data_processor.models.policy import Policy
from data_processor.models.registry import Registry
from data_processor.models.signatures import Signer
from data_processor.predictions.records import PredictionStore, predictions
from data_processor.rows import OPEN_RUN, FeedbackRow, RunRow
from data_processor.runs.jobs import carry_through
from data_processor.runs.service import Runs
from data_processor.settings import Settings
from data_processor.wiring.work import WorkerParts, wire_worker

CRASHING = Path(__file__).with_name("crashing_worker.py")
ROWS = 3_000
"""A model surely beats guessing, whichever fifth is held out; with 1 500, one time in forty it does not."""
SEED = 5
OTHER = {"<=50K": ">50K", ">50K": "<=50K"}
_models = count(1)
KEEPER = """
import fcntl, os, signal, subprocess, sys

if os.fork():
    os._exit(0)  # nobody has to wait for what follows
subprocess.Popen(sys.argv[2:])
with open(sys.argv[1]) as users:
    fcntl.flock(users, fcntl.LOCK_EX)  # granted once no test process holds its share any longer
os.killpg(0, signal.SIGKILL)
"""
"""Ends a server when all who used it have ended, however that came about."""


@pytest.fixture(scope="session")
def mlflow_url(shared: Path) -> Iterator[str]:
    """Start an MLflow server with proxied artefacts, once for all processes of this test run."""
    folder = shared / "mlflow"
    folder.mkdir(exist_ok=True)
    with (folder / "users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        url = folder / "url"
        with FileLock(folder / "lock"):
            if not url.exists() or not answers(f"{url.read_text()}/health"):
                url.write_text(start_mlflow(folder))
        yield url.read_text()


def start_mlflow(folder: Path) -> str:
    """Start MLflow with its files in a folder; return its address once it answers."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--serve-artifacts"]
    command += ["--artifacts-destination", str(folder / "artefacts")]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "log").open("ab") as log:
        subprocess.run(
            [sys.executable, "-c", KEEPER, str(folder / "users"), *command],
            env={**os.environ, **quiet},
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=True,
        )
    url = f"http://127.0.0.1:{port}"
    until(lambda: answers(f"{url}/health"), 300, (folder / "log").read_text)
    return url


@dataclass
class Workshop:
    """A stack of its own, short of its processes: one model whose dataset is stored, and nothing trained."""

    settings: Settings
    model: str
    database: Database
    registry: Registry
    ledger: Ledger
    runs: Runs
    store: VersionStore
    aliases: MlflowAliases
    mlflow: MlflowConnection
    _workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _here: WorkerParts | None = None
    """What a worker has, in this process."""

    def open_run(self, **options: Any) -> str:
        """Queue a run with a short search over what is fitted fastest and surely beats guessing."""
        asked = {"budget_s": 1, "candidates": [{"estimator": "logistic-regression"}], **options}
        return self.runs.open(
            None, self.model, trigger="manual", reason="The test wants it.", subject="eve", options=asked
        ).id

    def with_model(self, table: Any) -> "Workshop":
        """Store another table, with a model of its own; return the workshop as that model's users see it."""
        name, schema = f"{self.model}-{next(_models)}", schema_of(table)
        self.add_model(name, table, schema, Policy())
        return replace(self, model=name)

    def add_model(
        self, name: str, table: Any, schema: Schema, policy: Policy, salt: str | None = None
    ) -> None:
        """Store a table under DVC, and make a model of the same name on it."""
        self.store.add_upload(name, table, schema, request="upload")
        self.registry.create_model(
            None, name, task=schema.task, dataset=name, target=schema.target, policy=policy, salt=salt
        )

    def start_worker(self, *points: str, **fields: Any) -> "subprocess.Popen[bytes]":
        """Start a real worker; it kills itself at the first of these points, e.g. `after register`."""
        described = self.settings.model_dump(mode="json") | fields
        described.pop("trusted_types")
        told = {
            name.upper(): ",".join(value) if isinstance(value, list) else str(value)
            for name, value in described.items()
            if value is not None
        }
        told |= {"SERVICE_TOKEN": "t" * 16, "CALLER_KEY": "k" * 16, "SIGNING_KEY": "s" * 16}
        told |= {"CRASH_POINTS": ",".join(points)}
        log = self.settings.state_dir / "worker.log"
        with log.open("ab") as file:
            worker = subprocess.Popen(
                [sys.executable, str(CRASHING)],
                env={**os.environ, **told},
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        self._workers.append(worker)
        return worker

    def carry_out(self, run: str) -> RunRow:
        """Carry a run out here and now, as a worker would; return it."""
        self._here = self._here or wire_worker(self.settings)
        jobs = self._here.jobs
        work = jobs.kinds[self.row(run).kind]
        carry_through(jobs, work, run, lambda _name, action, *arguments: action(*arguments))
        return self.row(run)

    def row(self, run: str) -> RunRow:
        """Return a run."""
        return self.runs.get(run)

    def wait(self, run: str, condition: Callable[[RunRow], bool], seconds: float = 400) -> RunRow:
        """Wait until a condition holds for a run; fail with the log of the worker."""
        until(lambda: condition(self.row(run)), seconds, self.worker_log)
        return self.row(run)

    def finish(self, run: str) -> RunRow:
        """Wait until a run has ended."""
        return self.wait(run, lambda row: row.status not in OPEN_RUN)

    def wait_for_log(self, event: str, times: int = 1) -> None:
        """Wait until the workers have logged an event so often."""
        until(lambda: self.worker_log().count(event) >= times, 400, self.worker_log)

    def worker_log(self) -> str:
        """Return what the workers said."""
        return (self.settings.state_dir / "worker.log").read_text()

    def children(self) -> list[psutil.Process]:
        """Return the processes in which the workers have their runs' tasks carried out."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = str(self.settings.state_dir) in process.environ().get("STATE_DIR", "")
                if mine and "data_processor.child" in process.cmdline():
                    found.append(process)
            except (psutil.AccessDenied, psutil.NoSuchProcess):
                continue
        return found

    def rows(self, kind: Any) -> list[Any]:
        """Return all rows of a table."""
        with self.database.reading() as session:
            return list(session.scalars(select(kind)))

    def rate(self, amount: int, version: str = "1", seed: int = 11) -> None:
        """Record predictions of a version and a label for each."""
        rows = sample_rows(amount, seed=seed)
        store = PredictionStore(self.settings.predictions_url)
        store.create_tables()
        with store.engine.begin() as connection:
            for number, row in enumerate(rows):
                connection.execute(insert(predictions).values(**recorded(self.model, version, number, row)))
        store.close()
        with self.database.transaction() as session:
            for number, row in enumerate(rows):
                session.add(feedback_on(self.model, version, number, row["label"]))

    def stop_workers(self) -> None:
        """Kill those that still run."""
        for worker in self._workers:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()

    def close(self) -> None:
        """Kill what still runs."""
        self.stop_workers()
        if self._here is not None:
            self._here.mlflow.close()
            self._here.database.close()
        self.database.close()
        self.mlflow.close()


def make_workshop(
    folder: Path,
    url: str,
    policy: Policy,
    table: Any,
    schema: Schema | None = None,
    *,
    salt: str | None = None,
    **fields: Any,
) -> Workshop:
    """Make a stack in a folder, with one model on a table that is stored under DVC."""
    name = f"census-{os.getpid()}-{next(_models)}"
    settings = Settings(
        service_token=SecretStr("t" * 16),
        caller_key=SecretStr("k" * 16),
        signing_key=SecretStr("s" * 16),
        state_dir=folder / name,
        **{"mlflow_url": url, "reconcile_interval_s": 0.3, **fields},
    )
    settings.state_dir.mkdir()
    connection = MlflowConnection(settings.mlflow_url)
    database = Database(settings.records_url)
    database.create_tables()
    repository = DvcRepository(settings.dataset_repository, settings.dataset_remote, settings.dataset_store)
    made = Workshop(
        settings=settings,
        model=name,
        database=database,
        registry=Registry(database, settings.models_dir, MlflowArtefacts(connection), Signer.of(settings)),
        ledger=Ledger(database),
        runs=Runs(database, settings.stage),
        store=VersionStore(database, repository),
        aliases=MlflowAliases(connection),
        mlflow=connection,
    )
    made.add_model(name, table, schema or schema_of(table), policy, salt)
    return made


@pytest.fixture
def new_workshop(tmp_path: Path, mlflow_url: str) -> Iterator[Callable[..., Workshop]]:
    """Make workshops; each may have its own policy, table and settings."""
    made: list[Workshop] = []

    def make(policy: Policy | None = None, table: Any = None, **fields: Any) -> Workshop:
        table = make_table(ROWS, SEED) if table is None else table
        made.append(make_workshop(tmp_path, mlflow_url, policy or Policy(), table, **fields))
        return made[-1]

    yield make
    for shop in made:
        shop.close()


@pytest.fixture(scope="module")
def common_workshop(tmp_path_factory: pytest.TempPathFactory, mlflow_url: str) -> Iterator[Workshop]:
    """Make one workshop for the tests of a file, each of which minds only runs of its own."""
    shop = make_workshop(tmp_path_factory.mktemp("common"), mlflow_url, Policy(), make_table(ROWS, SEED))
    yield shop
    shop.close()


@pytest.fixture
def workshop(new_workshop: Callable[..., Workshop]) -> Workshop:
    """Make one workshop."""
    return new_workshop()


@pytest.fixture
def as_engineer() -> Callable[[Any], Any]:
    """Sign each request to a workshop's stage anew: a signature is good for a minute, a run takes longer."""

    def sign_anew(request: Any) -> Any:
        caller = sign(Caller("eve", "engineer"), "k" * 16, time.time() + 60)
        request.headers.update({"Authorization": f"Bearer {'t' * 16}", "X-Loopkeeper-Caller": caller})
        return request

    return sign_anew


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, mlflow_url: str) -> Iterator[Workshop]:
    """A workshop in which one run, with feedback in its snapshot, has ended. Only to be read."""
    shop = make_workshop(tmp_path_factory.mktemp("trained"), mlflow_url, Policy(), make_table(ROWS, SEED))
    shop.rate(60)
    shop.start_worker()
    shop.finish(shop.open_run(candidates=None))
    shop.wait_for_log("run_finished")
    shop.stop_workers()  # it would ask MLflow for news as long as there are tests
    yield shop
    shop.close()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str) -> bool:
    """Say whether a server answers there."""
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.TransportError:
        return False


def until(condition: Callable[[], bool], seconds: float, explain: Callable[[], str]) -> None:
    """Wait for a condition; if it does not come true, fail with an explanation."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"It did not happen within {seconds:g} s.\n{explain()}")
        time.sleep(0.1)


def recorded(model: str, version: str, number: int, row: dict[str, Any]) -> dict[str, Any]:
    """Return a recorded prediction: whatever is true, the answer was the other class."""
    answer = OTHER[row["label"]]
    return {
        "id": f"{model}-{version}-{number:06d}",
        "model": model,
        "version": version,
        "stage": "main",
        "pinned": False,
        "asked": False,
        "subject": "ann",
        "at_us": 1_700_000_000_000_000 + number,
        "inputs": json.dumps(row["inputs"]),
        "output": json.dumps({"label": answer, "probabilities": {answer: 0.9, row["label"]: 0.1}}),
        "flags": "[]",
        "latency_ms": 1.0,
        "trace_id": "0" * 32,
    }


def feedback_on(model: str, version: str, number: int, label: str) -> FeedbackRow:
    """Return what a person said of it."""
    return FeedbackRow(
        prediction=f"{model}-{version}-{number:06d}",
        model=model,
        stage="main",
        version=version,
        pinned=False,
        asked=False,
        subject="ann",
        correct=False,
        label=label,
        value=None,
        comment=None,
        trusted=True,
    )
