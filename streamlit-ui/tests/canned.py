"""Answers of the gateway, in the shape of the public face, for a fake one to give."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime.now(UTC)


def ago(**span: float) -> str:
    return (NOW - timedelta(**span)).isoformat().replace("+00:00", "Z")


POLICY: dict[str, Any] = {
    "threshold": 0.8,
    "window": 200,
    "min_feedback": 50,
    "check_every": 50,
    "trigger_z": 3.0,
    "recovery_margin": 0.02,
    "cooldown_s": 3600.0,
    "min_new_labels": 25,
    "breaker_after": 3,
    "max_rater_share": 0.2,
    "min_raters": 5,
    "use_pinned": False,
    "drift_every": 500,
    "drift_window": 1000,
    "drift_run": False,
    "ask_rate": 0.1,
    "tolerance": 0.0,
    "unseen_category": "flag",
    "selection_metric": None,
    "preparation": {
        "numeric_missing": "automatic",
        "categorical_missing": "own_category",
        "scaling": "standard",
        "datetime": "calendar",
    },
    "budget_s": 30.0,
    "recent_share": 0.9,
    "gate_alpha": 0.05,
    "max_recall_loss": 0.15,
    "min_class_rows": 20,
    "max_reference_loss": None,
    "watch_alpha": 0.01,
    "watch_looks": [50, 100, 200, 400],
    "max_unlabelled_share": 0.2,
    "auto_promote": True,
}
RECEIPT: dict[str, Any] = {
    "verdict": "promote",
    "reason": "The challenger is right on 31 rows where the champion is wrong; the reverse holds for 9.",
    "slice": "recent",
    "metric": "accuracy",
    "champion": 0.712,
    "challenger": 0.794,
    "p_value": 0.00034,
    "alpha": 0.025,
    "n": 268,
    "n_needed": None,
    "test": "mcnemar",
    "baseline": None,
    "p_worse": 0.99,
    "k": 1,
    "next_alpha": 0.0083,
    "discordance": 0.149,
    "seed": 20_250_101,
    "resamples": None,
    "slices": {
        "recent": {
            "rows": 268,
            "champion": 0.712,
            "challenger": 0.794,
            "gain": 0.082,
            "pairs": {"both_right": 182, "challenger_only": 31, "champion_only": 9, "both_wrong": 46},
            "classes": [
                {
                    "label": "<=50K",
                    "rows": 180,
                    "champion": 0.74,
                    "challenger": 0.83,
                    "p_worse": 0.98,
                    "broken": False,
                },
                {
                    "label": ">50K",
                    "rows": 88,
                    "champion": 0.65,
                    "challenger": 0.72,
                    "p_worse": 0.91,
                    "broken": False,
                },
            ],
        },
        "reference": {
            "rows": 6000,
            "champion": 0.872,
            "challenger": 0.861,
            "gain": -0.011,
            "pairs": None,
            "classes": [],
        },
    },
}
HOLD: dict[str, Any] = {
    **RECEIPT,
    "verdict": "hold",
    "reason": "The challenger may be better, but 96 rows do not prove it; about 240 would.",
    "challenger": 0.741,
    "p_value": 0.11,
    "n": 96,
    "n_needed": 240,
}
LEADERBOARD = [
    {
        "candidate": {
            "estimator": "hist-gradient-boosting",
            "params": {"learning_rate": 0.08},
            "recent_share": 0.9,
        },
        "metrics": {"log_loss": 0.291, "accuracy": 0.871, "roc_auc": 0.926},
        "fit_seconds": 1.82,
        "ms_per_row": 0.011,
        "bytes": 412_000,
        "tied": True,
    },
    {
        "candidate": {"estimator": "random-forest", "params": {"min_samples_leaf": 10}, "recent_share": 0.9},
        "metrics": {"log_loss": 0.302, "accuracy": 0.866, "roc_auc": 0.92},
        "fit_seconds": 3.4,
        "ms_per_row": 0.034,
        "bytes": 7_120_000,
        "tied": True,
    },
    {
        "candidate": {"estimator": "logistic-regression", "params": {"C": 1.0}, "recent_share": "natural"},
        "metrics": {"log_loss": 0.327, "accuracy": 0.852, "roc_auc": 0.905},
        "fit_seconds": 0.61,
        "ms_per_row": 0.002,
        "bytes": 14_200,
        "tied": False,
    },
]
LOG = "\n".join(f"2026-01-31T12:00:{second:02}Z step {second} of the search" for second in range(60))


def score(**changes: Any) -> dict[str, Any]:
    default = {
        "value": 0.745,
        "low": 0.68,
        "high": 0.801,
        "n": 200,
        "window": 200,
        "threshold": 0.8,
        "version": "2",
        "state": "degraded",
        "reason": "The score is below 0.80, but the last run ended 12 minutes ago, within the cooldown.",
        "asked": {"value": 0.74, "low": 0.6, "high": 0.84, "n": 50},
        "volunteered": {"value": 0.75, "low": 0.67, "high": 0.81, "n": 150},
        "estimate": {"value": 0.86, "low": 0.82, "high": 0.9, "n": 200, "reference_rows": 6500},
        "estimate_reason": "It is estimated without feedback: it reflects changed inputs.",
        "believe": "volunteered",
        "believe_reason": "Believe the volunteered feedback, with care.",
    }
    return {**default, **changes}


def drift_report(number: int, **changes: Any) -> dict[str, Any]:
    age = {
        "feature": "age",
        "drifted": True,
        "test": "kolmogorov-smirnov",
        "n": 500,
        "distance": 0.31,
        "threshold": 0.1,
        "index": 0.42,
        "p_value": 1e-9,
        "adjusted": 1e-8,
        "direction": "lower",
        "change": "median 29, was 37",
    }
    hours = {**age, "feature": "hours", "drifted": False, "distance": 0.03, "index": 0.02, "p_value": 0.6}
    default = {
        "id": f"drift-{number}",
        "model": "census-income",
        "stage": "main",
        "version": "2",
        "at": ago(minutes=60 * number),
        "verdict": "drift",
        "reason": "1 of 2 features drifted, compared over 500 recent and 10000 reference rows.",
        "rows": 500,
        "reference_rows": 10_000,
        "drifted": ["age"],
        "news": ["age"],
        "consequence": "The policy opens no run on drift (drift_run).",
        "run": None,
        "features": [{**hours, "adjusted": 0.6, "direction": "none", "change": ""}, age],
        "left_out": {"since": "a timestamp always moves on, so it is not compared"},
    }
    return {**default, **changes}


NO_DRIFT_VERDICT = drift_report(
    2,
    verdict="no_verdict",
    reason="There are 8 of the 100 recent predictions that a verdict takes.",
    rows=8,
    drifted=[],
    news=[],
    features=[],
    consequence="",
)


NO_SCORE = score(
    value=None,
    low=None,
    high=None,
    n=0,
    version="1",
    state="collecting",
    reason="0 of the 50 predictions with feedback that the score needs are in.",
    asked=None,
    volunteered={"value": None, "low": None, "high": None, "n": 0},
    estimate=None,
    estimate_reason="Nothing is estimated yet: there are 3 of the 50 answers that it takes.",
    believe="none",
    believe_reason="There is no number to believe yet.",
)


def history(points: int = 60) -> list[dict[str, Any]]:
    """A score that falls, is lifted by a retrain at two thirds, and wobbles."""
    found = []
    for index in range(points):
        fallen = index < points * 2 // 3
        value = 0.87 - 0.0045 * index if fallen else 0.84 + 0.02 * math.sin(index)
        at = ago(minutes=3 * (points - index))
        found.append(
            {
                "at": at,
                "n": min(200, 20 + 5 * index),
                "value": value,
                "low": value - 0.06,
                "high": min(value + 0.05, 1.0),
                "version": "1" if fallen else "2",
                "state": "healthy",
                "reason": "The score is above the threshold.",
                "run": "run-2" if index == points * 2 // 3 - 1 else None,
            }
        )
    return found


_TARGETS = {"census-income": "income-per-year", "flowers": "species", "rents": "rent"}


def model(name: str, schema: dict[str, Any], classes: list[str], **changes: Any) -> dict[str, Any]:
    default = {
        "name": name,
        "task": "tabular-classification" if classes else "tabular-regression",
        "takes": "rows",
        "built_in": False,
        "version": "2",
        "stage": "main",
        "score": score(),
        "state": "degraded",
        "dataset": name,
        "schema": schema,
        "columns": list(schema["properties"]),
        "target": {"census-income": "income-per-year", "flowers": "species", "rents": "rent"}.get(
            name, "toxic"
        ),
        "classes": classes,
        "policy": dict(POLICY),
        "versions": [],
        "ready": True,
        "refusals": [],
        "problem": None,
    }
    return {**default, **changes}


def version(name: str, **changes: Any) -> dict[str, Any]:
    default = {
        "version": name,
        "created_at": ago(hours=5 - int(name)),
        "metrics": {"accuracy": 0.861 + int(name) / 100, "roc_auc": 0.921, "log_loss": 0.301},
        "candidate": LEADERBOARD[0]["candidate"],
        "preparation": {},
        "engine": "onnx",
        "lineage": {
            "dataset": "census-income",
            "dataset_version": int(name),
            "dataset_revision": "9f3c1d2e4b5a69788796a5b4c3d2e1f001122334",
            "feedback_seq": 200,
            "run": f"run-{name}",
            "mlflow_run": "0af7651916cd43dd8448eb211c80319c",
            "code_revision": "0e391612aa",
            "trained_at": ago(hours=5 - int(name)),
        },
        "receipt": RECEIPT,
        "stages": [],
        "barred": None,
        "problem": None,
        "loaded": False,
    }
    return {**default, **changes}


def promotion(seq: int, **changes: Any) -> dict[str, Any]:
    default = {
        "id": f"promotion-{seq}",
        "model": "census-income",
        "stage": "main",
        "seq": seq,
        "version": str(seq),
        "previous": str(seq - 1) if seq > 1 else None,
        "kind": "promotion",
        "subject": "loopkeeper",
        "reason": "The gate said promote.",
        "receipt": RECEIPT,
        "run": f"run-{seq}",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "at": ago(minutes=180 - 60 * (seq - 1)),
    }
    return {**default, **changes}


ONLY_IN_DETAIL = ("options", "leaderboard", "gate", "steps", "result")
"""What a list of runs leaves out."""


def run(name: str, **changes: Any) -> dict[str, Any]:
    default = {
        "id": name,
        "kind": "training",
        "model": "census-income",
        "dataset": "census-income",
        "stage": "main",
        "trigger": "score",
        "status": "succeeded",
        "step": "promote",
        "progress": 1.0,
        "reason": "The score of 0.71 is surely below 0.80.",
        "subject": "loopkeeper",
        "dataset_version": 2,
        "champion": "1",
        "version": "2",
        "error": None,
        "cancel_requested": False,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "created_at": ago(minutes=62),
        "started_at": ago(minutes=61),
        "finished_at": ago(minutes=60.6),
        "options": {},
        "leaderboard": LEADERBOARD,
        "gate": RECEIPT,
        "steps": [{"step": "snapshot", "seconds": 1.2}, {"step": "search", "seconds": 5.1}],
        "result": None,
    }
    return {**default, **changes}


RUNNING = run(
    "run-4",
    trigger="manual",
    status="running",
    step="search",
    progress=0.4,
    reason="After the new labels came in.",
    subject="erin",
    version=None,
    created_at=ago(seconds=40),
    started_at=ago(seconds=38),
    finished_at=None,
    leaderboard=LEADERBOARD[:2],
    gate=None,
)
FAILED = run(
    "run-3",
    trigger="upload",
    status="failed",
    step="validate",
    progress=0.3,
    version=None,
    leaderboard=[],
    gate=None,
    error="The dataset version 3 has no rows of the class >50K.",
    created_at=ago(minutes=30),
    started_at=ago(minutes=30),
    finished_at=ago(minutes=29.8),
)

STORING_FAILED = run(
    "run-5",
    kind="dataset",
    model=None,
    dataset="people",
    trigger="upload",
    status="failed",
    step="prepare",
    progress=0.2,
    version=None,
    champion=None,
    leaderboard=[],
    gate=None,
    steps=[],
    error="The table has no column 'age'.",
)
EVALUATED = run(
    "run-6",
    kind="evaluation",
    trigger="manual",
    step="assess",
    version=None,
    champion=None,
    leaderboard=[],
    gate=None,
    steps=[{"step": "assess", "seconds": 4.2}],
    result={
        "model": "census-income",
        "rows": {"dataset": "census-income", "used": 800, "left_out": 3200, "which": "The holdout rows."},
        "classes": ["<=50K", ">50K"],
        "versions": [
            {"version": "1", "metrics": {"accuracy": 0.81, "roc_auc": 0.9}},
            {"version": "2", "metrics": {"accuracy": 0.84, "roc_auc": 0.926}},
        ],
        "differences": [],
    },
)


def prediction(number: int, model: str = "census-income", **changes: Any) -> dict[str, Any]:
    high = 0.5 + (number % 50) / 100
    default = {
        "id": f"prediction-{number:06}",
        "label": "<=50K",
        "probabilities": {"<=50K": high, ">50K": 1 - high},
        "flags": ["age: out of range (95; training saw 17 to 90)"] if number % 7 == 0 else [],
        "ask": number % 5 == 0,
        "model": model,
        "version": "2",
        "stage": "main",
        "subject": "uma",
        "at": ago(minutes=number),
        "inputs": {"age": 39, "workclass": "Private", "education": None, "capital-gain": 2174},
        "pinned": False,
        "latency_ms": 1.27,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "lineage": {name: value for name, value in version("2")["lineage"].items() if name != "feedback_seq"},
        "feedback": [],
    }
    return {**default, **changes}


def feedback(*, correct: bool, label: str | None = None, subject: str = "uma") -> dict[str, Any]:
    return {
        "subject": subject,
        "correct": correct,
        "label": label,
        "value": None,
        "comment": "I know them *well*." if not correct else None,
        "at": ago(minutes=1),
    }


def user(username: str, role: str, days: int) -> dict[str, Any]:
    return {
        "username": username,
        "role": role,
        "created_at": ago(days=days),
        "created_by": "maya",
        "signed_in_at": None,
    }


USERS = [user("maya", "maintainer", 40), user("erin", "engineer", 3), user("uma", "user", 2)]
KEYS = [
    {
        "id": "key-1",
        "name": "nightly-report",
        "role": "user",
        "requests_per_second": None,
        "trusted": False,
        "created_at": ago(days=12),
        "created_by": "maya",
        "expires_at": "2027-03-01T00:00:00Z",
    }
]


DEVICES = [
    {
        "id": "device-1",
        "name": "hall-door",
        "public_topics": False,
        "created_at": ago(days=3),
        "created_by": "maya",
    }
]


EXPLANATION = {
    "prediction": "p-1",
    "model": "census-income",
    "version": "2",
    "explained": "the probability of '<=50K'",
    "label": "<=50K",
    "unit": "probability",
    "method": "Shapley values over 20 orders of the inputs",
    "background_rows": 50,
    "evaluations": 13500,
    "milliseconds": 86.8,
    "baseline": 0.78,
    "value": 0.95,
    "contributions": [
        {"input": "relationship", "given": "Not-in-family", "contribution": 0.195},
        {"input": "education-num", "given": 13, "contribution": -0.12},
        {"input": "capital-gain", "given": 2174, "contribution": 0.062},
        {"input": "age", "given": 39, "contribution": -0.037},
        {"input": "marital-status", "given": None, "contribution": 0.034},
        {"input": "occupation", "given": "Adm-clerical", "contribution": 0.018},
        {"input": "workclass", "given": "State-gov", "contribution": 0.018},
        {"input": "sex", "given": "Male", "contribution": 0.0},
    ],
}
