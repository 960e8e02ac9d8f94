"""Candidates that answer together, as one candidate."""

from collections.abc import Sequence

import numpy as np

from data_processor.tasks.candidates import BLEND, Candidate
from data_processor.tasks.comparison import Scorer, Tried


def joint(members: Sequence[Tried], scorer: Scorer, weights: Sequence[float] | None = None) -> Tried:
    """Return the weighted mean of what some candidates answer; without weights all count alike."""
    first = members[0].candidate
    shared = {"recent_share": first.recent_share, "preparation": first.preparation}
    described = [one.candidate.model_dump(mode="json", exclude=set(shared)) for one in members]
    if weights is not None:
        described = [{**one, "weight": weight} for one, weight in zip(described, weights, strict=True)]
    return scorer.tried(
        Candidate(estimator=BLEND, params={"members": described}, **shared),
        np.average([one.outputs for one in members], axis=0, weights=weights),
        fit_seconds=sum(one.fit_seconds for one in members),
        ms_per_row=sum(one.ms_per_row for one in members),
        bytes=sum(one.bytes for one in members),
    )
