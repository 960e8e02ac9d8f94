"""What is done alike with every fitted pipeline: asked, taken apart into its members, its rows weighted."""

from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from data_processor.tasks.candidates import RecentShare

Floats = NDArray[np.float64]

_OWN_THREADS = Lock()
MANY_ROWS = 200_000
"""From so many rows on, a fit uses all threads that the environment gives it."""


def answer(pipeline: Pipeline, frame: pd.DataFrame) -> Floats:
    """Return what a fitted pipeline says: probabilities (rows, classes), or values (rows, 1)."""
    with alone(pipeline), few_threads(len(frame)):
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


def estimator_of(pipeline: Pipeline) -> Any:
    """Return the estimator that a pipeline ends with, without what centres its target: fitted, if it is."""
    model = pipeline.steps[-1][1]
    return getattr(model, "regressor_", getattr(model, "regressor", model))


def alone(pipeline: Pipeline) -> AbstractContextManager[object]:
    """Wait until no other thread uses scikit-learn's own threads.

    It hands them this process's warning filters by way of a global: two at a time lose each other's, and say
    so for every tree. Who has such threads has every core anyway.
    """
    models = [estimator_of(member) for member in blended(pipeline)[0]]
    own = any("n_jobs" in model.get_params(deep=False) for model in models)
    return _OWN_THREADS if own else nullcontext()


def few_threads(rows: int) -> AbstractContextManager[object]:
    """Keep OpenMP and BLAS to one thread on small tables.

    Boosting 24 000 rows takes 0.44 s with one thread and 0.34 s with two on an idle machine; where somebody
    else has one of the cores, the threads wait for each other and two take 2 to 20 s.
    """
    limit: AbstractContextManager[object] = threadpool_limits(limits=None if rows >= MANY_ROWS else 1)
    return limit
