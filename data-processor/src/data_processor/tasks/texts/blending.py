"""Several candidates for texts that answer together: the mean of their probabilities, each counting alike.

Words and pieces of words see different things, and which of two candidates is better can hardly be told from
a few hundred texts: a mean of both is steadier than a choice. Weights are not fitted, as there is nothing
left to fit them to.
"""

from collections.abc import Sequence

from data_processor.tasks.blending import joint
from data_processor.tasks.comparison import Scorer, Tried

SIZES = (2, 3)
"""How many candidates are blended: the best ones that differ in estimator or vectorizer."""


def blend(tried: Sequence[Tried], scorer: Scorer) -> Tried | None:
    """Return the best blend of candidates that is better than each of them, if there is one.

    Only those take part that were measured by as many divisions of the rows as any other.
    """
    divisions = max(len(one.outputs) for one in tried)
    whole = [one for one in tried if len(one.outputs) == divisions and scorer.metric in one.metrics]
    order = scorer.ranked(whole)
    kinds: dict[tuple[str, str | None], Tried] = {}
    for one in order:
        vectorizer = one.candidate.vectorizer
        kinds.setdefault((one.candidate.estimator, vectorizer.name if vectorizer else None), one)
    best = list(kinds.values())
    made = [joint(best[:size], scorer) for size in SIZES if len(best) >= size]
    first = next(iter(scorer.ranked([*order[:1], *made])), None)
    return first if first in made else None
