"""Fitting a candidate to texts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from data_processor.features.schema import Schema
from data_processor.features.split import Rows
from data_processor.tasks.candidates import Candidate, TooFewRowsError
from data_processor.tasks.pipelines import recent_weights
from data_processor.tasks.task import Prepared
from data_processor.tasks.texts.counting import no_terms
from data_processor.tasks.texts.families import Folds, complete, make_estimator
from data_processor.tasks.texts.vectorizers import make_vectorizer, words_of

TEXT = "text"
"""The vectorizer's name among the columns."""
CALIBRATION_FOLDS = 5
FEWEST = 2
"""Rows that every class needs."""


def fit_texts(candidate: Candidate, rows: Rows, schema: Schema, seed: int) -> Pipeline:
    """Fit a candidate on rows with one column of texts; raises `TooFewRowsError`."""
    if candidate.recent_share == "only":
        rows = rows.take(rows.recent)
    folds = calibration_folds(rows.target, schema, rows.ties.groups)
    pipeline = Pipeline(
        [("columns", _columns(candidate, rows, schema)), ("model", make_estimator(candidate, seed, folds))]
    )
    weights = recent_weights(rows.recent, candidate.recent_share)
    try:
        with threadpool_limits(1):  # nothing here is large enough for threads to pay off
            pipeline.fit(rows.frame, rows.target, model__sample_weight=weights)
    except ValueError as error:
        if _says_no_terms(error):
            raise no_terms() from error
        raise
    model = pipeline.named_steps["model"]
    if not isinstance(folds, int) and "cv" in model.get_params(deep=False):
        model.set_params(cv=len(folds))  # the rows' places are nothing to keep
    return pipeline


def prepare_texts(candidate: Candidate, rows: Rows, schema: Schema) -> Prepared:
    """Fit a candidate's vectorizer to rows, and return what they become; raises `TooFewRowsError`."""
    rows_of_rarest(rows.target, schema)
    columns = _columns(candidate, rows, schema)
    try:
        features = columns.fit_transform(rows.frame, rows.target)
    except ValueError as error:
        raise (no_terms() if _says_no_terms(error) else error) from error
    return Prepared(columns, features, rows)


def _columns(candidate: Candidate, rows: Rows, schema: Schema) -> ColumnTransformer:
    """Return the unfitted step that makes numbers of the one column of texts."""
    texts = rows.frame[schema.strings[0].name].tolist()
    vectorizer = make_vectorizer(complete(candidate.vectorizer), words_of(texts))
    # The column goes by its place: a compiled model has one block of texts and no column names.
    return ColumnTransformer([(TEXT, vectorizer, 0)], sparse_threshold=1.0)


def _says_no_terms(error: ValueError) -> bool:
    return any(what in str(error) for what in ("no terms remain", "empty vocabulary", "max_df"))


def calibration_folds(target: NDArray[Any], schema: Schema, groups: NDArray[Any] | None) -> Folds:
    """Return how rows are divided to calibrate on: so that a group is whole, if that leaves no class out.

    Raises `TooFewRowsError` as `rows_of_rarest` does.
    """
    count = max(2, min(CALIBRATION_FOLDS, rows_of_rarest(target, schema)))
    if groups is None or len(np.unique(groups)) < count:
        return count
    none = np.zeros(len(target))
    folds = list(StratifiedGroupKFold(count).split(none, target, groups))
    classes = set(schema.classes)
    return folds if all(set(target[fitted].tolist()) == classes for fitted, _ in folds) else count


def rows_of_rarest(target: NDArray[Any], schema: Schema) -> int:
    """Return how many rows the rarest class has; raises `TooFewRowsError` if one has fewer than two.

    One row cannot be held out and learnt at once, which calibration does.
    """
    counts = {label: int((target == label).sum()) for label in schema.classes}
    rarest = min(counts, key=lambda label: counts[label])
    if counts[rarest] < FEWEST:
        raise TooFewRowsError(f"The class {rarest!r} has {counts[rarest]} rows to fit on; it takes {FEWEST}.")
    return counts[rarest]
