"""*Training*: the queue, how long runs take, how they end, and what the gate says."""

from compose_stack.observability.dashboards.counting import grown
from compose_stack.observability.dashboards.frame import (
    LOGS,
    RUNS,
    TRACES,
    Board,
    Panel,
    Query,
    areas,
    figure,
    lines,
    page,
    read,
    rows,
    runbook,
)

WAITING = runbook("What to do when nothing is taken", "worker-takes-no-runs")
STAGE = 'stage="$stage"'


def training() -> Board:
    """Return the dashboard."""
    made = Board(
        "Training",
        "loopkeeper-training",
        "Background work: what waits, what runs, how it ends and how long it takes.",
    )
    made.row(
        "Is work being done?",
        Panel(
            "Open runs",
            "Runs that wait for a worker, and runs that one works on.",
            [
                Query(
                    f"max by (kind, status) (loopkeeper_runs_open{{{STAGE}}})",
                    "{{kind}} {{status}}",
                )
            ],
            "short",
            "No worker leads the stage: nothing is taken.",
            [RUNS, WAITING],
            areas,
        ),
        Panel(
            "Longest wait",
            "How long the oldest queued run of each kind has been waiting.",
            [
                Query(
                    f"time() - min by (kind) (loopkeeper_runs_oldest_queued_timestamp_seconds{{{STAGE}}})",
                    "{{kind}}",
                )
            ],
            "s",
            "No run is waiting.",
            [RUNS, WAITING],
            lines,
        ),
        Panel(
            "Workers",
            "Workers of the stage. One of them leads: it opens runs and watches new versions.",
            [
                Query(f'count(up{{job="work", {STAGE}}} == 1)', "running"),
                Query(f"sum(loopkeeper_worker_leader{{{STAGE}}})", "leading"),
            ],
            "short",
            "No worker runs.",
            [RUNS, WAITING],
            figure,
            width=8,
        ),
        Panel(
            "How runs ended",
            "In the time shown, by kind, model, who asked for it, and how it ended.",
            [
                Query(
                    f"sum by (kind, model, trigger, status) ({grown('loopkeeper_runs_total', STAGE)}) > 0",
                    "{{kind}} {{model}}: {{status}}",
                    latest=True,
                )
            ],
            "short",
            "No run ended in the time shown.",
            [RUNS],
            rows,
            width=16,
        ),
    )
    made.row(
        "How long does it take?",
        Panel(
            "Duration of runs",
            "From start to end; the median and the slowest twentieth of each kind.",
            [
                Query(
                    f"histogram_quantile({share}, sum by (le, kind) "
                    f"({grown('loopkeeper_run_duration_seconds_bucket', STAGE)}))",
                    f"{{{{kind}}}} {name}",
                )
                for share, name in ((0.5, "median"), (0.95, "95 %"))
            ],
            "s",
            "No run ended in the time shown.",
            [RUNS],
            lines,
        ),
        Panel(
            "Duration of steps",
            "The mean of each step of a run: where the time goes.",
            [
                Query(
                    f"sum by (step) ({grown('loopkeeper_run_step_seconds_sum', STAGE)})"
                    f" / (sum by (step) "
                    f"({grown('loopkeeper_run_step_seconds_count', STAGE)}) > 0)",
                    "{{step}}",
                )
            ],
            "s",
            "No step ended in the time shown.",
            [RUNS],
            lines,
        ),
    )
    made.row(
        "What came of it?",
        Panel(
            "Verdicts of the gate",
            "In the time shown: promoted, held because the difference is too uncertain, or rejected. The "
            "run's page has the receipt: which rows decided, the test and its p.",
            [
                Query(
                    f"sum by (model, verdict) ({grown('loopkeeper_gate_verdicts_total', STAGE)})",
                    "{{model}} {{verdict}}",
                    latest=True,
                )
            ],
            "short",
            "No new version was tried yet.",
            [RUNS],
            rows,
        ),
        Panel(
            "Aliases moved back",
            "Somebody moved an alias in MLflow to a version that did not pass the gate; the platform moved "
            "it back.",
            [
                Query(
                    f"sum by (model) ({grown('loopkeeper_alias_refusals_total', STAGE)})",
                    "{{model}}",
                    latest=True,
                )
            ],
            "short",
            "Nobody did that.",
            [page("All models", "models")],
            rows,
        ),
        Panel(
            "Traces of runs",
            "From the request that opened a run, through its steps, to the processes that they started.",
            [
                Query(
                    '{ resource.deployment.environment.name = "$stage" && kind = consumer }',
                    source=TRACES,
                )
            ],
            "ms",
            "No trace: none was sampled in the time shown.",
            [RUNS],
            rows,
        ),
        Panel(
            "What was logged about runs",
            "The field trace_id of a line leads to its trace.",
            [
                Query(
                    '{deployment_environment_name="$stage", service_name="data-processor"}'
                    " | json | run != ``",
                    source=LOGS,
                )
            ],
            "none",
            "Nothing was logged in the time shown.",
            [page("Logs", "logs"), RUNS],
            read,
        ),
    )
    return made
