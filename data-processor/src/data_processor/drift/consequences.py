"""What follows from a report: whether it is news, and whether it opens a training run.

People are told once of each feature that drifted under a version, and a run is opened once for it: the same
drift, found again in the next report, is no news. Beside that a run needs what one that a fallen score opens
needs, except the score: no open run, the cooldown over, new labels to learn from, a closed circuit breaker.
The gate then decides as always: drift alone never promotes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import ceil

from data_processor.feedback.controller import Facts
from data_processor.models.policy import Policy


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows from a report."""

    news: tuple[str, ...]
    """Features that drifted and that no earlier report on this version named."""
    open_run: bool
    reason: str


def conclude(drifted: Sequence[str], told: Collection[str], facts: Facts, policy: Policy) -> Consequence:
    """Conclude what follows from the features that drifted; `told` are those of earlier reports."""
    news = tuple(name for name in drifted if name not in told)
    if not drifted:
        return Consequence((), open_run=False, reason="")
    if not news:
        return Consequence((), open_run=False, reason="All of it was found under this version before.")
    if not policy.drift_run:
        return Consequence(news, open_run=False, reason="The policy opens no run on drift (drift_run).")
    if missing := _missing(facts, policy):
        return Consequence(news, open_run=False, reason=f"No run is opened: {'; '.join(missing)}.")
    return Consequence(news, open_run=True, reason="A training run has been opened.")


def _missing(facts: Facts, policy: Policy) -> list[str]:
    missing = []
    if not facts.enabled:
        missing.append("this stage does not open runs automatically")
    if facts.open_run is not None:
        missing.append(f"run {facts.open_run} is open")
    if facts.circuit_breaker is not None:
        missing.append("the circuit breaker has paused retraining")
    if facts.idle_s is not None and facts.idle_s < policy.cooldown_s:
        missing.append(
            f"the cooldown after the last run has {ceil(policy.cooldown_s - facts.idle_s)} s to go"
        )
    if facts.new_labels < policy.min_new_labels:
        missing.append(
            f"only {facts.new_labels} of the {policy.min_new_labels} labelled rows it takes are newer than "
            f"the data version {facts.version} was trained on"
        )
    return missing
