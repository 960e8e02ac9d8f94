"""A tiny real model in three versions, and a state folder where the first of them is served."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pandas as pd
import psycopg
import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from comments import divide, make_comments
from data_processor.app import create_app
from data_processor.caller import Caller, Role, sign
from data_processor.database import Database
from data_processor.datasets.census import make_table, sample_rows, schema_of
from data_processor.datasets.inference import infer_schema
from data_processor.datasets.tables import LabelledRow, keepable, with_feedback
from data_processor.features.schema import Schema
from data_processor.features.split import Split, prepare_data
from data_processor.feedback.estimates import Estimates
from data_processor.feedback.scoreboard import Scoreboard
from data_processor.models.ledger import Ledger
from data_processor.models.loaded import LoadedVersions
from data_processor.models.manifest import (
    BACKGROUND_FILE,
    MANIFEST_FILE,
    ONNX_FILE,
    SKOPS_FILE,
    Lineage,
    Manifest,
    Parity,
)
from data_processor.models.policy import Policy
from data_processor.models.registry import Registry
from data_processor.models.signatures import Signer
from data_processor.monitoring.collector import LoopCollector
from data_processor.predictions.records import PredictionStore
from data_processor.rows import DatasetRow, DriftReportRow, FeedbackRow
from data_processor.runs.jobs import Jobs, carry_through
from data_processor.runs.metrics import RunMetrics
from data_processor.runs.service import Runs
from data_processor.service.database import now
from data_processor.settings import Settings
from data_processor.wiring.kinds import plain_kinds

pytest_plugins = ["in_process", "side_by_side"]

# How long an example takes says more of the machine than of the code. The examples stay the same: a test
# fails by what was changed, and not by chance.
hypothesis.settings.register_profile(
    "any machine", hypothesis.settings.default, deadline=None, derandomize=True, max_examples=50
)
hypothesis.settings.load_profile("any machine")

MODEL = "census-income"
TOKEN = "a-service-token-of-the-tests"
KEY = "a-caller-key-of-the-tests"


@dataclass(frozen=True)
class TinyVersion:
    """A trained version: its files, and what is true of it."""

    folder: Path
    manifest: Manifest


@pytest.fixture(scope="session")
def tiny_versions(once: Callable[[str, Callable[[Path], None]], Path]) -> dict[str, TinyVersion]:
    """Versions "1" and "2", of two worlds, on ONNX; and "3", the same as "1", on scikit-learn.

    Version 2 has no background sample, as older versions have none.
    """
    folders = sorted(once("versions", _train_versions).iterdir())
    return {
        folder.name: TinyVersion(folder, Manifest.model_validate_json((folder / MANIFEST_FILE).read_text()))
        for folder in folders
    }


def _train_versions(target: Path) -> None:
    from data_processor.models.artefact import build_manifest, save_pipeline, write_manifest  # noqa: PLC0415
    from data_processor.models.background import write_background  # noqa: PLC0415
    from data_processor.tasks.candidates import Candidate  # noqa: PLC0415
    from data_processor.tasks.fitting import fit  # noqa: PLC0415
    from data_processor.training.compile import compile_model  # noqa: PLC0415  # only those who train need it

    candidate = Candidate(estimator="logistic-regression", params={})
    for version, drift in (("1", 0.0), ("2", 1.0), ("3", 0.0)):
        folder = target / version
        folder.mkdir()
        table = make_table(400, seed=7, drift=drift)
        schema = schema_of(table)
        split = prepare_data(table, schema, "salt", None, validate_on_recent=False)
        if version != "2":
            write_background(split.allowed, schema, 1, folder / BACKGROUND_FILE)
        if version == "3":
            shutil.copyfile(target / "1" / SKOPS_FILE, folder / SKOPS_FILE)
            parity = Parity(
                rows=0, labels_differing=0, max_difference=0, passed=False, reason="Left out on purpose."
            )
        else:
            pipeline = fit(candidate, split.fitting, schema, seed=1)
            save_pipeline(pipeline, folder / SKOPS_FILE)
            parity = compile_model(pipeline, schema, split.holdout.frame[:20], folder / ONNX_FILE).parity
        manifest = build_manifest(
            folder,
            model=MODEL,
            version=version,
            schema=schema,
            policy=Policy(),
            candidate=candidate.as_json(),
            metrics={"accuracy": 0.8},
            lineage=Lineage(
                dataset=MODEL,
                dataset_version=int(version),
                dataset_revision="0" * 40,
                feedback_seq=0,
                run=f"run-{version}",
                mlflow_run=None,
                code_revision="test",
                trained_at=now(),
            ),
            receipt={"verdict": "promote", "reason": "It is better."},
            parity=parity,
        )
        write_manifest(manifest, folder)


class FolderStore:
    """An artefact store that is a folder: its path is the URI."""

    def fetch(self, artefact_uri: str, name: str, target: Path) -> None:
        """Copy one file."""
        shutil.copyfile(Path(artefact_uri) / name, target)


@dataclass
class World:
    """A state folder with a model in it, as the worker would have left it."""

    settings: Settings
    database: Database
    registry: Registry
    ledger: Ledger
    loaded: LoadedVersions
    predictions: PredictionStore

    def promote(self, version: str) -> None:
        """Give the stage a version, whatever it serves now."""
        self.ledger.promote(MODEL, self.settings.stage, version, "loopkeeper", "The test wants it.")

    def close(self) -> None:
        """Close the databases."""
        self.database.close()
        self.predictions.close()


@pytest.fixture
def new_world(tmp_path: Path, tiny_versions: dict[str, TinyVersion]) -> Iterator[Callable[..., World]]:
    """Make worlds: all three versions are registered and on disk, none is promoted."""
    made: list[World] = []

    def make(**fields: Any) -> World:
        settings = Settings(
            **{
                "service_token": TOKEN,
                "caller_key": KEY,
                "signing_key": KEY,
                "state_dir": tmp_path / f"state-{len(made)}",
                "mlflow_url": "http://127.0.0.1:9",
                "poll_interval_s": 0.05,
                "log_level": "warning",
                **fields,
            }
        )
        settings.state_dir.mkdir(parents=True)
        database = Database(settings.records_url)
        database.create_tables()
        predictions = PredictionStore(settings.predictions_url)
        predictions.create_tables()
        registry = Registry(database, settings.models_dir, FolderStore(), Signer.of(settings))
        loaded = LoadedVersions(database, settings.stage, settings.pinned_versions)
        world = World(settings, database, registry, Ledger(database), loaded, predictions)
        made.append(world)
        _fill(world, tiny_versions)
        return world

    yield make
    for world in made:
        world.close()


def _fill(world: World, versions: dict[str, TinyVersion]) -> None:
    table = versions["1"].manifest.table
    with world.database.transaction() as session:
        session.add(
            DatasetRow(name=MODEL, task=table.task, schema=table.model_dump(mode="json"), state="ready")
        )
        world.registry.create_model(
            session,
            MODEL,
            task=table.task,
            dataset=MODEL,
            target=table.target,
            policy=Policy(),
            salt="salt",
        )
    for version, tiny in versions.items():
        world.registry.add_version(tiny.manifest, str(tiny.folder))
        world.registry.directory(MODEL, version)


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    """A world in which nothing is promoted yet."""
    return new_world()


@pytest.fixture
def serving_world(new_world: Callable[..., World]) -> World:
    """A world whose stage serves version 1."""
    made = new_world()
    made.promote("1")
    return made


@pytest.fixture
def told_world(new_world: Callable[..., World]) -> Callable[[CollectorRegistry], LoopCollector]:
    """Show the metrics of a world of which there is something to tell for each."""

    def tell(registry: CollectorRegistry, *, leads: bool = True) -> LoopCollector:
        world = new_world()
        world.promote("1")
        runs = Runs(world.database, "main")
        runs.queue(None, "drift", model=MODEL, trigger="manual", reason="Ann asked for it.", subject="ann")
        one = {"feature": "age", "drifted": True, "test": "wasserstein", "n": 1500, "distance": 0.4}
        more = {"threshold": 0.1, "index": 0.2, "p_value": 0.001, "adjusted": 0.01, "direction": "lower"}
        fields: dict[str, Any] = {"model": MODEL, "stage": "main", "version": "1"}
        with world.database.transaction() as session:
            for seq in range(60):
                said = {
                    "subject": f"rater {seq % 7}",
                    "correct": seq % 6 > 0,
                    "pinned": False,
                    "asked": seq % 2,
                }
                session.add(FeedbackRow(prediction=f"p{seq}", **fields, **said))
            session.add(
                DriftReportRow(
                    id="report",
                    **fields,
                    verdict="drift",
                    reason="1 of 1 features drifted.",
                    rows=1500,
                    reference_rows=10_000,
                    last_prediction="",
                    features=[{**one, **more, "change": "median 30, was 39"}],
                    left_out={},
                    news=["age"],
                    consequence="",
                )
            )
        scoreboard = Scoreboard(world.database, world.settings, runs, Estimates(world.predictions))
        collector = LoopCollector(world.database, scoreboard, "main", lambda: leads)
        registry.register(collector)
        return collector

    return tell


@pytest.fixture
def carry_out_runs() -> Callable[..., None]:
    """Carry out the open runs of some kinds, here and now, as a worker does; none that train."""

    def carry_out(
        settings: Settings, database: Database, wanted: Sequence[str] = ("dataset", "evaluation")
    ) -> None:
        kinds = plain_kinds(settings, database)
        jobs = Jobs(settings, database, kinds, RunMetrics(CollectorRegistry()))
        for row in [row for row in jobs.open_runs() if row.kind in wanted]:
            carry_through(jobs, jobs.kinds[row.kind], row.id, lambda _name, action, *args: action(*args))

    return carry_out


@pytest.fixture
def headers() -> Callable[..., dict[str, str]]:
    """Make the headers with which the gateway calls for a person."""

    def make(subject: str = "ann", role: Role = "user") -> dict[str, str]:
        signed = sign(Caller(subject, role), KEY, time.time() + 60)
        return {"Authorization": f"Bearer {TOKEN}", "X-Loopkeeper-Caller": signed}

    return make


@pytest.fixture
def acting_as(headers: Callable[..., dict[str, str]]) -> Callable[..., Callable[[Any], Any]]:
    """Make what signs each request of a client anew: signatures expire, and a busy machine takes longer."""

    def make(subject: str = "ann", role: Role = "user") -> Callable[[Any], Any]:
        def sign_anew(request: Any) -> Any:
            for name, value in headers(subject, role).items():
                request.headers.setdefault(name, value)
            return request

        return sign_anew

    return make


@pytest.fixture(scope="session")
def inputs() -> list[dict[str, Any]]:
    """Return 128 inputs, no two alike."""
    return [row["inputs"] for row in sample_rows(128, seed=3)]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Start a PostgreSQL cluster of our own on a Unix socket; yield the socket's folder."""
    programs = max(
        Path("/usr/lib/postgresql").glob("*/bin"), default=None, key=lambda found: found.parent.name
    )
    initdb = shutil.which("initdb") or (programs and programs / "initdb")
    if initdb is None:
        pytest.fail("These tests start PostgreSQL themselves: install it (apt-get install postgresql).")
    programs = Path(initdb).parent
    # PostgreSQL refuses to run as root; its package brings a user of its own.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:
        if user:
            shutil.chown(folder, "postgres")
        data = f"{folder}/data"

        def run(program: str, *options: str) -> None:
            command = [*user, str(programs / program), "-D", data, *options]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)

        run("initdb", "-U", "postgres", "-A", "trust")
        settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c max_connections=50"
        run("pg_ctl", "-w", "-l", f"{folder}/log", "-o", settings, "start")
        try:
            yield folder
        finally:
            run("pg_ctl", "-m", "immediate", "stop")


