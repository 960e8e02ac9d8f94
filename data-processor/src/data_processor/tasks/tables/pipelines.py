"""From a candidate and rows to a fitted pipeline: rows chosen and weighted, columns prepared, fitted, asked.

A blend is fitted member by member, each as the candidate that it is, and answers with the weighted mean of
what its members say (Caruana et al. 2004, who choose members and weights as `blending.py` does).
"""

from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelEncoder
from threadpoolctl import threadpool_limits

from data_processor.features.schema import Schema
from data_processor.features.split import Rows
from data_processor.tasks.candidates import BLEND, Candidate, RecentShare, family_of, members_of
from data_processor.tasks.tables.columns import Shape, TooFewRowsError, complete, make_columns, make_imputer

Floats = NDArray[np.float64]

_OWN_THREADS = Lock()
MANY_ROWS = 200_000
"""From so many rows on, a fit uses all threads that the environment gives it."""


def fit(candidate: Candidate, rows: Rows, schema: Schema, seed: int) -> Pipeline:
    """Fit a candidate on rows, the recent ones among them weighted by its `recent_share`.

    Raises `TooFewRowsError` if a class of the schema does not occur, or nothing is left to learn from.
    """
    if schema.task == "text-classification":
        from data_processor.tasks.texts.pipeline import fit_texts  # noqa: PLC0415  # it imports this module

        return fit_texts(candidate, rows, schema, seed)
    if candidate.estimator == BLEND:
        return _blend(candidate, rows, schema, seed)
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
    pipeline = Pipeline(
        [
            ("columns", columns),
            *([("impute", make_imputer())] if fill else []),
            ("model", family.make(candidate.params, seed)),
        ]
    )
    with _alone(pipeline), _few_threads(len(rows)):
        pipeline.fit(rows.frame, rows.target, model__sample_weight=weights)
    model = pipeline.named_steps["model"]
    if "n_jobs" in model.get_params():
        model.set_params(n_jobs=None)  # threads pay off in fitting; asked for one row they cost milliseconds
    return pipeline


def rows_for(candidate: Candidate, rows: Rows, schema: Schema) -> Rows:
    """Return the rows that a candidate is fitted on, of those it may be fitted on."""
    if candidate.recent_share == "only":
        rows = rows.take(rows.recent)
    return complete(rows, schema, candidate.preparation)


def answer(pipeline: Pipeline, frame: pd.DataFrame) -> Floats:
    """Return what a fitted pipeline says: probabilities (rows, classes), or values (rows, 1)."""
    with _alone(pipeline), _few_threads(len(frame)):
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


def blended(pipeline: Pipeline) -> tuple[list[Pipeline], list[float]]:
    """Return the members of a blend and their weights; a pipeline that is none is its only member."""
    model = pipeline.named_steps["model"]
    if isinstance(model, (VotingClassifier, VotingRegressor)):
        return list(model.estimators_), [float(weight) for weight in model.weights]
    return [pipeline], [1.0]


def _blend(candidate: Candidate, rows: Rows, schema: Schema, seed: int) -> Pipeline:
    """Fit the members, and join them as scikit-learn's voting estimators do that fitted theirs."""
    members = members_of(candidate)
    fitted = [fit(member, rows, schema, seed) for member, _ in members]
    named = [
        (f"{place}-{member.estimator}", one)
        for place, ((member, _), one) in enumerate(zip(members, fitted, strict=True))
    ]
    weights = [weight for _, weight in members]
    if schema.classes:
        model: Any = VotingClassifier(named, voting="soft", weights=weights)
        model.le_ = LabelEncoder().fit(np.asarray(schema.classes, object))
        model.classes_ = model.le_.classes_
    else:
        model = VotingRegressor(named, weights=weights)
    model.estimators_ = fitted
    return Pipeline([("model", model)])


def _alone(pipeline: Pipeline) -> AbstractContextManager[object]:
    """Wait until no other thread uses scikit-learn's own threads.

    It hands them this process's warning filters by way of a global: two at a time lose each other's, and say
    so for every tree. Who has such threads has every core anyway.
    """
    models = [member.steps[-1][1] for member in blended(pipeline)[0]]
    own = any("n_jobs" in model.get_params(deep=False) for model in models)
    return _OWN_THREADS if own else nullcontext()


def _few_threads(rows: int) -> AbstractContextManager[object]:
    """Keep OpenMP and BLAS to one thread on small tables.

    Boosting 24 000 rows takes 0.44 s with one thread and 0.34 s with two on an idle machine; where somebody
    else has one of the cores, the threads wait for each other and two take 2 to 20 s.
    """
    limit: AbstractContextManager[object] = threadpool_limits(limits=None if rows >= MANY_ROWS else 1)
    return limit


def _require(rows: Rows, schema: Schema) -> None:
    if not len(rows):
        raise TooFewRowsError("There is no row to fit on.")
    absent = sorted(set(schema.classes) - set(rows.target.tolist()))
    if absent:
        raise TooFewRowsError(f"No row to fit on has the class {', '.join(map(repr, absent))}.")
