"""*Serving*: how many requests, how many fail, how long they take and where, and what is at its limit."""

from compose_stack.observability.dashboards.frame import (
    LOGS,
    LOGS_PAGE,
    TRACES,
    Board,
    Panel,
    Query,
    areas,
    figure,
    lines,
    map_of_services,
    page,
    read,
    rows,
    runbook,
)

STAGE = 'stage="$stage"'
OUR_OWN = 'http_route!~"/metrics|/healthz|/readyz"'
REQUESTS = "http_server_request_duration_seconds"
FAIL = runbook("What to do when requests fail", "requests-fail")
SLOW = runbook("What to do when it is slow", "predictions-are-slow")
DOWN = runbook("What to do when a service is down", "service-down")
HISTORY = page("Predictions", "history")


def serving() -> Board:
    """Return the dashboard."""
    made = Board(
        "Serving", "loopkeeper-serving", "Requests: rate, errors, latency and saturation of a stage."
    )
    _requests(made)
    _where(made)
    _limits(made)
    _evidence(made)
    return made


def _requests(made: Board) -> None:
    made.row(
        "What people notice",
        Panel(
            "Requests per second",
            "What the gateway answered, by route; without probes and scrapes.",
            [
                Query(
                    f'sum by (http_route) (rate({REQUESTS}_count{{{STAGE}, job="gateway", {OUR_OWN}}}'
                    "[$__rate_interval]))",
                    "{{http_route}}",
                )
            ],
            "reqps",
            "No requests in the time shown.",
            [HISTORY, FAIL],
            areas,
        ),
        Panel(
            "Share of requests that fail",
            "Answers with a status of 500 or more. The objective allows 0.1 % over a month.",
            [
                Query(
                    f"stage_service:http_server_requests_failed:ratio_increase5m{{{STAGE}}}", "{{service}}"
                ),
            ],
            "percentunit",
            "No requests in the last five minutes.",
            [LOGS_PAGE, FAIL],
            lines,
        ),
        Panel(
            "Answers by status",
            "2xx: answered. 4xx: the caller has to change something. 5xx: we failed.",
            [
                Query(
                    f"sum by (http_response_status_code) "
                    f'(rate({REQUESTS}_count{{{STAGE}, job="gateway", {OUR_OWN}}}'
                    "[$__rate_interval]))",
                    "{{http_response_status_code}}",
                )
            ],
            "reqps",
            "No requests in the time shown.",
            [LOGS_PAGE, FAIL],
            areas,
        ),
        Panel(
            "How long predictions take",
            "At the gateway, as callers see it. The diamonds are requests: each leads to its trace. The "
            "objective: 99 % within 0.25 s.",
            [
                Query(
                    f"histogram_quantile({share}, sum by (le) (rate({REQUESTS}_bucket{{{STAGE}, "
                    'job="gateway", http_request_method="POST", http_route=~".*/(predictions|infer)"}'
                    "[$__rate_interval])))",
                    name,
                )
                for share, name in ((0.5, "median"), (0.95, "95 %"), (0.99, "99 %"))
            ],
            "s",
            "No predictions in the time shown.",
            [HISTORY, SLOW],
            lines,
        ),
        Panel(
            "Burn rate of the error budget",
            "How fast the month's budget of failed requests is being used up: 1 is as fast as it may be. "
            "At 14.4 somebody is paged.",
            [
                Query(
                    f"stage_service:http_server_requests_failed:ratio_increase{window}{{{STAGE}}} / 0.001",
                    f"{{{{service}}}} over {window}",
                )
                for window in ("1h", "6h", "3d")
            ],
            "short",
            "No requests yet.",
            [FAIL],
            lines,
        ),
        Panel(
            "Burn rate of the latency budget",
            "The same for predictions that took longer than 0.25 s.",
            [
                Query(
                    f"stage_service:predictions_slow:ratio_increase{window}{{{STAGE}}} / 0.01",
                    f"over {window}",
                )
                for window in ("1h", "6h", "3d")
            ],
            "short",
            "No predictions yet.",
            [SLOW],
            lines,
        ),
    )


