"""A blend of the candidates that were tried: which of them, and with what weight, by what they answered.

Ensemble selection (Caruana, Niculescu-Mizil, Crew & Ksikes 2004): starting from nothing, the candidate whose
answers improve the mean most joins it, again and again, also one that is in it already; its weight is how
often it joined. It is done on rows that no candidate was fitted to answer. A blend costs as much as its
members together, so it is only worth having if it is better than the best of them by more than a standard
error of their paired difference.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_processor.statistics.measures import LOWER_IS_BETTER, prepare, value
from data_processor.tasks.blending import joint
from data_processor.tasks.comparison import Scorer, Tried, as_answers

CONSIDERED = 16
"""The best candidates, and the best of each estimator, may join."""
TURNS = 20
"""How often one joins: weights are multiples of a twentieth, or of a larger part."""
MOST_MEMBERS = 4
"""More members would answer more slowly for nothing that can be seen."""
MOST_CELLS = 200_000
"""Rows times classes that weights are chosen by: each turn measures every candidate on them."""

Floats = NDArray[np.float64]


def blend(tried: Sequence[Tried], scorer: Scorer) -> Tried | None:
    """Return the blend that answers the validation rows best, or None if it is not better than the best."""
    order = [one for one in scorer.ranked(tried) if scorer.metric in one.metrics]
    considered = _considered(order)
    if len(considered) < 2:  # noqa: PLR2004  # one alone is not a blend
        return None
    outputs = [one.outputs[0] for one in considered]
    some = slice(None, None, max(1, outputs[0].size // MOST_CELLS))
    weights = select([one[some] for one in outputs], scorer.some(some))
    if len(weights) < 2:  # noqa: PLR2004  # see above
        return None
    found = joint([considered[place] for place in weights], scorer, list(weights.values()))
    gains = scorer.losses(order[0].answers) - scorer.losses(found.answers)
    return found if gains.mean() > gains.std() / len(gains) ** 0.5 else None


def select(outputs: Sequence[Floats], scorer: Scorer) -> dict[int, float]:
    """Return the places of those that join a blend and their weights, which add up to 1."""
    sign, classes = (1.0 if scorer.metric in LOWER_IS_BETTER else -1.0), scorer.schema.classes

    def loss(together: Floats) -> float:
        prepared = prepare(scorer.metric, scorer.truth, as_answers(together, scorer.schema), classes)
        found = sign * value(prepared, len(scorer.truth))
        return found if np.isfinite(found) else np.inf

    total = np.zeros_like(outputs[0])
    joined: Counter[int] = Counter()
    best, best_joined = np.inf, joined.copy()
    for turn in range(1, TURNS + 1):
        allowed = joined.keys() if len(joined) >= MOST_MEMBERS else range(len(outputs))
        losses = {place: loss((total + outputs[place]) / turn) for place in allowed}
        place = min(losses, key=lambda one: losses[one])
        joined[place] += 1
        total = total + outputs[place]
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
