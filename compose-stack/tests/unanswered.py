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


IN_CONTAINERS = "tests/stack/test_observability.py::test_every_query_of_every_panel_is_answered"
STACK = Reason(
    "a collector that asks PostgreSQL, connects to services and looks at certificates and disk", IN_CONTAINERS
)
LAYER = Reason("the collector, its backends and Caddy, which run in containers", IN_CONTAINERS)
LOST = Reason(
    "a backend that takes nothing from the collector",
    "tests/test_dashboards.py::test_every_query_is_answered_by_what_is_declared",
)

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
    "otelcol_exporter_send_failed": LOST,
    "cortex_": LAYER,
    "loki_ingester_memory_streams": LAYER,
    "traces_service_graph_request_total": LAYER,
}
