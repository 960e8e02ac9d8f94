"""A blend of the candidates that were tried: which of them, and with what weight, by what they answered.

Ensemble selection (Caruana, Niculescu-Mizil, Crew & Ksikes 2004): starting from nothing, the candidate whose
answers improve the mean most joins it, again and again, also one that is in it already; its weight is how
often it joined. It is done on rows that no candidate was fitted to answer. A blend costs as much as its
members together, so it is only worth having if a paired comparison tells it from the best of them.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_processor.features.schema import Schema
from data_processor.statistics.measures import LOWER_IS_BETTER, Answers, SelectionMetric, prepare, value
from data_processor.tasks.candidates import BLEND, Candidate
from data_processor.training.leaderboard import Tried, as_answers, metrics, ranked, row_losses, tied

CONSIDERED = 16
"""The best candidates, and the best of each estimator, may join."""
TURNS = 12
"""How often one joins: weights are multiples of a twelfth."""
MOST_MEMBERS = 4
"""More members would answer more slowly for nothing that can be seen."""
MOST_CELLS = 200_000
"""Rows times classes that weights are chosen by: each turn measures every candidate on them."""

Floats = NDArray[np.float64]


def blend(
    tried: Sequence[Tried], metric: SelectionMetric, truth: NDArray[np.generic], schema: Schema
) -> Tried | None:
    """Return the blend that answers these rows best, or None if none is better than its best member."""
    order = [one for one in ranked(tried, metric) if metric in one.metrics]
    considered = _considered(order)
    if len(considered) < 2:  # noqa: PLR2004  # one alone is no blend
        return None
    said = [_said(one.answers) for one in considered]
    some = slice(None, None, max(1, said[0].size // MOST_CELLS))
    weights = select([one[some] for one in said], metric, truth[some], schema)
    if len(weights) < 2:  # noqa: PLR2004  # see above
        return None
    members = [(considered[place], weight) for place, weight in weights.items()]
    joint = np.sum([weight * said[place] for place, weight in weights.items()], axis=0)
    answers = as_answers(joint, schema)
    best = order[0]
    losses = [row_losses(metric, truth, one, schema) for one in (answers, best.answers)]
    if losses[0].mean() >= losses[1].mean() or tied(*losses):
        return None
    candidate = Candidate(
        estimator=BLEND,
        params={
            "members": [
                {"estimator": one.candidate.estimator, "params": one.candidate.params, "weight": weight}
                for one, weight in members
            ]
        },
        preparation=best.candidate.preparation,
    )
    return Tried(
        candidate=candidate,
        answers=answers,
        metrics=metrics(truth, answers, schema),
        fit_seconds=sum(one.fit_seconds for one, _ in members),
        ms_per_row=sum(one.ms_per_row for one, _ in members),
        bytes=sum(one.bytes for one, _ in members),
    )


def select(
    said: Sequence[Floats], metric: SelectionMetric, truth: NDArray[np.generic], schema: Schema
) -> dict[int, float]:
    """Return the places of those that join a blend and their weights, which add up to 1."""
    sign = 1.0 if metric in LOWER_IS_BETTER else -1.0

    def loss(answers: Floats) -> float:
        prepared = prepare(metric, truth, as_answers(answers, schema), schema.classes)
        found = sign * value(prepared, len(truth))
        return found if np.isfinite(found) else np.inf

    total = np.zeros_like(said[0])
    joined: Counter[int] = Counter()
    best, best_joined = np.inf, joined.copy()
    for turn in range(1, TURNS + 1):
        allowed = joined.keys() if len(joined) >= MOST_MEMBERS else range(len(said))
        losses = {place: loss((total + said[place]) / turn) for place in allowed}
        place = min(losses, key=lambda one: losses[one])
        joined[place] += 1
        total = total + said[place]
        if losses[place] < best:
            best, best_joined = losses[place], joined.copy()
    turns = sum(best_joined.values())
    return {place: times / turns for place, times in sorted(best_joined.items())}


def _considered(order: Sequence[Tried]) -> list[Tried]:
    """Return the best, and the best of each estimator."""
    seen: set[str] = set()
    found = []
    for place, one in enumerate(order):
        if place < CONSIDERED or one.candidate.estimator not in seen:
            found.append(one)
        seen.add(one.candidate.estimator)
    return found


def _said(answers: Answers) -> Floats:
    if answers.values is not None:
        return np.asarray(answers.values, np.float64)[:, None]
    return np.asarray(answers.probabilities, np.float64)
