"""Fitting a candidate, whatever its task.

A blend is fitted member by member, each as the candidate that it is, and answers with the weighted mean of
what its members say (Caruana et al. 2004, who choose members and weights as `blending.py` does).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelEncoder

from data_processor.features.schema import Schema
from data_processor.features.split import Rows
from data_processor.tasks.candidates import BLEND, Candidate, members_of
from data_processor.tasks.registry import row_task_of


def fit(candidate: Candidate, rows: Rows, schema: Schema, seed: int) -> Pipeline:
    """Fit a candidate on rows, the recent ones among them weighted by its `recent_share`.

    Raises `TooFewRowsError` if a class of the schema does not occur, or nothing is left to learn from.
    """
    learner = row_task_of(schema.task).learner
    if candidate.estimator != BLEND:
        return learner.fit(candidate, rows, schema, seed)
    members = members_of(candidate)
    fitted = [learner.fit(member, rows, schema, seed) for member, _ in members]
    return _join(fitted, [weight for _, weight in members], schema)


def _join(fitted: Sequence[Pipeline], weights: list[float], schema: Schema) -> Pipeline:
    """Return fitted members as the voting estimator that scikit-learn would have fitted."""
    named = [(f"member-{place}", one) for place, one in enumerate(fitted)]
    if schema.classes:
        model: Any = VotingClassifier(named, voting="soft", weights=weights)
        model.le_ = LabelEncoder().fit(np.asarray(schema.classes, object))
        model.classes_ = model.le_.classes_
    else:
        model = VotingRegressor(named, weights=weights)
    model.estimators_ = list(fitted)
    return Pipeline([("model", model)])
