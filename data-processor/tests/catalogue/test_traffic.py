from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from data_processor.catalogue.traffic import HOUR_S, TrafficLog
from data_processor.predictions.records import PredictionStore, predictions
from data_processor.serving.metrics import ModelMetrics

NOON = 494_000 * HOUR_S


@pytest.fixture
def store(tmp_path: Path) -> PredictionStore:
    made = PredictionStore(f"sqlite:///{tmp_path / 'predictions.db'}")
    made.create_tables()
    return made


@pytest.fixture
def predicted(store: PredictionStore) -> Callable[..., None]:
    def predict(at_s: float, latency_ms: float, model: str = "census") -> None:
        row = {
            "id": f"{int(at_s * 10**9):016x}abc", "model": model, "version": "1", "stage": "main",
            "pinned": False, "asked": False, "subject": "ann", "at_us": int(at_s * 10**6), "inputs": "{}",
            "output": "{}", "flags": "[]", "latency_ms": latency_ms, "trace_id": "",
        }  # fmt: skip
        with store.engine.begin() as connection:
            connection.execute(predictions.insert().values(row))

    return predict


def test_hours_are_counted_and_their_latencies_ranked(store: Any, predicted: Callable[..., None]) -> None:
    for number in range(1, 101):
        predicted(NOON - HOUR_S + number, float(number))
    predicted(NOON + 5, 7.0)
    predicted(NOON + 6, 9.0, "wine")
    predicted(NOON - 9 * HOUR_S, 1.0)
    metrics = ModelMetrics(CollectorRegistry())
    found = TrafficLog(store, metrics.refusals).of("census", 3, NOON + 60)
    assert [hour.predictions for hour in found.hours] == [0, 100, 1]
    assert found.hours[0].latency_ms is None
    assert found.hours[1].latency_ms is not None
    assert found.hours[1].latency_ms.model_dump() == {"p50": 50.0, "p95": 95.0, "p99": 99.0}
    assert found.predictions == 101
    assert found.refused == {}


def test_a_model_that_nobody_asked_has_no_latency(store: Any) -> None:
    found = TrafficLog(store, ModelMetrics(CollectorRegistry()).refusals).of("census", 24, NOON)
    assert (found.predictions, found.latency_ms, len(found.hours)) == (0, None, 24)


def test_refusals_are_told_by_reason_and_of_the_model_alone(store: Any) -> None:
    metrics = ModelMetrics(CollectorRegistry())
    metrics.refused("census", "overloaded", 2)
    metrics.refused("wine", "failed")
    assert TrafficLog(store, metrics.refusals).of("census", 1, NOON).refused == {"overloaded": 2}
