"""From a frame of packed inputs to answers: how each family is prepared, weighted, fitted and asked.

Trees take each category as its rank by mean target (Fisher 1958; for several classes along the first
principal component of the class shares, Coppersmith, Hong & Hosking 1999): as good as splitting on sets of
categories, four times faster to fit than one column each, and it converts to ONNX exactly, which native
categories do not. Linear models get one column per category. Missing texts are a category of their own;
categories that fitting never saw are missing to trees and nothing to linear models. No scaler stands in front
of trees: in 32-bit floats it moves thresholds.
"""

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from data_processor.datasets.schema import Schema
from data_processor.training.candidates import Candidate, Family, RecentShare, family_of
from data_processor.training.preparation import Rows

Floats = NDArray[np.float64]

MANY_ROWS = 200_000
"""From so many rows on, a fit uses all threads that the environment gives it."""
_PRIOR_ROWS = 10.0
"""How many average rows each category's mean target is drawn towards: a rare category has no extreme rank."""


class TooFewRowsError(ValueError):
    """The rows cannot carry a fit: none at all, a class without a row, or no column with a value."""


def fit(candidate: Candidate, rows: Rows, schema: Schema, seed: int) -> Pipeline:
    """Fit a candidate on rows, the recent ones among them weighted by its `recent_share`.

    Raises `TooFewRowsError` if a class of the schema does not occur, or nothing is left to learn from.
    """
    if schema.task == "text-classification":
        from data_processor.training.texts.pipeline import fit_texts  # noqa: PLC0415  # it imports this module

        return fit_texts(candidate, rows, schema, seed)
    if candidate.recent_share == "only":
        rows = rows.take(rows.recent)
    _require(rows, schema)
    weights = recent_weights(rows.recent, candidate.recent_share)
    family = family_of(candidate, schema.task)
    pipeline = Pipeline(
        [
            ("columns", _columns(family, rows, weights, schema)),
            *(
                []
                if family.takes_missing
                else [("impute", _imputer())]
                if family.encoding == "ordered"
                else []
            ),
            ("model", family.make(candidate.params, seed)),
        ]
    )
    with _few_threads(len(rows)):
        pipeline.fit(rows.frame, rows.target, model__sample_weight=weights)
    model = pipeline.named_steps["model"]
    if "n_jobs" in model.get_params():
        model.set_params(n_jobs=None)  # threads pay off in fitting; asked for one row they cost milliseconds
    return pipeline


def answer(pipeline: Pipeline, frame: pd.DataFrame) -> Floats:
    """Return what a fitted pipeline says: probabilities (rows, classes), or values (rows, 1)."""
    with _few_threads(len(frame)):
        if hasattr(pipeline, "predict_proba"):
            return np.asarray(pipeline.predict_proba(frame), np.float64)
        return np.asarray(pipeline.predict(frame), np.float64).reshape(-1, 1)


def recent_weights(recent: NDArray[np.bool_], share: RecentShare) -> Floats:
    """Return one weight per row, 1 on average, so that the recent rows together have the given share."""
    weights = np.ones(len(recent))
    count = int(recent.sum())
    if isinstance(share, str) or count in (0, len(recent)):
        return weights
    weights[recent] = share * len(recent) / count
    weights[~recent] = (1 - share) * len(recent) / (len(recent) - count)
    return weights


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


def _few_threads(rows: int) -> AbstractContextManager[object]:
    """Keep OpenMP and BLAS to one thread on small tables.

    Boosting 24 000 rows takes 0.44 s with one thread and 0.34 s with two on an idle machine; where somebody
    else has one of the cores, the threads wait for each other and two take 2 to 20 s.
    """
    limit: AbstractContextManager[object] = threadpool_limits(limits=None if rows >= MANY_ROWS else 1)
    return limit


def _target_scores(target: NDArray[Any]) -> Floats:
    """Return the target as columns of numbers: itself, the second of two classes, or every class."""
    if target.dtype.kind == "f":
        return target.astype(np.float64)[:, None]
    classes, which = np.unique(target.astype(str), return_inverse=True)
    shares: Floats = np.eye(len(classes))[which]
    return shares[:, 1:] if len(classes) == 2 else shares  # noqa: PLR2004  # two classes mirror each other


def _require(rows: Rows, schema: Schema) -> None:
    if not len(rows):
        raise TooFewRowsError("There is no row to fit on.")
    absent = sorted(set(schema.classes) - set(rows.target.tolist()))
    if absent:
        raise TooFewRowsError(f"No row to fit on has the class {', '.join(map(repr, absent))}.")


def _columns(family: Family, rows: Rows, weights: Floats, schema: Schema) -> ColumnTransformer:
    """Return the step that turns a frame into one block of 32-bit floats.

    Columns go by their place, not their name: a compiled model has two blocks and no column names.
    """
    numeric = [i for i, c in enumerate(schema.numeric) if rows.frame[c.name].notna().any()]
    texts = {
        len(schema.numeric) + i: rows.frame[c.name].to_numpy(object)
        for i, c in enumerate(schema.strings)
        if c.kind == "categorical"
    }
    if not numeric and not texts:
        raise TooFewRowsError("No column to fit on has a value.")
    parts: list[tuple[str, Any, list[int]]] = []
    if numeric:
        scale = make_pipeline(_imputer(), StandardScaler())
        parts.append(("numeric", "passthrough" if family.encoding == "ordered" else scale, numeric))
    if texts and family.encoding == "ordered":
        order = [category_order(values, rows.target, weights) for values in texts.values()]
        encoder = OrdinalEncoder(
            categories=order, handle_unknown="use_encoded_value", unknown_value=np.nan, dtype=np.float32
        )
        parts.append(("categories", encoder, list(texts)))
    elif texts:
        parts.append(("categories", OneHotEncoder(handle_unknown="ignore", dtype=np.float32), list(texts)))
    return ColumnTransformer(parts)


def _imputer() -> SimpleImputer:
    return SimpleImputer(strategy="median", keep_empty_features=True)
