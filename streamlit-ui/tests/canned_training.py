"""What the gateway answers to whoever makes models, for a fake one to give."""

from typing import Any

import canned_faces
from canned import ago


def column(name: str, kind: str, **facts: Any) -> dict[str, Any]:
    default = {
        "name": name,
        "kind": kind,
        "reason": "So it seems.",
        "type": {"numeric": "integer", "datetime": "datetime"}.get(kind, "text"),
        "missing": 0,
        "distinct": 5,
        "examples": ["a", "b"],
        "counts": {},
        "minimum": None,
        "maximum": None,
        "mean": None,
        "renamed": None,
    }
    return {**default, **facts}


AGE = column("age", "numeric", distinct=73, examples=[39, 50], minimum=17.0, maximum=90.0, mean=38.6)
WORKCLASS = column("workclass", "categorical", missing=20, examples=["Private", "State-gov"])
INCOME = column("income", "categorical", distinct=2, counts={"<=50K": 760, ">50K": 240}, examples=["<=50K"])
PROPOSAL: dict[str, Any] = {
    "name": "people",
    "state": "proposed",
    "rows": 1000,
    "columns": [AGE, WORKCLASS, INCOME],
    "target": "income",
    "warnings": [
        {"code": "leakage", "column": "age", "message": "It predicts 'income' almost by itself (99%)."},
        {
            "code": "duplicates",
            "column": None,
            "message": "24 of 1000 rows repeat another; preparation.drop_duplicates leaves them out.",
        },
    ],
    "source": {
        "format": "csv",
        "header": True,
        "encoding": "utf-8",
        "delimiter": ",",
        "decimal": ".",
        "notes": [],
    },
    "difference": None,
}
COMMENTS: dict[str, Any] = {
    **PROPOSAL,
    "name": "comments",
    "columns": [
        column("comment_text", "text", distinct=998, examples=["You are kind.", "You are not."]),
        column("toxic", "categorical", type="integer", distinct=2, counts={"0": 900, "1": 100}),
    ],
    "target": "toxic",
    "warnings": [],
}
BELONGING: dict[str, Any] = {
    "target": "income",
    "suggested": {"by": "group", "column": "workclass"},
    "audit": [
        {
            "by": "group",
            "column": "workclass",
            "metric": "log_loss",
            "row_split": 0.2,
            "this_split": 0.5,
            "low": 1.2,
            "high": 1.8,
            "flagged": True,
        }
    ],
    "reason": "A quick model remembers what it has seen of each workclass.",
}
LATER_TARGET: dict[str, Any] = {
    "target": "age",
    "suggested": None,
    "audit": [],
    "reason": "For the age, single rows will do.",
}
DIFFERENCE: dict[str, Any] = {
    "version": 1,
    "rows": {"before": 1000, "after": 1200},
    "added": ["height"],
    "removed": [],
    "changed": [
        {
            "column": "workclass",
            "missing_share": {"before": 0.02, "after": 0.1},
            "new_values": ["Never-worked"],
            "shares": {"Private": {"before": 0.7, "after": 0.6}},
        },
        {"column": "age", "maximum": {"before": 90.0, "after": 99.0}},
    ],
}


def dataset(name: str, **changes: Any) -> dict[str, Any]:
    default = {
        "name": name,
        "state": "ready",
        "version": 1,
        "rows": 1000,
        "task": "tabular-classification",
        "target": "income",
        "created_at": ago(hours=2),
        "classes": {"<=50K": 760, ">50K": 240},
        "columns": [{"name": one["name"], "kind": one["kind"]} for one in PROPOSAL["columns"]],
        "warnings": [],
        "proposal": {**PROPOSAL, "name": name, "state": "ready"},
        "tables": [f"{name}_1_raw", f"{name}_1_prepared"],
        "models": [],
        "error": None,
        "run": None,
    }
    return {**default, **changes}


VERSIONS: list[dict[str, Any]] = [
    {
        "version": 2,
        "kind": "upload",
        "rows": 1200,
        "revision": "9f3c1d2e4b5a69788796",
        "created_at": ago(hours=1),
        "difference": DIFFERENCE,
    },
    {
        "version": 1,
        "kind": "upload",
        "rows": 1000,
        "revision": "0e391612aa0e391612aa",
        "created_at": ago(hours=2),
        "difference": None,
    },
]


def parameter(name: str, kind: str, default: Any, **more: Any) -> dict[str, Any]:
    default = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "help": "More of it does more.",
        "kind": kind,
        "default": default,
        "low": None,
        "high": None,
        "log": False,
        "choices": None,
        "nullable": False,
    }
    return {**default, **more}


