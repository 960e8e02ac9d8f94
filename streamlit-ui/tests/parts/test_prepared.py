"""What a version does to its columns, in words."""

from typing import Any

from streamlit_ui.parts.prepared import frame

PREPARED: dict[str, Any] = {
    "choices": {"numeric_missing": "automatic", "scaling": "standard"},
    "rows": {"fitted": 900, "left_out": 100},
    "columns": [
        {
            "column": "age",
            "kind": "numeric",
            "missing": {"by": "median", "value": 37.0},
            "scaling": {"by": "standard", "mean": 38.5, "deviation": 13.25},
        },
        {
            "column": "workclass",
            "kind": "categorical",
            "missing": {"by": "own_category", "value": None},
            "encoding": "one-hot",
            "categories": ["Private"],
            "category_count": 8,
        },
        {"column": "seen", "kind": "datetime", "features": [{"feature": "day_of_year"}, {"feature": "hour"}]},
        {"column": "hours", "kind": "numeric", "missing": {"by": "estimator", "value": None}},
        {"column": "city", "kind": "categorical", "encoding": "target-mean", "category_count": 1200},
        {"column": "remark", "kind": "text", "encoding": "words", "terms": 2000, "components": 16},
    ],
    "dropped": [{"column": "fnlwgt", "reason": "every value is 1"}],
}


def test_each_column_says_what_becomes_of_it() -> None:
    shown = frame(PREPARED)
    assert list(shown["Missing values become"]) == [
        "median, 37",
        "own category",
        "–",
        "left to the estimator",
        "–",
        "–",
    ]
    assert list(shown["Becomes"]) == [
        "standard scale (mean 38.5, deviation 13.25)",
        "8 categories, one-hot",
        "day of year, hour",
        "unchanged",
        "the mean of the target for each of 1\u202f200 categories",
        "2\u202f000 words, reduced to 16 numbers",
    ]


def test_an_older_version_has_nothing_to_show() -> None:
    assert frame({}).empty
