"""*Model*: whether one model is right, why not, and what the platform does about it."""

from compose_stack.observability.dashboards.counting import grown, happened
from compose_stack.observability.dashboards.frame import (
    LOGS,
    RUNS,
    SELECTED_DRIFT_REPORT,
    SELECTED_MODEL,
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

STAGE = 'stage="$stage"'
OF = f'{STAGE}, model="$model"'
DRIFT = runbook("What to do about drift", "inputs-drifted")
LOW = runbook("What to do when a score is low", "score-low-and-nothing-done")
HISTORY = page("Predictions", "history")


def model() -> Board:
    """Return the dashboard."""
    made = Board(
        "Model",
        "loopkeeper-model",
        "One model: its score beside its threshold, its inputs, its versions and what was done about it.",
        model=True,
    )
    _score(made)
    _inputs(made)
    _versions(made)
    _evidence(made)
    made.mark(
        "Promotion",
        happened("loopkeeper_promotions_total", OF, "kind, by", STAGE),
        "{{kind}} by {{by}}",
        "green",
    )
    made.mark(
        "Run ended",
        happened("loopkeeper_runs_total", OF, "kind, status", STAGE),
        "{{kind}}: {{status}}",
        "blue",
    )
    return made


def _score(made: Board) -> None:
    made.row(
        "Is it right?",
        Panel(
            "Score and threshold",
            "The share of right answers that decides, with its 95 % interval, beside the threshold below "
            "which the platform retrains the model. A wide interval means that there is little feedback.",
            [
                Query(f'max(loopkeeper_score{{{OF}, source="deciding"}})', "score"),
                Query(f'max(loopkeeper_score_low{{{OF}, source="deciding"}})', "lower end"),
                Query(f'max(loopkeeper_score_high{{{OF}, source="deciding"}})', "upper end"),
                Query(f"max(loopkeeper_score_threshold{{{OF}}})", "threshold"),
            ],
            "percentunit",
            "No feedback yet: a score needs fifty answers that people called right or wrong.",
            [SELECTED_MODEL, LOW],
            lines,
            width=16,
        ),
        Panel(
            "State",
            "What the controller does now; the model's page says why, in words.",
            [Query(f"max by (state) (loopkeeper_controller_state{{{OF}}}) == 1", "{{state}}")],
            "short",
            "No worker leads the stage: nothing watches this model.",
            [SELECTED_MODEL, runbook("What to do when it is paused", "controller-paused")],
            figure,
            width=8,
        ),
        Panel(
            "Which score to believe",
            "Asked: predictions that the platform chose at random; believe it first. Volunteered: what "
            "people chose to say, often when something was wrong. Estimate: what the model itself expects; "
            "it sees other inputs, but not that the same inputs now mean something else.",
            [Query(f'max by (source) (loopkeeper_score{{{OF}, source!="deciding"}})', "{{source}}")],
            "percentunit",
            "Neither feedback nor an estimate yet.",
            [SELECTED_MODEL, LOW],
            lines,
        ),
        Panel(
            "What the scores rest on",
            "How many predictions each score counts.",
            [Query(f"max by (source) (loopkeeper_score_predictions{{{OF}}})", "{{source}}")],
            "short",
            "No feedback yet.",
            [SELECTED_MODEL, runbook("What to do without feedback", "no-feedback")],
            lines,
        ),
        Panel(
            "Feedback per minute",
            "Answers that people called right or wrong, by whether the platform had asked.",
            [
                Query(
                    f"60 * sum by (correct, asked) "
                    f"(rate(loopkeeper_feedback_total{{{OF}}}[$__rate_interval]))",
                    "right: {{correct}}, asked: {{asked}}",
                )
            ],
            "cpm",
            "No feedback yet.",
            [HISTORY, SELECTED_MODEL],
            areas,
        ),
        Panel(
            "How sure it is",
            "The median, and the lowest tenth, of the probability that it gives its answers. A fall without "
            "feedback is an early sign.",
            [
                Query(
                    f"histogram_quantile(0.5, sum by (le) "
                    f"(rate(loopkeeper_answer_confidence_bucket{{{OF}}}[$__rate_interval])))",
                    "median",
                ),
                Query(
                    f"histogram_quantile(0.1, sum by (le) "
                    f"(rate(loopkeeper_answer_confidence_bucket{{{OF}}}[$__rate_interval])))",
                    "lowest tenth",
                ),
            ],
            "percentunit",
            "No predictions in the time shown, or a model of numbers, which have no probability.",
            [SELECTED_MODEL],
            lines,
        ),
    )


def _inputs(made: Board) -> None:
    made.row(
        "Are its inputs what it knows?",
        Panel(
            "Drift report",
            "The verdict of the last report: drift, no drift, or no verdict because there were too few rows.",
            [Query(f"max by (verdict) (loopkeeper_drift_verdict{{{OF}}}) == 1", "{{verdict}}")],
            "short",
            "No drift report yet: one is made after enough predictions.",
            [SELECTED_DRIFT_REPORT, SELECTED_MODEL, DRIFT],
            figure,
            width=8,
        ),
        Panel(
            "How far each input moved",
            "The distance between recent inputs and those of training, as a multiple of the least distance "
            "that counts. Above 1 an input has drifted, if so many rows could not show that by chance.",
            [
                Query(
                    f"max by (feature) (loopkeeper_feature_drift_distance{{{OF}}})"
                    f" / max by (feature) (loopkeeper_feature_drift_threshold{{{OF}}})",
                    "{{feature}}",
                )
            ],
            "short",
            "No drift report yet.",
            [SELECTED_DRIFT_REPORT, SELECTED_MODEL, DRIFT],
            lines,
            width=16,
        ),
        Panel(
            "Drift by input",
            "Each input of the last report: how probable such a distance is by chance.",
            [
                Query(
                    f"max by (feature) (loopkeeper_feature_drift_p_value{{{OF}}})", "{{feature}}", latest=True
                )
            ],
            "none",
            "No drift report yet.",
            [SELECTED_DRIFT_REPORT, SELECTED_MODEL, DRIFT],
            rows,
        ),
        Panel(
            "Missing, unseen and out-of-range values",
            "Values that differ from anything in training, per second, by input. The model answers "
            "nevertheless, and says so.",
            [
                Query(
                    f"sum by (feature, kind) "
                    f"(rate(loopkeeper_prediction_flags_total{{{OF}}}[$__rate_interval]))",
                    "{{feature}} {{kind}}",
                )
            ],
            "cps",
            "No such values so far.",
            [HISTORY, SELECTED_MODEL, DRIFT],
            areas,
        ),
        Panel(
            "Answers",
            "How often it gives each answer; of numbers, by tenth of the range that training saw.",
            [
                Query(
                    f"sum by (answer) (rate(loopkeeper_answers_total{{{OF}}}[$__rate_interval]))",
                    "{{answer}}",
                )
            ],
            "cps",
            "No predictions in the time shown.",
            [HISTORY, SELECTED_MODEL],
            areas,
        ),
        Panel(
            "Refused predictions",
            "Requests without an answer: invalid input, too many waiting, nowhere to record, or the model "
            "failed.",
            [
                Query(
                    f"sum by (reason) (rate(loopkeeper_predictions_refused_total{{{OF}}}[$__rate_interval]))",
                    "{{reason}}",
                )
            ],
            "cps",
            "None was refused so far.",
            [SELECTED_MODEL, runbook("What to do when requests fail", "requests-fail")],
            areas,
        ),
    )


def _versions(made: Board) -> None:
    made.row(
        "Which version answers?",
        Panel(
            "Predictions per second, by version",
            "After a promotion the new version takes over at once.",
            [
                Query(
                    f"sum by (version) (rate(loopkeeper_predictions_total{{{OF}}}[$__rate_interval]))",
                    "version {{version}}",
                )
            ],
            "reqps",
            "No predictions in the time shown.",
            [SELECTED_MODEL],
            areas,
        ),
        Panel(
            "Age of the serving version",
            "How long ago it was trained, and how long it has been serving.",
            [
                Query(f"time() - max(loopkeeper_serving_trained_timestamp_seconds{{{OF}}})", "trained"),
                Query(f"time() - max(loopkeeper_serving_since_timestamp_seconds{{{OF}}})", "serving since"),
            ],
            "s",
            "The stage serves no version of it.",
            [SELECTED_MODEL],
            figure,
        ),
        Panel(
            "Verdicts of the gate",
            "New versions in the time shown: promoted, held because the difference is too uncertain, or "
            "rejected.",
            [
                Query(
                    f"sum by (verdict) ({grown('loopkeeper_gate_verdicts_total', OF)})",
                    "{{verdict}}",
                    latest=True,
                )
            ],
            "short",
            "No new version was tried yet.",
            [RUNS, SELECTED_MODEL],
            rows,
        ),
        Panel(
            "How long a prediction takes",
            "From a request's arrival at the data-processor until its predictions were on disk. The "
            "diamonds are requests: each leads to its trace.",
            [
                Query(
                    f"histogram_quantile({share}, sum by (le) "
                    f"(rate(loopkeeper_prediction_duration_seconds_bucket{{{OF}}}[$__rate_interval])))",
                    name,
                )
                for share, name in ((0.5, "median"), (0.95, "95 %"), (0.99, "99 %"))
            ],
            "s",
            "No predictions in the time shown.",
            [SELECTED_MODEL, runbook("What to do when it is slow", "predictions-are-slow")],
            lines,
        ),
    )


def _evidence(made: Board) -> None:
    made.row(
        "What happened?",
        Panel(
            "Traces of predictions",
            "Recent requests for predictions of any model, of this stage; each leads to its trace.",
            [
                Query(
                    '{ resource.deployment.environment.name = "$stage" && name =~ ".*predictions.*" }',
                    source=TRACES,
                )
            ],
            "ms",
            "No trace: none was sampled in the time shown.",
            [HISTORY],
            rows,
        ),
        Panel(
            "What was logged about it",
            "Lines that name the model. The field trace_id of a line leads to its trace.",
            [Query('{deployment_environment_name="$stage"} | json | model = `$model`', source=LOGS)],
            "none",
            "Nothing was logged about it in the time shown.",
            [page("Logs", "logs"), SELECTED_MODEL],
            read,
        ),
    )
