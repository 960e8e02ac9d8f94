"""From a frame of packed inputs to one block of 32-bit floats: how each column is prepared, and for whom.

Trees take each category as its rank by mean target (Fisher 1958; for several classes along the first
principal component of the class shares, Coppersmith, Hong & Hosking 1999): as good as splitting on sets of
categories, four times faster to fit than one column each, and it converts to ONNX exactly, which native
categories do not. Others, and boosting if it is so asked, get one column per category. Categories that
fitting never saw are missing where there is an order, and nothing where there is not. No scaler stands in
front of trees: in 32-bit floats it moves thresholds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

from data_processor.features.packing import MISSING, numeric_names
from data_processor.features.preparation import Preparation
from data_processor.features.schema import Schema
from data_processor.features.split import Rows
from data_processor.tasks.candidates import TooFewRowsError
from data_processor.tasks.tables.centring import Centred, offsets_at
from data_processor.tasks.tables.relations import related

Encoding = Literal["ordered", "one-hot"]
"""How categories become numbers: in the order of their mean target, or one column for each."""
Floats = NDArray[np.float64]

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


@dataclass(frozen=True, slots=True)
class Usable:
    """The columns of a frame from which something can be learnt, by their places in it.

    Columns go by their place, not their name: a compiled model has two blocks and no column names.
    """

    numbers: tuple[int, ...]
    categories: tuple[int, ...]
    dropped: dict[str, str]
    """What is left out, by its name in the frame, and why."""


def usable(rows: Rows, schema: Schema, preparation: Preparation) -> Usable:
    """Look for the columns that have a value, and more than one; if none varies, for those with a value."""
    dropped: dict[str, str] = {}
    numbers: list[int] = []
    categories: list[int] = []
    same: list[tuple[str, list[int], int]] = []
    names = numeric_names(schema)
    for place, name in enumerate(names):
        values = rows.frame[name].to_numpy(np.float64)
        known = values[~np.isnan(values)]
        if not len(known):
            dropped[name] = "every value is missing"
        elif len(known) == len(values) and known.min() == known.max():
            dropped[name] = f"every value is {known[0]:g}"
            same.append((name, numbers, place))
        else:
            numbers.append(place)
    for place, column in enumerate(schema.strings, len(names)):
        if column.kind != "categorical":
            dropped[column.name] = f"a table's model learns nothing from a {column.kind} column"
            continue
        values = rows.frame[column.name].to_numpy(object)
        found = set(values.tolist())
        counted = found if preparation.categorical_missing == "own_category" else found - {MISSING}
        if found <= {MISSING}:
            dropped[column.name] = "every value is missing"
        elif len(counted) == 1:
            dropped[column.name] = f"every value is {next(iter(counted))!r}"
            same.append((column.name, categories, place))
        else:
            categories.append(place)
    for name, kept, place in same if not numbers and not categories else ():
        kept.append(place)
        del dropped[name]
    return Usable(tuple(numbers), tuple(categories), dropped)


def complete(rows: Rows, schema: Schema, preparation: Preparation) -> Rows:
    """Return the rows that are fitted on: those without a gap where gaps are not wanted."""
    if not preparation.drops_rows or not len(rows):
        return rows
    found = usable(rows, schema, preparation)
    keep = np.ones(len(rows), np.bool_)
    if preparation.numeric_missing == "drop_row" and found.numbers:
        keep &= rows.frame.iloc[:, list(found.numbers)].notna().to_numpy().all(axis=1)
    if preparation.categorical_missing == "drop_row" and found.categories:
        keep &= (rows.frame.iloc[:, list(found.categories)] != MISSING).to_numpy().all(axis=1)
    return rows.take(keep)


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
    if not found.numbers and not found.categories:
        raise TooFewRowsError("No column to fit on has a value.")
    parts: list[tuple[str, Any, list[int]]] = []
    if found.numbers:
        scaler = None if shape.trees else _scaler(preparation)

        def chain(places: Sequence[int], *steps: Any) -> Any:
            centre = Centred(offsets_at(tuple(places), schema)) if schema.precise else None
            return _chain(centre, *steps) or "passthrough"

        if shape.trees and preparation.numeric_missing == "automatic":
            # Boosting learns from gaps; a forest's are filled behind this step, with unseen categories'.
            parts.append(("numeric", chain(found.numbers), list(found.numbers)))
        elif preparation.numeric_missing == "extreme":
            for place in found.numbers:
                values = rows.frame.iloc[:, place].to_numpy(np.float64) - offsets_at((place,), schema)
                imputer = SimpleImputer(strategy="constant", fill_value=_extreme(values))
                parts.append((f"numeric {place}", chain([place], imputer, scaler), [place]))
        else:
            strategy = preparation.numeric_missing
            imputer = (
                make_imputer() if strategy in ("automatic", "drop_row") else SimpleImputer(strategy=strategy)
            )
            parts.append(("numeric", chain(found.numbers, imputer, scaler), list(found.numbers)))
    if found.categories:
        own = preparation.categorical_missing == "own_category"
        imputer = None if own else SimpleImputer(missing_values=MISSING, strategy="most_frequent")
        encoder: Any = OneHotEncoder(handle_unknown="ignore", dtype=np.float32)
        if shape.encoding == "ordered":
            encoder = OrdinalEncoder(
                categories=_orders(rows, found.categories, weights, imputer),
                handle_unknown="use_encoded_value",
                unknown_value=np.nan,
                dtype=np.float32,
            )
        parts.append(("categories", _chain(imputer, encoder), list(found.categories)))
    return ColumnTransformer(parts, sparse_threshold=0 if shape.trees else 0.3)


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
