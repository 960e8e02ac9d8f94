"""Several candidates for texts that answer together: the mean of their probabilities, each counting alike.

Words and pieces of words see different things, and which of two candidates is better can hardly be told from
a few hundred texts: a mean of both is steadier than a choice. Weights are not fitted, as there is nothing
left to fit them to.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_processor.tasks.candidates import BLEND, Candidate
from data_processor.training.leaderboard import Tried, as_answers, ranked
from data_processor.training.texts.measuring import Measured

SIZES = (2, 3)
"""How many candidates are blended: the best ones that differ in estimator or vectorizer."""

Said = NDArray[np.float64]
"""What a candidate said, shape (divisions, rows, classes)."""


def blend(tried: Sequence[Tried], said: Sequence[Said], measured: Measured) -> Tried | None:
    """Return the best blend of candidates that is better than each of them, if there is one.

    `said` has what each said in all divisions of the same rows.
    """
    divisions = max(map(len, said))
    whole = [one for one, what in zip(tried, said, strict=True) if len(what) == divisions]
    order = [one for one in ranked(whole, measured.metric) if measured.metric in one.metrics]
    places = {id(one): place for place, one in enumerate(tried)}
    best: dict[Any, Tried] = {}
    for one in order:
        best.setdefault((one.candidate.estimator, getattr(one.candidate.vectorizer, "name", None)), one)
    chosen = list(best.values())
    made = [
        _joint(chosen[:size], [said[places[id(one)]] for one in chosen[:size]], measured)
        for size in SIZES
        if len(chosen) >= size
    ]
    first = next(iter(ranked([*order[:1], *made], measured.metric)), None)
    return first if first in made else None


def _joint(members: Sequence[Tried], said: Sequence[Said], measured: Measured) -> Tried:
    together = np.mean(said, axis=0)
    shared = {"recent_share", "preparation"}
    return Tried(
        candidate=Candidate(
            estimator=BLEND,
            params={"members": [one.candidate.model_dump(mode="json", exclude=shared) for one in members]},
            recent_share=members[0].candidate.recent_share,
        ),
        answers=as_answers(together.mean(axis=0), measured.schema),
        metrics=measured.of(together),
        fit_seconds=sum(one.fit_seconds for one in members),
        ms_per_row=sum(one.ms_per_row for one in members),
        bytes=sum(one.bytes for one in members),
    )
