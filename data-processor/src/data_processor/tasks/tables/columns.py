"""From a frame of packed inputs to one block of 32-bit floats: how each column is prepared, and for whom.

Trees take each category as its rank by mean target (Fisher 1958; for several classes along the first
principal component of the class shares, Coppersmith, Hong & Hosking 1999): as good as splitting on sets of
categories, four times faster to fit than one column each, and it converts to ONNX exactly, which native
categories do not. Others, and boosting if it is so asked, get one column per category. Categories that
fitting never saw are missing where there is an order, and nothing where there is not. No scaler stands in
front of trees: in 32-bit floats it moves thresholds.

Where a column has many categories, each is its rows' mean target to every estimator (`target_means.py`), and
texts are the words they have (`words.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

from data_processor.features.packing import MISSING
from data_processor.features.preparation import Preparation
from data_processor.features.schema import Schema
from data_processor.features.split import Rows
from data_processor.tasks.candidates import TooFewRowsError
from data_processor.tasks.tables.centring import Centred, offsets_at
from data_processor.tasks.tables.relations import related
from data_processor.tasks.tables.target_means import TargetMeans, folds_for
from data_processor.tasks.tables.usable import usable
from data_processor.tasks.tables.words import make_words

Encoding = Literal["ordered", "one-hot"]
"""How categories become numbers: in the order of their mean target, or one column for each."""
Floats = NDArray[np.float64]
Part = tuple[str, Any, list[int] | int]
"""A step for some columns, by their places; by the place alone where it takes one column."""

_PRIOR_ROWS = 10.0
"""How many average rows each category's mean target is drawn towards: a rare category has no extreme rank."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What an estimator wants its columns to be."""

    encoding: Encoding
    trees: bool
    """It looks at the order of numbers only, and wants one dense block."""
    related: bool
    """Without the columns that tell nothing of the target by themselves (`relations.py`)."""


def make_columns(
    rows: Rows,
    weights: Floats,
    schema: Schema,
    preparation: Preparation,
    shape: Shape,
) -> ColumnTransformer:
    """Return the unfitted step that turns a frame into numbers; raises `TooFewRowsError`."""
    found = usable(rows, schema, preparation)
    if shape.related:
        places = related(rows, (*found.numbers, *found.categories))
        found = replace(
            found,
            numbers=tuple(place for place in found.numbers if place in places),
            categories=tuple(place for place in found.categories if place in places),
        )
    if found.empty:
        raise TooFewRowsError("No column to fit on has a value.")
    scaler = None if shape.trees else _scaler(preparation)
    parts = _numeric_parts(rows, schema, preparation, found.numbers, scaler, trees=shape.trees)
    own = preparation.categorical_missing == "own_category"
    imputer = None if own else SimpleImputer(missing_values=MISSING, strategy="most_frequent")
    if found.categories:
        encoder: Any = OneHotEncoder(handle_unknown="ignore", dtype=np.float32)
        if shape.encoding == "ordered":
            encoder = OrdinalEncoder(
                categories=_orders(rows, found.categories, weights, imputer),
                handle_unknown="use_encoded_value",
                unknown_value=np.nan,
                dtype=np.float32,
            )
        parts.append(("categories", _chain(imputer, encoder), list(found.categories)))
    if found.many:
        means = TargetMeans(weights, folds_for(rows))
        parts.append(("many categories", _chain(imputer, means), list(found.many)))
    for place in found.texts:
        # A vectorizer takes one column, and by its place alone.
        words = make_words(len(found.texts))
        steps = words.steps if scaler is None else [*words.steps, ("scaled", scaler)]
        parts.append((f"words {place}", Pipeline(steps), place))
    return ColumnTransformer(parts, sparse_threshold=0 if shape.trees else 0.3)


