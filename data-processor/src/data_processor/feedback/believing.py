"""Which number to believe, in words: the score of asked or of volunteered feedback, or the estimate."""

from typing import Literal

from data_processor.feedback.estimates import Estimate
from data_processor.models.policy import Policy
from data_processor.statistics.phrases import percent
from data_processor.statistics.score import Score

Believed = Literal["asked", "volunteered", "estimate", "none"]


def believe(score: Score, estimated: Estimate, policy: Policy) -> tuple[Believed, str]:
    """Return which number to believe and why."""
    enough = score.deciding.n >= policy.min_feedback
    if score.by_asked:
        chosen: Believed = "asked"
        why = "Believe the feedback that was asked for: those predictions were drawn at random."
    elif enough:
        chosen = "volunteered"
        why = (
            "Believe the volunteered feedback, with care: people choose what they give it on, often what "
            "went wrong. With an ask rate, the platform chooses at random."
        )
    elif estimated.found is not None:
        chosen = "estimate"
        why = f"Believe the estimate for now: there is too little feedback. {estimated.reason}"
    else:
        return (
            "none",
            f"There is no number to believe yet: too little feedback, and no estimate. {estimated.reason}",
        )
    return chosen, " ".join(filter(None, (why, _contradiction(score, estimated) if enough else "")))


def _contradiction(score: Score, estimated: Estimate) -> str:
    """Say what it means if feedback and estimate exclude each other."""
    interval, found = score.deciding.interval(), estimated.found
    if interval is None or found is None:
        return ""
    if found.low > interval[1]:
        return (
            f"The estimate of {percent(found.value)} is higher than feedback allows: the relation between "
            "inputs and target has probably changed, which no estimate can see."
        )
    if found.high < interval[0]:
        return (
            f"The estimate of {percent(found.value)} is lower than feedback allows: the predictions with "
            "feedback may be the easier ones."
        )
    return ""