def _where(made: Board) -> None:
    made.row(
        "Where the time goes",
        Panel(
            "Latency by place",
            "95 % of predictions take at most this long: at the gateway, in the data-processor (serve), and "
            "to be written to disk. The difference is what lies between.",
            [
                Query(
                    f"histogram_quantile(0.95, sum by (le, job) (rate({REQUESTS}_bucket{{{STAGE}, "
                    'http_request_method="POST", http_route=~".*/(predictions|infer)"}[$__rate_interval])))',
                    "{{job}}",
                ),
                Query(
                    "histogram_quantile(0.95, sum by (le) "
                    f"(rate(loopkeeper_record_seconds_bucket{{{STAGE}}}[$__rate_interval])))",
                    "written to disk",
                ),
            ],
            "s",
            "No predictions in the time shown.",
            [HISTORY, SLOW],
            lines,
        ),
        Panel(
            "Answered together",
            "How many inputs one pass through a model answers, on average and at most (99 %). More under "
            "load: that is how it keeps up.",
            [
                Query(
                    f"sum(rate(loopkeeper_batch_rows_sum{{{STAGE}}}[$__rate_interval]))"
                    f" / sum(rate(loopkeeper_batch_rows_count{{{STAGE}}}[$__rate_interval]))",
                    "mean",
                ),
                Query(
                    "histogram_quantile(0.99, sum by (le) "
                    f"(rate(loopkeeper_batch_rows_bucket{{{STAGE}}}[$__rate_interval])))",
                    "99 %",
                ),
            ],
            "short",
            "No predictions in the time shown.",
            [HISTORY, SLOW],
            lines,
        ),
        Panel(
            "Who calls whom",
            "Drawn from traces: how often each service calls another, and how long that takes.",
            [Query('{client!=""}', source=TRACES, kind="serviceMap")],
            "short",
            "No trace: none was sampled in the time shown.",
            [DOWN],
            map_of_services,
            height=10,
        ),
        Panel(
            "Calls between services",
            "The same as a table: calls per second.",
            [
                Query(
                    "sum by (client, server) (rate(traces_service_graph_request_total[$__rate_interval]))",
                    "{{client}} → {{server}}",
                    latest=True,
                )
            ],
            "reqps",
            "No trace: none was sampled in the time shown.",
            [DOWN],
            rows,
            height=10,
        ),
    )


def _limits(made: Board) -> None:
    made.row(
        "How close to its limits",
        Panel(
            "Inputs waiting",
            "Inputs that wait to be answered. If it stays high, add replicas of serve.",
            [Query(f"max by (instance) (loopkeeper_waiting_rows{{{STAGE}}})", "{{instance}}")],
            "short",
            "No data-processor serves this stage.",
            [SLOW, page("All models", "models")],
            lines,
            width=8,
        ),
        Panel(
            "Processor time",
            "Of each process, in cores. One that stays at 1 is at its limit.",
            [
                Query(
                    f"sum by (job, instance) (rate(process_cpu_seconds_total{{{STAGE}}}[$__rate_interval]))",
                    "{{job}} {{instance}}",
                )
            ],
            "none",
            "No service of this stage answers.",
            [SLOW, DOWN],
            lines,
            width=8,
        ),
        Panel(
            "Refused predictions",
            "Valid and invalid requests without an answer, by reason; `overloaded` means that too many "
            "inputs were waiting.",
            [
                Query(
                    f"sum by (reason) "
                    f"(rate(loopkeeper_predictions_refused_total{{{STAGE}}}[$__rate_interval]))",
                    "{{reason}}",
                )
            ],
            "cps",
            "None was refused so far.",
            [HISTORY, FAIL],
            areas,
            width=8,
        ),
        Panel(
            "Replicas",
            "Processes of each kind that answer.",
            [Query(f"sum by (job) (up{{{STAGE}}})", "{{job}}")],
            "short",
            "No service of this stage is known: it does not run, or not with telemetry.",
            [DOWN],
            figure,
        ),
    )


def _evidence(made: Board) -> None:
    made.row(
        "Evidence",
        Panel(
            "Slow or failed requests",
            "Traces of requests that took longer than 0.25 s, or failed.",
            [
                Query(
                    '{ resource.deployment.environment.name = "$stage" && kind = server && '
                    "(duration > 250ms || status = error) }",
                    source=TRACES,
                )
            ],
            "ms",
            "None in the time shown.",
            [LOGS_PAGE, FAIL],
            rows,
        ),
        Panel(
            "Warnings and errors",
            "What the services of the stage logged as a warning or worse. The field trace_id of a line "
            "leads to its trace.",
            [
                Query(
                    '{deployment_environment_name="$stage"} | severity_number >= 13',
                    source=LOGS,
                )
            ],
            "none",
            "None in the time shown.",
            [LOGS_PAGE, FAIL],
            read,
        ),
    )
