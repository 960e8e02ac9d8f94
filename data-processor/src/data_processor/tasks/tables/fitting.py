"""From a candidate and rows of a table to a fitted pipeline: rows weighted, columns prepared, fitted."""

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

Floats = NDArray[np.float64]


def fit_table(candidate: Candidate, rows: Rows, schema: Schema, seed: int) -> Pipeline:
    """Fit a candidate on rows, the recent ones among them weighted by its `recent_share`.

    Raises `TooFewRowsError` if a class of the schema does not occur, or nothing is left to learn from.
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
    pipeline = Pipeline(
        [
            ("columns", columns),
            *([("impute", make_imputer())] if fill else []),
            ("model", model if schema.classes else CentredRegressor(model)),
        ]
    )
    with alone(pipeline), few_threads(len(rows)):
        pipeline.fit(rows.frame, rows.target, model__sample_weight=weights)
    forget_rows(columns)
    model = estimator_of(pipeline)
    if "n_jobs" in model.get_params():
        model.set_params(n_jobs=None)  # threads pay off in fitting; asked for one row they cost milliseconds
    return pipeline


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
