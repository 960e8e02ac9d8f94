"""Profiles as the gateway gives them: one of a classification with texts, one of a regression."""

from typing import Any


def column(name: str, kind: str, type_: str, distribution: Any = None, **more: Any) -> dict[str, Any]:
    plain = {"missing": 0, "distinct": 3, "statistics": None, "by_target": None, "strength": None}
    return {"name": name, "kind": kind, "type": type_, "distribution": distribution, **plain, **more}


def by_class(*counts: list[int]) -> dict[str, Any]:
    return {"counts": list(counts), "rows": [], "means": [], "errors": []}


def phrase(words: str, share: float, elsewhere: float | None = 0.1) -> dict[str, Any]:
    return {"words": words, "count": int(100 * share), "share": share, "elsewhere": elsewhere}


def texts_of(label: str | None, word: str) -> dict[str, Any]:
    return {
        "label": label,
        "texts": 50,
        "mean_words": 12.25,
        "median_words": 11.0,
        "lengths": [10, 30, 10],
        "parts_of_speech": {"noun": 0.4, "verb": 0.35, "adjective": 0.25},
        "phrases": [[phrase(word, 0.6), phrase("time", 0.2)], [phrase(f"{word} time", 0.1)], []],
        "cloud": [
            {"word": word, "count": 30, "x": 20.0, "y": 80.0, "width": 192.0, "size": 64.0},
            {"word": "time", "count": 10, "x": 30.0, "y": 200.0, "width": 48.0, "size": 20.0},
        ],
    }


AGE = {
    "form": "histogram",
    "edges": [16.5, 17.5, 18.5, 19.5],
    "counts": [40, 40, 15],
    "below": 0,
    "above": 5,
    "whole": True,
}
CITY = {
    "form": "counts",
    "labels": ["Bern", "<b>Rom</b>"],
    "counts": [60, 30],
    "others": 10,
    "other_values": 4,
}
SINCE = {
    "form": "periods",
    "unit": "month",
    "step": 1,
    "starts": ["2026-01-01", "2026-02-01"],
    "counts": [50, 50],
}
FIGURES = {
    "minimum": 17.0,
    "lower_quartile": 17.0,
    "median": 18.0,
    "mean": 18.25,
    "upper_quartile": 19.0,
    "maximum": 90.0,
    "deviation": 4.5,
}

PROFILE: dict[str, Any] = {
    "state": "ready",
    "dataset": "comments",
    "version": 2,
    "task": "tabular-classification",
    "target": "mood",
    "classes": ["calm", "angry"],
    "rows": {"total": 1_000_000, "sampled": 50_000},
    "columns": [
        column(
            "age",
            "numeric",
            "integer",
            AGE,
            missing=250_000,
            statistics=FIGURES,
            by_target=by_class([30, 20, 5], [10, 15, 10]),
            strength={"measure": "correlation-ratio", "value": 0.31},
        ),
        column(
            "city",
            "categorical",
            "text",
            CITY,
            by_target=by_class([30, 20], [30, 10]),
            strength={"measure": "cramers-v", "value": 0.62},
        ),
        column(
            "since",
            "datetime",
            "date",
            SINCE,
            by_target=by_class([25, 25], [25, 25]),
            strength={"measure": "correlation-ratio", "value": 0.0},
        ),
        column("said", "text", "text"),
        column(
            "mood",
            "categorical",
            "text",
            {**CITY, "labels": ["calm", "angry"], "others": 0, "other_values": 0},
            by_target=by_class([60, 0], [0, 30]),
        ),
    ],
    "associations": {
        "columns": ["age", "city", "since", "mood"],
        "left_out": 2,
        "pairs": [
            {"first": "age", "second": "city", "measure": "correlation-ratio", "value": 0.2},
            {"first": "age", "second": "since", "measure": "pearson", "value": -0.4},
            {"first": "age", "second": "since", "measure": "spearman", "value": -0.6},
            {"first": "city", "second": "mood", "measure": "cramers-v", "value": 0.62},
        ],
    },
    "texts": [
        {
            "column": "said",
            "texts": 100,
            "length_edges": [0.5, 10.5, 20.5, 30.5],
            "groups": [texts_of(None, "people"), texts_of("calm", "lovely"), texts_of("angry", "stupid")],
            "notes": [],
        }
    ],
    "notes": ["Only the first 200 of 300 columns are charted."],
    "made_at": "2026-01-31T12:00:00Z",
}

BY_MEANS = {"counts": [], "rows": [40, 39, 1], "means": [10.0, 12.5, None], "errors": [0.5, 0.25, None]}
REGRESSION: dict[str, Any] = {
    **PROFILE,
    "dataset": "rents",
    "task": "tabular-regression",
    "target": "rent",
    "classes": [],
    "rows": {"total": 100, "sampled": 100},
    "columns": [
        column("age", "numeric", "integer", AGE, statistics=FIGURES, by_target=BY_MEANS),
        column(
            "city",
            "categorical",
            "text",
            CITY,
            by_target={"counts": [], "rows": [60, 30], "means": [10.0, 12.5], "errors": [0.5, 0.25]},
        ),
        column(
            "since",
            "datetime",
            "date",
            SINCE,
            by_target={"counts": [], "rows": [50, 50], "means": [10.0, 12.5], "errors": [0.5, None]},
        ),
    ],
    "associations": {"columns": ["age"], "left_out": 0, "pairs": []},
    "texts": [],
    "notes": [],
}
COMPUTING = {"state": "computing", "dataset": "comments", "version": 2, "run": "run-9", "progress": 0.4}
