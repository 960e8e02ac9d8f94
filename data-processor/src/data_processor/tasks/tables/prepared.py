"""What fitting made of a preparation, for whoever wants to know what a version does to their rows.

    {"choices": {...}, "rows": {"fitted": 26049, "left_out": 0},
     "columns": [{"column": "age", "kind": "numeric", "by": ["hist-gradient-boosting"], "missing": {...},
                  "scaling": {...}, "categories": [...], "features": [...]}, ...],
     "dropped": [{"column": "version", "reason": "every value is 1"}]}

A blend whose members prepare a column in different ways has a line for each way.
"""

from typing import Any

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

from data_processor.features.packing import MISSING, numeric_names, owners
from data_processor.features.schema import Schema
from data_processor.features.split import Rows
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.pipelines import blended
from data_processor.tasks.tables.centring import Centred
from data_processor.tasks.tables.fitting import rows_for
from data_processor.tasks.tables.target_means import TargetMeans
from data_processor.tasks.tables.usable import usable
from data_processor.tasks.tables.words import ReducedTerms

UNRELATED = "by itself it tells nothing of the target"
MOST_CATEGORIES = 100
"""Categories that are listed; their number is always told."""


def describe(pipeline: Pipeline, candidate: Candidate, rows: Rows, schema: Schema) -> dict[str, Any]:
    """Describe how a fitted pipeline prepares a table; `rows` are those it could be fitted to."""
    fitted = rows_for(candidate, rows, schema)
    columns = _columns(pipeline, candidate, schema)
    dropped = _dropped(usable(fitted, schema, candidate.preparation).dropped, schema)
    known = {line["column"] for line in (*columns, *dropped)}
    left = [column.name for column in schema.inputs if column.name not in known]
    offered = int(rows.recent.sum()) if candidate.recent_share == "only" else len(rows)
    return {
        "choices": candidate.preparation.model_dump(mode="json"),
        "rows": {"fitted": len(fitted), "left_out": offered - len(fitted)},
        "columns": columns,
        "dropped": [
            *dropped,
            *({"column": name, "reason": UNRELATED} for name in left),
        ],
    }


def _columns(pipeline: Pipeline, candidate: Candidate, schema: Schema) -> list[dict[str, Any]]:
    """Return a line for each way in which a column is prepared, in table order."""
    members, _ = blended(pipeline)
    estimators = [one["estimator"] for one in candidate.params.get("members", [])] or [candidate.estimator]
    lines: list[dict[str, Any]] = []
    for member, estimator in zip(members, estimators, strict=True):
        for line in _lines(member, schema):
            same = next((one for one in lines if {**one, "by": []} == {**line, "by": []}), None)
            if same is None:
                lines.append({**line, "by": [estimator]})
            elif estimator not in same["by"]:
                same["by"].append(estimator)
    places = {column.name: place for place, column in enumerate(schema.inputs)}
    return sorted(lines, key=lambda line: places[line["column"]])


def _lines(pipeline: Pipeline, schema: Schema) -> list[dict[str, Any]]:
    numbers, texts = owners(schema)
    names = [*numeric_names(schema), *texts]
    inputs = [*numbers, *texts]
    kinds = {column.name: column.kind for column in schema.inputs}
    impute = pipeline.named_steps.get("impute")
    lines: dict[str, dict[str, Any]] = {}
    behind = 0
    for _, transformer, places in pipeline.named_steps["columns"].transformers_:
        if transformer == "drop":
            continue
        steps = list(transformer) if isinstance(transformer, Pipeline) else [transformer]
        for number, place in enumerate([places] if isinstance(places, int) else places):
            column = inputs[place]
            # Behind this step only a number's gap is filled: a category's is a category of its own.
            filled = impute.statistics_[behind] if impute is not None and place < len(numbers) else None
            offset = next((float(step.offsets[number]) for step in steps if isinstance(step, Centred)), 0.0)
            line = {"missing": _missing(steps, number, filled, offset), **_steps(steps, number, offset)}
            behind += 1
            if kinds[column] == "datetime":
                known = lines.setdefault(column, {"column": column, "kind": "datetime", "features": []})
                known["features"].append({"feature": names[place].rsplit(":", 1)[1], **line})
            else:
                lines[column] = {"column": column, "kind": kinds[column], **line}
    return list(lines.values())


def _missing(steps: list[Any], number: int, filled: float | None, offset: float) -> dict[str, Any]:
    imputer = next((step for step in steps if isinstance(step, SimpleImputer)), None)
    if imputer is not None:
        how = "extreme" if imputer.strategy == "constant" else imputer.strategy
        return {"by": how, "value": _plain(imputer.statistics_[number], offset)}
    if filled is not None:
        return {"by": "median", "value": _plain(filled, offset)}
    encoded = any(
        isinstance(step, (OrdinalEncoder, OneHotEncoder, TargetMeans, ReducedTerms)) for step in steps
    )
    return {"by": "own_category" if encoded else "estimator", "value": None}


def _steps(steps: list[Any], number: int, offset: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for step in steps:
        if isinstance(step, TargetMeans):
            known = [value for value in step.values_[number] if value != MISSING]
            return {
                "encoding": "target-mean",
                "categories": known[:MOST_CATEGORIES],
                "category_count": len(known),
            }
        if isinstance(step, ReducedTerms):
            terms, width = step.projection_.shape
            return {"encoding": "words", "terms": terms, "components": width - 1}
        if isinstance(step, StandardScaler):
            found["scaling"] = {
                "by": "standard",
                "mean": _plain(step.mean_[number], offset),
                "deviation": _plain(step.scale_[number]),
            }
        elif isinstance(step, MinMaxScaler):
            found["scaling"] = {
                "by": "min_max",
                "minimum": _plain(step.data_min_[number], offset),
                "maximum": _plain(step.data_max_[number], offset),
            }
        elif isinstance(step, (OrdinalEncoder, OneHotEncoder)):
            known = [str(value) for value in step.categories_[number] if value != MISSING]
            found["encoding"] = "ordered" if isinstance(step, OrdinalEncoder) else "one-hot"
            found["categories"] = known[:MOST_CATEGORIES]
            found["category_count"] = len(known)
    return found


def _dropped(dropped: dict[str, str], schema: Schema) -> list[dict[str, str]]:
    """Return what is left out by the name of its column; of a timestamp, which features."""
    numbers, _ = owners(schema)
    features = dict(zip(numeric_names(schema), numbers, strict=True))
    lines = []
    for name, reason in dropped.items():
        column = features.get(name, name)
        of = "" if column == name else f"{name.rsplit(':', 1)[1]}: "
        lines.append({"column": column, "reason": f"{of}{reason}"})
    return lines


def _plain(value: Any, offset: float = 0.0) -> float | str:
    """Return a value of a step, counted from an offset, as a table has it."""
    return float(np.float32(value)) + offset if isinstance(value, (float, np.floating)) else str(value)
