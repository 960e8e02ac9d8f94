"""Workers that are killed while they compare: in the midst, and when all is done but nobody knows it yet."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_processor.datasets.census import make_table, sample_rows, schema_of
from data_processor.datasets.version_store import VersionStore, repository
from data_processor.predictions.records import PredictionStore, predictions
from data_processor.rows import (
    DeliveryRow,
    DestinationRow,
    DriftReportRow,
    NotificationRow,
    RunEventRow,
    RunRow,
)
from data_processor.runs.service import Runs

CRASHING = Path(__file__).parents[1] / "training" / "crashing_worker.py"
M = "census-income"


def start_worker(world: Any, *points: str) -> "subprocess.Popen[bytes]":
    settings = world.settings
    told = {
        "STATE_DIR": str(settings.state_dir),
        "MLFLOW_URL": settings.mlflow_url,
        "SAMPLE_MODEL": "",
        "SERVICE_TOKEN": settings.service_token.get_secret_value(),
        "CALLER_KEY": settings.caller_key.get_secret_value(),
        "SIGNING_KEY": settings.signing_key.get_secret_value(),
        "CRASH_POINTS": ",".join(points),
    }
    with (settings.state_dir / "worker.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, str(CRASHING)], env={**os.environ, **told}, stdout=log, stderr=log
        )


def record_predictions(world: Any, amount: int) -> None:
    store = PredictionStore(world.settings.predictions_url)
    output = json.dumps({"label": ">50K", "probabilities": {"<=50K": 0.2, ">50K": 0.8}})
    fields = {"model": M, "version": "1", "stage": "main", "pinned": False, "asked": False, "subject": "ann"}
    more = {"output": output, "flags": "[]", "latency_ms": 1.0, "trace_id": "0" * 32}
    with store.engine.begin() as connection:
        for number, row in enumerate(sample_rows(amount, 3)):
            inputs = json.dumps({**row["inputs"], "age": 25})
            asked = {"id": f"{number:026d}", "at_us": 1_700_000_000_000_000 + number, "inputs": inputs}
            connection.execute(predictions.insert().values(**fields, **more, **asked))
    store.close()


@pytest.mark.services
def test_a_drift_run_whose_worker_is_killed_ends_with_one_report_and_one_piece_of_news(
    new_world: Callable[..., Any], wait_until: Callable[..., None]
) -> None:
    world = new_world()
    table = make_table(400, seed=7)
    versions = VersionStore(world.database, repository(world.settings))
    versions.add_upload(M, table, schema_of(table), request="one")
    world.promote("1")
    record_predictions(world, 300)
    with world.database.transaction() as session:
        session.add(
            DestinationRow(
                id="d", name="ops", kind="webhook", address="", secret="", shown="", subject="mia",
                events=["drift.found"],
            )
        )  # fmt: skip
    run = Runs(world.database, "main").queue(
        None, "drift", model=M, trigger="manual", reason="The test wants it.", subject="eve"
    )

    def rows(kind: Any) -> list[Any]:
        with world.database.reading() as session:
            return list(session.query(kind))

    def ended() -> bool:
        with world.database.reading() as session:
            status: str = session.get_one(RunRow, run.id).status
            return status == "succeeded"

    workers = [start_worker(world)]
    try:
        wait_until(lambda: any("compared over" in str(event.body) for event in rows(RunEventRow)), 200)
        workers[0].kill()
        assert workers[0].wait() == -signal.SIGKILL
        assert not ended()
        workers.append(start_worker(world, "after compare_inputs"))
        assert workers[1].wait(200) == -signal.SIGKILL
        assert not ended()
        workers.append(start_worker(world))
        wait_until(ended, 200)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    [report] = rows(DriftReportRow)
    [news] = rows(NotificationRow)
    assert (report.id, report.verdict, report.news) == (run.id, "drift", ["age"])
    assert (news.type, [one.notification for one in rows(DeliveryRow)]) == ("drift.found", [news.id])
    pages = [file.name for file in (world.settings.state_dir / "reports").rglob("*") if file.is_file()]
    assert pages == [f"{run.id}.html"]
