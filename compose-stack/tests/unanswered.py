"""Queries that a run on one machine leaves without an answer: what fills each, and which test does that.

A query stands here if it names one of these. `tests/whole/test_observability.py` fails for one that is
neither answered nor stands here, `tests/test_dashboards.py` for an entry that no query needs any more.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """Why a metric has no value on one machine, and the test that shows its queries answered."""

    condition: str
    test: str


COLLECTOR = "tests/test_dashboards.py::test_every_query_is_answered_by_what_is_declared"
STACK = Reason(
    "a collector that asks PostgreSQL, connects to services and looks at certificates and disk", COLLECTOR
)
LAYER = Reason("the collector, its backends and Caddy, which run in containers", COLLECTOR)
ALIAS = Reason("somebody moves an alias in MLflow to a version that did not pass the gate", COLLECTOR)
WAIT = Reason("a run waits while Prometheus scrapes", COLLECTOR)
REPORT = Reason("a drift report, which the demo's few predictions do not bring about", COLLECTOR)
REFUSED = Reason(
    "a valid request that is not answered: overloaded, unrecorded, or the model failed", COLLECTOR
)
LOOP = Reason("the series of models and of the loop, from docs/reference/signals.md, in the code", COLLECTOR)

UNANSWERED: dict[str, Reason] = {
    "postgresql_connections": STACK,
    "postgresql_connections_limit": STACK,
    "postgresql_commits_total": STACK,
    "postgresql_rollbacks_total": STACK,
    "postgresql_database_size_bytes": STACK,
    "loopkeeper_backup_timestamp_seconds": STACK,
    "tcpcheck_status": STACK,
    "tlscheck_time_left_seconds": STACK,
    "mountpoint:system_filesystem_used:ratio": STACK,
    "system_memory_usage_bytes": STACK,
    "system_cpu_load_average_5m": STACK,
    "caddy_http_request_duration_seconds_count": LAYER,
    'process_resident_memory_bytes{job="s3"}': LAYER,
    "otelcol_exporter_sent": LAYER,
    "otelcol_exporter_send_failed": LAYER,
    "cortex_": LAYER,
    "loki_ingester_memory_streams": LAYER,
    "traces_service_graph_request_total": LAYER,
    "loopkeeper_alias_refusals_total": ALIAS,
    "loopkeeper_runs_oldest_queued_timestamp_seconds": WAIT,
    "loopkeeper_drift_": REPORT,
    "loopkeeper_feature_drift": REPORT,
    "loopkeeper_predictions_refused_total": REFUSED,
    "loopkeeper_score": LOOP,
    "loopkeeper_controller_state": LOOP,
    "loopkeeper_serving_": LOOP,
    "loopkeeper_feedback_": LOOP,
    "loopkeeper_promotions_total": LOOP,
    "loopkeeper_runs_open": LOOP,
    "loopkeeper_worker_leader": LOOP,
    "loopkeeper_gate_verdicts_total": LOOP,
    "loopkeeper_run_duration_seconds": LOOP,
    "loopkeeper_prediction_duration_seconds": LOOP,
    "loopkeeper_answer": LOOP,
}
