from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import text

from data_processor.database import Database
from data_processor.models.refusals import alias_counter
from data_processor.monitoring.collector import LoopCollector
from data_processor.runs.metrics import RunMetrics
from data_processor.service.database_metrics import DatabaseMetrics
from data_processor.service.metrics import ServiceMetrics
from data_processor.service.registry import LIBRARY
from data_processor.service.signals import rendered, undeclared
from data_processor.settings import Settings
from data_processor.wiring.signals import SIGNALS

PATH = "/v1/models/census-income/predictions"


def test_serve_shows_what_is_declared(
    client: TestClient, inputs: list[dict[str, Any]], wait_until: Callable[..., None]
) -> None:
    answered = client.post(PATH, json={"inputs": [{**inputs[0], "occupation": "Astronaut"}]}).json()
    client.post(PATH, json={"inputs": []})
    prediction = answered["predictions"][0]["id"]
    client.post(f"/v1/predictions/{prediction}/feedback", json={"correct": True})
    # What was answered is counted once it was sent.
    wait_until(lambda: "loopkeeper_answers_total{" in client.get("/metrics").text)
    shown = text_string_to_metric_families(client.get("/metrics").text)
    assert undeclared(shown, SIGNALS["data-processor serve"].metrics, LIBRARY) == []


@pytest.mark.timeout(300)
def test_ten_thousand_inputs_and_models_that_callers_make_up_add_no_series(
    client: TestClient, inputs: list[dict[str, Any]], wait_until: Callable[..., None]
) -> None:
    def series() -> int:
        return len([line for line in client.get("/metrics").text.splitlines() if line[0] != "#"])

    def make_up(numbers: range, at_once: int) -> None:
        odd = [{**inputs[0], "occupation": f"Occupation {number}"} for number in numbers]
        for start in range(0, len(odd), at_once):
            assert client.post(PATH, json={"inputs": odd[start : start + at_once]}).status_code == 200
        for number in numbers[:200]:
            path = f"/v1/models/no-model-{number}/predictions"
            assert client.post(path, json={"inputs": inputs[:1]}).status_code == 404

    series()  # being scraped is a request, too
    make_up(range(200), 1000)
    wait_until(lambda: "loopkeeper_prediction_flags_total{" in client.get("/metrics").text)
    before = series()
    make_up(range(200, 10_200), 1000)
    assert series() == before


def test_work_shows_what_is_declared(
    tmp_path: Path, told_world: Callable[[CollectorRegistry], LoopCollector]
) -> None:
    secret = SecretStr("s" * 16)
    settings = Settings(service_token=secret, caller_key=secret, signing_key=secret, state_dir=tmp_path)
    metrics = ServiceMetrics(settings)
    metrics.observe("GET", "/readyz", 200, 0.01)
    runs = RunMetrics(metrics.registry)
    runs.step("search", 5.2)
    runs.ended("training", "census-income", "score", "succeeded", seconds=40.0, verdict="hold")
    told_world(metrics.registry)
    database = Database(f"sqlite:///{tmp_path / 'asked.db'}")
    DatabaseMetrics(metrics.registry).watch(database.engine)
    with database.reading() as session:
        session.execute(text("SELECT 1"))
    database.close()
    alias_counter(metrics.registry)("census-income")
    shown = text_string_to_metric_families(generate_latest(metrics.registry).decode())
    assert undeclared(shown, SIGNALS["data-processor work"].metrics, LIBRARY) == []


def test_the_contract_of_signals_is_what_the_code_says() -> None:
    written = (Path(__file__).parents[1] / "signals.json").read_text()
    assert written == rendered(SIGNALS), "run make contract"
