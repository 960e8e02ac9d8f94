"""*Platform*: processes, database, object store, disk, certificates, and the pipeline of telemetry itself."""

from compose_stack.observability.dashboards.frame import (
    METRICS,
    Board,
    Link,
    Panel,
    Query,
    areas,
    figure,
    lines,
    rows,
    runbook,
)

DATABASE = runbook("What to do about the database", "database")
DISK = runbook("What to do about the disk", "disk-almost-full")
DOWN = runbook("What to do when a service is down", "service-down")
TELEMETRY = runbook("What to do about telemetry", "telemetry-incomplete")
EXPLORE = Link("Explore", f"/explore?left=%7B%22datasource%22:%22{METRICS}%22%7D")


def platform() -> Board:
    """Return the dashboard."""
    made = Board(
        "Platform",
        "loopkeeper-platform",
        "What both stages stand on: processes, database, object store, disk, and telemetry itself.",
        stage=False,
    )
    _processes(made)
    _database(made)
    _machine(made)
    _telemetry(made)
    return made


def _processes(made: Board) -> None:
    made.row(
        "Processes",
        Panel(
            "What answers",
            "1: it answers; 0: it is there, and does not.",
            [Query("min by (service, stage, instance) (up)", latest=True)],
            "short",
            "Nothing is scraped: the collector does not run.",
            [DOWN, TELEMETRY],
            rows,
        ),
        Panel(
            "Takes connections",
            "The same for those that have no metrics: the collector connects to them.",
            [Query("min by (tcpcheck_endpoint) (tcpcheck_status)", latest=True)],
            "short",
            "The collector has not tried yet.",
            [DOWN],
            rows,
        ),
        Panel(
            "Memory",
            "Of each process. A container that reaches its limit is killed and started again.",
            [
                Query(
                    "sum by (service, stage, instance) (process_resident_memory_bytes)",
                    "{{service}} {{stage}} {{instance}}",
                )
            ],
            "bytes",
            "Nothing is scraped.",
            [DOWN, EXPLORE],
            lines,
        ),
        Panel(
            "Starts in the last day",
            "How often each process was started: more than your deployments means that one crashes.",
            [
                Query(
                    "sum by (service, stage) (changes(process_start_time_seconds[1d]))",
                    "{{service}} {{stage}}",
                )
            ],
            "short",
            "Nothing is scraped.",
            [DOWN],
            lines,
        ),
        Panel(
            "Open files",
            "As a share of what each process may open; connections are files, too.",
            [
                Query(
                    "max by (service, stage) (process_open_fds / process_max_fds)",
                    "{{service}} {{stage}}",
                )
            ],
            "percentunit",
            "Nothing is scraped.",
            [DOWN, EXPLORE],
            lines,
        ),
        Panel(
            "Requests at the edge",
            "What Caddy answered, by site and status.",
            [
                Query(
                    "sum by (host, code) (rate(caddy_http_request_duration_seconds_count[$__rate_interval]))",
                    "{{host}} {{code}}",
                )
            ],
            "reqps",
            "No request came through the edge in the time shown.",
            [runbook("What to do when requests fail", "requests-fail")],
            areas,
        ),
    )


def _database(made: Board) -> None:
    made.row(
        "Database and object store",
        Panel(
            "Connections of PostgreSQL",
            "In use, and how many there may be. When none is left, requests are answered with 503.",
            [
                Query("max(postgresql_connections)", "in use"),
                Query("max(postgresql_connections_limit)", "limit"),
            ],
            "short",
            "The collector cannot ask PostgreSQL.",
            [DATABASE],
            lines,
            width=8,
        ),
        Panel(
            "Transactions per second",
            "By database; the name begins with the stage.",
            [
                Query(
                    "sum by (database) (rate(postgresql_commits_total[$__rate_interval]))",
                    "{{database}}",
                )
            ],
            "ops",
            "The collector cannot ask PostgreSQL.",
            [DATABASE],
            lines,
            width=8,
        ),
        Panel(
            "Rolled back or deadlocked",
            "Transactions that were given up. A few are normal; many are a fault of ours.",
            [
                Query(
                    "sum by (database) (rate(postgresql_rollbacks_total[$__rate_interval])"
                    " + rate(postgresql_deadlocks_total[$__rate_interval]))",
                    "{{database}}",
                )
            ],
            "ops",
            "The collector cannot ask PostgreSQL.",
            [DATABASE],
            lines,
            width=8,
        ),
        Panel(
            "Size of databases",
            "On disk. Predictions are kept for ever, unless PREDICTIONS_KEEP_DAYS is set.",
            [Query("max by (database) (postgresql_database_size_bytes)", "{{database}}")],
            "bytes",
            "The collector cannot ask PostgreSQL.",
            [DATABASE, DISK],
            areas,
        ),
        Panel(
            "Memory of the object store",
            "Of the S3 server; another server than ours may not say.",
            [Query('max(process_resident_memory_bytes{job="s3"})', "S3")],
            "bytes",
            "The S3 server does not answer to telemetry.",
            [DOWN],
            lines,
        ),
    )


