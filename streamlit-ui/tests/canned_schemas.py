"""Schemas of inputs, as the public face gives them."""

from typing import Any


def numeric(low: float, high: float, default: float, *, integer: bool = True, **extra: Any) -> dict[str, Any]:
    kind = "integer" if integer else "number"
    return {
        "type": [kind, "null"],
        "default": default,
        "x-kind": "numeric",
        "x-minimum": low,
        "x-maximum": high,
        **extra,
    }


def categorical(*categories: str, **extra: Any) -> dict[str, Any]:
    return {
        "type": ["string", "null"],
        "default": categories[0],
        "x-kind": "categorical",
        "examples": list(categories),
        **extra,
    }


def schema(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": required or [],
        "additionalProperties": False,
    }


CENSUS = schema(
    {
        "age": numeric(17, 90, 37, description="Years since birth"),
        "workclass": categorical("Private", "Self-emp-not-inc", "Local-gov", "State-gov", "Never-worked"),
        "education": categorical("HS-grad", "Some-college", "Bachelors", "Masters", "Doctorate"),
        "education-num": numeric(1, 16, 10),
        "marital-status": categorical("Married-civ-spouse", "Never-married", "Divorced", "Widowed"),
        "occupation": categorical("Prof-specialty", "Craft-repair", "Sales", "Tech-support"),
        "relationship": categorical("Husband", "Not-in-family", "Own-child", "Unmarried", "Wife"),
        "race": categorical("White", "Black", "Other"),
        "sex": categorical("Male", "Female"),
        "capital-gain": numeric(0, 99_999, 0),
        "capital-loss": numeric(0, 4_356, 0),
        "hours-per-week": numeric(1, 99, 40),
        "native-country": categorical("United-States", "Mexico", "Germany"),
    }
)
FLOWERS = schema(
    {
        "petal-length": numeric(1.0, 6.9, 4.35, integer=False),
        "petal-width": numeric(0.1, 2.5, 1.3, integer=False),
        "note": {"type": ["string", "null"], "x-kind": "text"},
        "seen-at": {"type": ["string", "null"], "x-kind": "datetime"},
    }
)
RENTS = schema(
    {"rooms": numeric(1, 9, 3, integer=True), "area": numeric(12.5, 240, 64.5, integer=False)}, ["area"]
)
COMMENTS = schema({"comment_text": {"type": "string", "x-kind": "text"}}, ["comment_text"])
