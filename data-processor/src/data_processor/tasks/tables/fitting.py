"""From a candidate and rows of a table to a fitted pipeline: rows weighted, columns prepared, fitted."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from data_processor.features.schema import Schema
from data_processor.features.split import Rows
from data_processor.tasks.candidates import Candidate, TooFewRowsError
from data_processor.tasks.pipelines import alone, estimator_of, few_threads, recent_weights
from data_processor.tasks.tables.centring import CentredRegressor
from data_processor.tasks.tables.columns import Shape, forget_rows, make_columns, make_imputer
from data_processor.tasks.tables.families import family_of
from data_processor.tasks.tables.usable import complete
from data_processor.tasks.task import Prepared

Floats = NDArray[np.float64]


class Watch(NamedTuple):
    """Other rows, by which a fit finds how many stages are best, and the most that it may have."""

    rows: Rows
    most: int


def fit_table(
    candidate: Candidate, rows: Rows, schema: Schema, seed: int, *, watch: Watch | None = None
) -> Pipeline:
    """Fit a candidate on rows, the recent ones among them weighted by its `recent_share`.

    With `watch` it has as many stages as are best on other rows. Raises `TooFewRowsError` if a class of the
    schema does not occur, or nothing is left to learn from.
    """
    rows = rows_for(candidate, rows, schema)
    _require(rows, schema)
    weights = recent_weights(rows.recent, candidate.recent_share)
    family = family_of(candidate, schema.task)
    shape = Shape(
        encoding=family.encoding(candidate.params),
        trees=family.trees,
        related=candidate.params.get("columns") == "related",
    )
    columns = make_columns(rows, weights, schema, candidate.preparation, shape)
    fill = family.trees and not family.takes_missing
    model = family.make(candidate.params, seed)
    if watch is not None:
        model.set_params(**family.watching, max_iter=watch.most)
    if not schema.classes:
        model = CentredRegressor(model, candidate.params.get("target", "plain"))
    pipeline = Pipeline(
        [("columns", columns), *([("impute", make_imputer())] if fill else []), ("model", model)]
    )
    with alone(pipeline), few_threads(len(rows)):
        if watch is None:
            pipeline.fit(rows.frame, rows.target, model__sample_weight=weights)
        else:
            _fit_watching(pipeline, rows, weights, watch.rows)
    forget_rows(columns)
    model = estimator_of(pipeline)
    if "n_jobs" in model.get_params():
        model.set_params(n_jobs=None)  # threads pay off in fitting; asked for one row they cost milliseconds
    return pipeline


def prepare_rows(candidate: Candidate, rows: Rows, schema: Schema) -> Prepared:
    """Fit the columns of rows as a linear model takes them, and return what they become.

    Raises `TooFewRowsError` as `fit_table` does.
    """
    rows = rows_for(candidate, rows, schema)
    _require(rows, schema)
    shape = Shape(encoding="one-hot", trees=False, related=False)
    columns = make_columns(rows, np.ones(len(rows)), schema, candidate.preparation, shape)
    features = columns.fit_transform(rows.frame, rows.target)
    forget_rows(columns)
    return Prepared(columns, features, rows)


def stages_of(pipeline: Pipeline) -> int:
    """Return how many stages a fit that watched other rows has."""
    return int(estimator_of(pipeline).n_iter_)


def _fit_watching(pipeline: Pipeline, rows: Rows, weights: Floats, watched: Rows) -> None:
    """Fit until other rows are answered no better for a while, and keep what answers them best."""
    before, model = pipeline[:-1], pipeline[-1]
    features = before.fit_transform(rows.frame, rows.target)
    other = before.transform(watched.frame)
    if isinstance(model, CentredRegressor):
        model.fit(features, rows.target, sample_weight=weights, watched=(other, watched.target))
    else:
        model.fit(features, rows.target, sample_weight=weights, X_val=other, y_val=watched.target)
    fitted = estimator_of(pipeline)
    best = max(1, int(np.argmax(fitted.validation_score_)))  # the first score is of no stage at all
    fitted._predictors = fitted._predictors[:best]  # noqa: SLF001  # no public way


def rows_for(candidate: Candidate, rows: Rows, schema: Schema) -> Rows:
    """Return the rows that a candidate is fitted on, of those it may be fitted on."""
    if candidate.recent_share == "only":
        rows = rows.take(rows.recent)
    return complete(rows, schema, candidate.preparation)


def _require(rows: Rows, schema: Schema) -> None:
    if not len(rows):
        raise TooFewRowsError("There is no row to fit on.")
    absent = sorted(set(schema.classes) - set(rows.target.tolist()))
    if absent:
        raise TooFewRowsError(f"No row to fit on has the class {', '.join(map(repr, absent))}.")