LOGISTIC: dict[str, Any] = {
    "name": "logistic-regression",
    "title": "Logistic regression",
    "help": "A weighted sum: quick and steady.",
    "hyperparameters": [parameter("C", "number", 1.0, low=0.0001, high=1000, log=True)],
}
BOOSTING: dict[str, Any] = {
    "name": "hist-gradient-boosting",
    "title": "Gradient boosting",
    "help": "Many small trees.",
    "hyperparameters": [
        parameter("learning_rate", "number", 0.1, low=0.001, high=1, log=True),
        parameter("max_leaf_nodes", "integer", 31, low=2, high=1000, nullable=True),
    ],
}
TFIDF: dict[str, Any] = {
    "name": "tf-idf",
    "title": "Weighted words (tf-idf)",
    "help": "Rare words count more.",
    "hyperparameters": [
        parameter("ngram_max", "integer", 1, low=1, high=3),
        parameter("lowercase", "flag", default=True),
        parameter("stop_words", "choice", None, choices=["english"], nullable=True),
    ],
}
PREPARATION = [
    parameter("numeric_missing", "choice", "automatic", choices=["automatic", "median", "mean", "drop_row"]),
    parameter("scaling", "choice", "standard", choices=["standard", "min_max", "none"]),
]
TASKS: list[dict[str, Any]] = [
    {
        "task": "tabular-classification",
        "title": "Tell classes apart by a table's columns",
        "label": "Classification",
        "meaning": "Tell classes apart, such as yes and no.",
        "answer": "label",
        "suits": {"target": "classes", "inputs": None},
        "metrics": ["accuracy", "roc_auc", "log_loss"],
        "default_metric": "log_loss",
        "lower_is_better": ["log_loss"],
        "estimators": [LOGISTIC, BOOSTING],
        "vectorizers": [],
        "preparation": PREPARATION,
    },
    {
        "task": "tabular-regression",
        "title": "Estimate a number from a table's columns",
        "label": "Regression",
        "meaning": "Predict a number, such as a price.",
        "answer": "value",
        "suits": {"target": "quantity", "inputs": None},
        "metrics": ["mae", "rmse", "r2"],
        "default_metric": "rmse",
        "lower_is_better": ["mae", "rmse"],
        "estimators": [BOOSTING],
        "vectorizers": [],
        "preparation": PREPARATION,
    },
    {
        "task": "text-classification",
        "title": "Tell classes apart by a text",
        "label": "Text classification",
        "meaning": "Tell classes of texts apart.",
        "answer": "label",
        "suits": {"target": "classes", "inputs": ["text"]},
        "metrics": ["accuracy", "roc_auc", "log_loss"],
        "default_metric": "roc_auc",
        "lower_is_better": ["log_loss"],
        "estimators": [LOGISTIC],
        "vectorizers": [TFIDF],
        "preparation": [],
    },
    canned_faces.TASK,
]


COUNTING: dict[str, Any] = {
    "task": "counting",
    "title": "Estimate how many there will be on a day",
    "label": "Counting",
    "meaning": "Say how many there will be on a day.",
    "answer": "value",
    "suits": {"target": "quantity", "inputs": ["datetime"]},
    "metrics": ["mae", "r2"],
    "default_metric": "mae",
    "lower_is_better": ["mae"],
    "estimators": [
        {
            "name": "season",
            "title": "Season",
            "help": "As many as a season ago.",
            "hyperparameters": [parameter("days", "integer", 7, low=1, high=366)],
        }
    ],
    "vectorizers": [],
    "preparation": [parameter("datetime", "choice", "calendar", choices=["calendar", "ignore"])],
}
"""A task that no page has heard of."""
VISITORS: dict[str, Any] = {
    **PROPOSAL,
    "name": "visitors",
    "columns": [
        column("day", "datetime", distinct=900, examples=["2026-01-31"]),
        column("visitors", "numeric", distinct=400, examples=[120], minimum=3.0, maximum=900.0, mean=150.5),
    ],
    "target": "visitors",
    "warnings": [],
}


def evaluated(version: str, auc: float) -> dict[str, Any]:
    return {
        "version": version,
        "metrics": {"accuracy": 0.86, "roc_auc": auc, "log_loss": 0.31},
        "confusion": [[4000, 300], [500, 1200]],
        "curves": [
            {
                "label": ">50K",
                "roc_auc": auc,
                "average_precision": 0.8,
                "roc": [[0.0, 0.0], [0.1, 0.7], [1.0, 1.0]],
                "precision_recall": [[0.0, 1.0], [0.7, 0.75], [1.0, 0.24]],
                "calibration": [[0.1, 0.08], [0.5, 0.55], [0.9, 0.93]],
            }
        ],
    }


EVALUATION: dict[str, Any] = {
    "model": "census-income",
    "rows": {
        "dataset": "census-income",
        "dataset_version": 2,
        "used": 6000,
        "left_out": 24000,
        "which": "The holdout rows: no version was fitted to them.",
    },
    "classes": ["<=50K", ">50K"],
    "versions": [evaluated("2", 0.921), evaluated("1", 0.9)],
    "differences": [
        {
            "version": "1",
            "against": "2",
            "metric": "roc_auc",
            "difference": -0.021,
            "low": -0.03,
            "high": -0.012,
            "level": 0.95,
        },
        {
            "version": "1",
            "against": "2",
            "metric": "log_loss",
            "difference": 0.001,
            "low": -0.002,
            "high": 0.004,
            "level": 0.95,
        },
    ],
}