_databases = count()


@pytest.fixture
def new_postgres_url(postgres: str) -> Callable[[], str]:
    """Make empty PostgreSQL databases; return the URL of each."""

    def make() -> str:
        name = f"test_{next(_databases)}"
        with contextlib.closing(psycopg.connect(host=postgres, user="postgres", autocommit=True)) as open_:
            open_.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql+psycopg://postgres@/{name}?host={postgres}"

    return make


@pytest.fixture
def postgres_url(new_postgres_url: Callable[[], str]) -> str:
    """Return the URL of an empty PostgreSQL database."""
    return new_postgres_url()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database, once of each kind that we support."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgres_url")
        return url
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Start an S3 server over an empty folder; yield the settings that lead there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    key, secret = "someone", "a-secret-of-the-tests"
    # Two letters would be too few for a key. The quotes are literal: rclone reads a list of quoted pairs.
    environment = {**os.environ, "RCLONE_AUTH_KEY": f'"{key},{secret}"'}
    folder = str(tmp_path_factory.mktemp("s3"))
    program = str(Path(sys.executable).with_name("rclone"))
    command = [program, "serve", "s3", "--config", os.devnull, "--addr", address, folder]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as server:
        try:
            wait_until(lambda: _listens(address), 30)
            yield {
                "aws_endpoint_url_s3": f"http://{address}",
                "aws_access_key_id": key,
                "aws_secret_access_key": secret,
            }
        finally:
            server.kill()


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.services)])
def store_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the settings of an empty place for reports, once of each kind that we support."""
    if request.param == "folder":
        return {}
    server: dict[str, Any] = request.getfixturevalue("s3")
    return {**server, "report_store": f"s3://reports-{next(_buckets)}/below/this"}


_buckets = count()


@pytest.fixture
def picture_bucket(s3: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of an empty bucket for pictures."""
    return {
        "picture_store": f"s3://pictures-{next(_buckets)}/below",
        "pictures_endpoint_url": s3["aws_endpoint_url_s3"],
        "pictures_access_key_id": s3["aws_access_key_id"],
        "pictures_secret_access_key": s3["aws_secret_access_key"],
    }


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.services)])
def picture_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the settings of an empty place for pictures, once of each kind that we support."""
    if request.param == "folder":
        return {}
    found: dict[str, Any] = request.getfixturevalue("picture_bucket")
    return found


@pytest.fixture
def client(serving_world: World, acting_as: Callable[..., Any]) -> Iterator[TestClient]:
    """Call the app of a world that serves version 1, as the gateway does for the user ann."""
    with TestClient(create_app(serving_world.settings)) as client:
        client.auth = acting_as()
        wait_until(lambda: client.get("/readyz").status_code == 200)
        yield client


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for a condition: a moment, and on a busy machine longer."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.01)


@pytest.fixture(name="wait_until")
def give_wait_until() -> Callable[..., None]:
    """Give tests the means to wait for a condition."""
    return wait_until


@pytest.fixture(scope="session")
def census_split() -> Split:
    """Return synthetic census rows without feedback, divided."""
    table = make_table(3_000, 1)
    schema = schema_of(table)
    return prepare_data(keepable(table, schema), schema, "salt", None, validate_on_recent=False)


@pytest.fixture(scope="session")
def drifted_snapshot() -> tuple[pd.DataFrame, Schema]:
    """Return rows of the old world with 400 of feedback from the new one behind, numbered 1 to 400."""
    table = make_table(3_000, 1)
    schema = schema_of(table)
    feedback = [
        LabelledRow(seq, f"prediction-{seq}", row["inputs"], row["label"])
        for seq, row in enumerate(sample_rows(400, 2, drift=1.0), start=1)
    ]
    return with_feedback(keepable(table, schema), schema, feedback), schema


@pytest.fixture(scope="session")
def drifted_split(drifted_snapshot: tuple[pd.DataFrame, Schema]) -> Split:
    """Return the drifted snapshot divided for a run that the score opened: all its feedback is recent."""
    return prepare_data(*drifted_snapshot, "salt", 0, validate_on_recent=True)


@pytest.fixture(scope="session")
def price_split() -> Split:
    """Return a regression, divided: a price that follows from size and district, both with gaps."""
    draw = np.random.default_rng(5)
    size, district = draw.normal(80, 25, 1_500), draw.choice(["north", "south", "west"], 1_500)
    level = np.select([district == "north", district == "south"], [1.0, 2.0], 1.4)
    frame = pd.DataFrame(
        {
            "size": np.where(draw.random(1_500) < 0.05, np.nan, size),
            "district": pd.Series(district, dtype="str").where(draw.random(1_500) > 0.05),
            "price": size * level * 1_000 + draw.normal(0, 5_000, 1_500),
        }
    )
    schema = infer_schema(frame, "price")
    return prepare_data(keepable(frame, schema), schema, "salt", None, validate_on_recent=False)


@pytest.fixture(scope="session")
def comments_split() -> Split:
    """Return 240 comments, divided."""
    return divide(make_comments(240, 3))
