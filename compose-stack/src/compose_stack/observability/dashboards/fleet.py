"""*Fleet*: all models of a stage at a glance, and what fires."""

from compose_stack.observability.dashboards.frame import (
    DRIFT_REPORT,
    MODEL_PAGE,
    RUNS,
    Board,
    Panel,
    Query,
    board,
    figure,
    lines,
    page,
    rows,
    runbook,
)

MODEL = board("This model", "loopkeeper-model")
MODELS = page("All models", "models")
LOW = runbook("What to do when a score is low", "score-low-and-nothing-done")


def fleet() -> Board:
    """Return the dashboard."""
    made = Board(
        "Fleet",
        "loopkeeper-fleet",
        "All models of a stage at a glance: are they right, and is something wrong?",
    )
    made.row(
        "Is anything wrong?",
        Panel(
            "Alerts that fire",
            "Each line is something that needs somebody, of this stage or of what all stages share. Its "
            "runbook says what to do.",
            [Query('ALERTS{alertstate="firing", stage=~"$stage|"}', latest=True)],
            "short",
            "Nothing fires: all is well.",
            [runbook("Runbooks", "index")],
            rows,
        ),
        Panel(
            "Models by state",
            "What the controller of each model does: it collects feedback, finds the model healthy or "
            "degraded, retrains it, watches a new version, or is paused until a person resumes it.",
            [
                Query(
                    'sum by (state) (max by (model, state) (loopkeeper_controller_state{stage="$stage"}))',
                    "{{state}}",
                )
            ],
            "short",
            "No model is served yet, or no worker leads the stage.",
            [MODELS, runbook("What to do when one is paused", "controller-paused")],
            figure,
        ),
    )
    made.row(
        "Are the models right?",
        Panel(
            "Score of each model",
            "The share of right answers that decides whether a model is retrained: that of predictions the "
            "platform asked about, as soon as there are enough, or of all that got feedback.",
            [
                Query(
                    'max by (model) (loopkeeper_score{stage="$stage", source="deciding"})',
                    "{{model}}",
                )
            ],
            "percentunit",
            "No feedback yet: a score needs fifty answers that people called right or wrong.",
            [MODEL, MODEL_PAGE, MODELS, LOW],
            lines,
        ),
        Panel(
            "Distance to the threshold",
            "Score minus threshold. Below zero the platform retrains the model as soon as it is sure.",
            [
                Query(
                    'max by (model) (loopkeeper_score{stage="$stage", source="deciding"})'
                    ' - max by (model) (loopkeeper_score_threshold{stage="$stage"})',
                    "{{model}}",
                )
            ],
            "percentunit",
            "No feedback yet.",
            [MODEL, MODEL_PAGE, MODELS, LOW],
            lines,
        ),
        Panel(
            "Drifted inputs of each model",
            "How many inputs of each model differ from what it was trained on, by its last drift report.",
            [
                Query(
                    'max by (model) (loopkeeper_drift_features{stage="$stage"})',
                    "{{model}}",
                )
            ],
            "short",
            "No drift report yet: one is made after enough predictions.",
            [
                DRIFT_REPORT,
                MODEL,
                MODEL_PAGE,
                MODELS,
                runbook("What to do about drift", "inputs-drifted"),
            ],
            lines,
        ),
        Panel(
            "Serving version",
            "Which version of each model answers, and how long ago it was trained.",
            [
                Query(
                    'time() - max by (model) (loopkeeper_serving_trained_timestamp_seconds{stage="$stage"})'
                    " * on (model) group_left (version, task) "
                    'max by (model, version, task) (loopkeeper_serving_version_info{stage="$stage"})',
                    "{{model}} {{version}}",
                    latest=True,
                )
            ],
            "s",
            "No model is served yet.",
            [MODEL, MODEL_PAGE, MODELS],
            rows,
        ),
    )
    made.row(
        "Are they used?",
        Panel(
            "Predictions per second",
            "Inputs answered, by model.",
            [
                Query(
                    'sum by (model) (rate(loopkeeper_predictions_total{stage="$stage"}[$__rate_interval]))',
                    "{{model}}",
                )
            ],
            "reqps",
            "Nobody has asked for a prediction yet.",
            [MODEL, MODEL_PAGE, MODELS],
            lines,
        ),
        Panel(
            "Feedback per minute",
            "How often people say whether an answer was right.",
            [
                Query(
                    '60 * sum by (model) (rate(loopkeeper_feedback_total{stage="$stage"}[$__rate_interval]))',
                    "{{model}}",
                )
            ],
            "cpm",
            "No feedback yet.",
            [MODEL, MODEL_PAGE, MODELS, runbook("What to do without feedback", "no-feedback")],
            lines,
        ),
        Panel(
            "Promotions and rollbacks",
            "How often another version was put into service in the time shown, by what it was and who "
            "decided.",
            [
                Query(
                    "sum by (model, kind, by) (max by (model, kind, by) "
                    '(increase(loopkeeper_promotions_total{stage="$stage"}[$__range])))',
                    "{{model}}: {{kind}} by {{by}}",
                    latest=True,
                )
            ],
            "short",
            "Nothing was promoted yet.",
            [MODEL, MODEL_PAGE, RUNS],
            rows,
        ),
    )
    return made