def _machine(made: Board) -> None:
    made.row(
        "Machine",
        Panel(
            "Disk of the volumes",
            "How full it is. At 85 % a ticket is opened; when it is full, writes are answered with 503.",
            [Query("max(mountpoint:system_filesystem_used:ratio)", "used")],
            "percentunit",
            "The collector cannot see it.",
            [DISK],
            lines,
            width=8,
        ),
        Panel(
            "Memory of the machine",
            "What the memory of the machine is used for; `free` and what is cached can be had.",
            [Query("sum by (state) (system_memory_usage_bytes)", "{{state}}")],
            "bytes",
            "The collector cannot see it.",
            [DOWN],
            areas,
            width=8,
        ),
        Panel(
            "Load of the machine",
            "Processes that run or wait for a core, on average over five minutes.",
            [Query("max(system_cpu_load_average_5m)", "load")],
            "short",
            "The collector cannot see it.",
            [runbook("What to do when it is slow", "predictions-are-slow")],
            lines,
            width=8,
        ),
        Panel(
            "Certificates",
            "How long until each expires. Caddy renews one when a third of its life is left.",
            [Query("min by (tlscheck_target) (tlscheck_time_left_seconds)", "{{tlscheck_target}}")],
            "s",
            "The collector cannot reach Caddy.",
            [runbook("What to do when one expires", "certificate-expires")],
            figure,
        ),
        Panel(
            "Age of the last backup",
            "Since `make backup` last finished.",
            [Query("time() - max(loopkeeper_backup_timestamp_seconds > 0)", "last backup")],
            "s",
            "There has never been a backup.",
            [runbook("What to do without one", "backup-too-old")],
            figure,
        ),
    )


def _telemetry(made: Board) -> None:
    sent, failed = "otelcol_exporter_sent", "otelcol_exporter_send_failed"
    kinds = ("spans", "log_records", "metric_points")
    made.row(
        "Telemetry itself",
        Panel(
            "Passed on by the collector",
            "Spans, log records and points of metrics per second, by where they go.",
            [
                Query(
                    f"sum by (exporter) (rate({{__name__=~'{sent}_{kind}.*'}}[$__rate_interval]))",
                    f"{{{{exporter}}}} {kind}",
                )
                for kind in kinds
            ],
            "cps",
            "The collector does not run, or nothing was sent to it.",
            [TELEMETRY],
            lines,
        ),
        Panel(
            "Lost by the collector",
            "What it could not deliver, and gave up.",
            [
                Query(
                    f"sum by (exporter) (rate({{__name__=~'{failed}_{kind}.*'}}[$__rate_interval]))",
                    f"{{{{exporter}}}} {kind}",
                )
                for kind in kinds
            ],
            "cps",
            "Nothing was lost.",
            [TELEMETRY],
            lines,
        ),
        Panel(
            "Series in Mimir",
            "How many different series it holds: the figure that grows if a label takes too many values.",
            [Query("sum(cortex_ingester_memory_series)", "series")],
            "short",
            "Mimir does not answer.",
            [TELEMETRY],
            lines,
            width=8,
        ),
        Panel(
            "Streams in Loki",
            "The same for logs.",
            [Query("sum(loki_ingester_memory_streams)", "streams")],
            "short",
            "Loki does not answer.",
            [TELEMETRY],
            lines,
            width=8,
        ),
        Panel(
            "Rules that could not be evaluated",
            "Of the alerts and what they need. It should be zero.",
            [
                Query(
                    "sum by (rule_group) "
                    "(rate(cortex_prometheus_rule_evaluation_failures_total[$__rate_interval]))"
                )
            ],
            "cps",
            "Mimir does not answer, or has evaluated no rule yet.",
            [TELEMETRY],
            lines,
            width=8,
        ),
        Panel(
            "Time that a scrape takes",
            "Of each target. Beyond ten seconds it counts as down.",
            [Query("max by (service, stage) (scrape_duration_seconds)", "{{service}} {{stage}}")],
            "s",
            "Nothing is scraped.",
            [TELEMETRY],
            lines,
        ),
        Panel(
            "Series per target",
            "How much each target says. The platform's own stay bounded whatever callers send.",
            [
                Query(
                    "max by (service, stage) (scrape_samples_post_metric_relabeling)", "{{service}} {{stage}}"
                )
            ],
            "short",
            "Nothing is scraped.",
            [TELEMETRY, EXPLORE],
            lines,
        ),
    )
