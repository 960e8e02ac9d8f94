from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from data_processor.monitoring.collector import _drift
from data_processor.monitoring.metrics import DRIFT_FEATURES
from data_processor.rows import DriftReportRow
from data_processor.service.database import now

M = "census-income"


@pytest.fixture
def shown(told_world: Callable[..., Any]) -> Callable[..., float | None]:
    registry = CollectorRegistry()
    told_world(registry)
    return lambda name, **labels: registry.get_sample_value(name, labels)


def test_the_score_is_shown_by_source_with_its_interval_and_threshold(shown: Any) -> None:
    assert shown("loopkeeper_score", model=M, source="deciding") == pytest.approx(50 / 60)
    low, high = (shown(f"loopkeeper_score_{end}", model=M, source="deciding") for end in ("low", "high"))
    assert low < 50 / 60 < high
    assert shown("loopkeeper_score_predictions", model=M, source="asked") == 30
    assert shown("loopkeeper_score_threshold", model=M) == 0.8
    assert shown("loopkeeper_score", model=M, source="estimate") is None


def test_the_state_is_one_of_a_closed_set(shown: Any) -> None:
    states = ("collecting", "healthy", "degraded", "retraining", "watching", "paused")
    assert [shown("loopkeeper_controller_state", model=M, state=state) for state in states] == [
        0,
        1,
        0,
        0,
        0,
        0,
    ]


def test_what_is_served_since_when_and_by_whom(shown: Any) -> None:
    task = "tabular-classification"
    assert shown("loopkeeper_serving_version_info", model=M, version="1", task=task) == 1
    trained = shown("loopkeeper_serving_trained_timestamp_seconds", model=M)
    assert trained <= shown("loopkeeper_serving_since_timestamp_seconds", model=M)
    assert shown("loopkeeper_promotions_total", model=M, kind="promotion", by="platform") == 1


def test_a_feature_that_drifted_says_how_far_where_to_and_how_sure(shown: Any) -> None:
    names = ("", "_distance", "_threshold", "_psi", "_p_value", "_rows", "_direction")
    found = [shown(f"loopkeeper_feature_drift{name}", model=M, feature="age") for name in names]
    assert found == [1, 0.4, 0.1, 0.2, 0.001, 1500, -1]
    verdicts = ("drift", "no_drift", "no_verdict")
    assert [shown("loopkeeper_drift_verdict", model=M, verdict=one) for one in verdicts] == [1, 0, 0]


def test_a_report_on_many_features_is_shown_as_a_bounded_number_of_series() -> None:
    one = {"drifted": True, "n": 1500, "distance": 0.4, "threshold": 0.1, "index": 0.2, "p_value": 0.001}
    report = DriftReportRow(
        model=M,
        verdict="drift",
        rows=1500,
        reference_rows=10_000,
        at=now(),
        features=[{**one, "feature": f"f{place}", "direction": "lower"} for place in range(500)],
    )
    samples = list(_drift(report))
    assert len({one.labels for one in samples if one.metric.name.startswith("loopkeeper_feature")}) == 50
    assert [one.value for one in samples if one.metric is DRIFT_FEATURES] == [500]


def test_waiting_runs_are_shown_with_the_time_since_which_they_wait(shown: Any) -> None:
    assert shown("loopkeeper_runs_open", kind="drift", status="queued") == 1
    assert shown("loopkeeper_runs_open", kind="training", status="queued") == 0
    assert shown("loopkeeper_runs_oldest_queued_timestamp_seconds", kind="drift") > 0


def test_only_the_leader_shows_the_records(told_world: Callable[..., Any]) -> None:
    registry = CollectorRegistry()
    told_world(registry, leads=False)
    assert [family.name for family in registry.collect()] == ["loopkeeper_worker_leader"]


def test_records_that_cannot_be_read_cost_no_other_metric(told_world: Callable[..., Any]) -> None:
    registry = CollectorRegistry()
    collector = told_world(registry)
    collector._database.close()
    collector._database = None
    assert registry.get_sample_value("loopkeeper_worker_leader") == 1
    assert registry.get_sample_value("loopkeeper_score_threshold", {"model": M}) is None