def _numeric_parts(
    rows: Rows,
    schema: Schema,
    preparation: Preparation,
    numbers: Sequence[int],
    scaler: Any,
    *,
    trees: bool,
) -> list[Part]:
    """Return the steps that numbers go through: centred, their gaps filled, scaled."""
    if not numbers:
        return []

    def chain(places: Sequence[int], *steps: Any) -> Any:
        centre = Centred(offsets_at(tuple(places), schema)) if schema.precise else None
        return _chain(centre, *steps) or "passthrough"

    if trees and preparation.numeric_missing == "automatic":
        # Boosting learns from gaps; a forest's are filled behind this step, with unseen categories'.
        return [("numeric", chain(numbers), list(numbers))]
    if preparation.numeric_missing == "extreme":
        parts: list[Part] = []
        for place in numbers:
            values = rows.frame.iloc[:, place].to_numpy(np.float64) - offsets_at((place,), schema)
            imputer = SimpleImputer(strategy="constant", fill_value=_extreme(values))
            parts.append((f"numeric {place}", chain([place], imputer, scaler), [place]))
        return parts
    strategy = preparation.numeric_missing
    imputer = make_imputer() if strategy in ("automatic", "drop_row") else SimpleImputer(strategy=strategy)
    return [("numeric", chain(numbers, imputer, scaler), list(numbers))]


def forget_rows(columns: ColumnTransformer) -> None:
    """Take from a fitted step what it was told of the rows it was fitted to: it is nothing to keep."""
    for _, part, _ in (*columns.transformers, *columns.transformers_):
        for step in part if isinstance(part, Pipeline) else (part,):
            if isinstance(step, TargetMeans):
                step.weights = step.folds = None


def make_imputer() -> SimpleImputer:
    """Return what fills gaps with the median."""
    return SimpleImputer(strategy="median", keep_empty_features=True)


def category_order(values: NDArray[np.object_], target: NDArray[Any], weights: Floats) -> NDArray[np.object_]:
    """Return the distinct values of a column, lowest mean target first."""
    categories, which = np.unique(values.astype(str), return_inverse=True)
    scores = _target_scores(target)
    mass = np.bincount(which, weights, len(categories))
    average = np.average(scores, axis=0, weights=weights)
    sums = np.stack([np.bincount(which, weights * column, len(categories)) for column in scores.T], axis=1)
    means = (sums + _PRIOR_ROWS * average) / (mass + _PRIOR_ROWS)[:, None]
    if means.shape[1] > 1:
        centred = (means - average) * np.sqrt(mass)[:, None]
        means = (means - average) @ np.linalg.svd(centred, full_matrices=False)[2][0][:, None]
    return categories[np.argsort(means[:, 0], kind="stable")].astype(object)


def _orders(
    rows: Rows, places: Sequence[int], weights: Floats, imputer: SimpleImputer | None
) -> list[NDArray[np.object_]]:
    values = rows.frame.iloc[:, list(places)].to_numpy(object)
    if imputer is not None:
        values = imputer.fit_transform(values)
    return [category_order(column, rows.target, weights) for column in values.T]


def _target_scores(target: NDArray[Any]) -> Floats:
    """Return the target as columns of numbers: itself, the second of two classes, or every class."""
    if target.dtype.kind == "f":
        return target.astype(np.float64)[:, None]
    classes, which = np.unique(target.astype(str), return_inverse=True)
    shares: Floats = np.eye(len(classes))[which]
    return shares[:, 1:] if len(classes) == 2 else shares  # noqa: PLR2004  # two classes mirror each other


def _extreme(values: Floats) -> float:
    """Return a number as far below all values as they are apart, and exact in 32 bits."""
    lowest, highest = float(np.nanmin(values)), float(np.nanmax(values))
    return float(np.float32(lowest - max(1.0, highest - lowest)))


def _scaler(preparation: Preparation) -> Any:
    scalers = {"standard": StandardScaler, "min_max": MinMaxScaler}
    return scalers[preparation.scaling]() if preparation.scaling in scalers else None


def _chain(*steps: Any) -> Any:
    present = [step for step in steps if step is not None]
    if not present:
        return None
    return present[0] if len(present) == 1 else make_pipeline(*present)
