"""When to retrain: what the controller concludes from the score, and why, in words.

It looks only at every `policy.check_every`-th new judged prediction and decides by an interval of z = 3, not
by the 95 % that is shown: whoever looks often at a narrow interval soon sees a fall where there is none. It
opens a run if and only if

1. enough is judged: n ≥ `min_feedback`;
2. the upper bound of the score at `trigger_z` is below `threshold`;
3. no run is open, and the last one ended `cooldown_s` ago;
4. `min_new_labels` labelled rows are newer than the champion's snapshot and, after a `hold`, as many deciding
   rows as the gate asked for, at most twice those it had: so a falling model is retried a logarithmic number
   of times;
5. the breaker is closed.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from data_processor.features.holdout import VALIDATION_FROM
from data_processor.models.policy import Policy
from data_processor.statistics.score import Score, Share

ModelState = Literal["collecting", "healthy", "degraded", "retraining", "watching", "paused"]
Outcome = Literal["promote", "hold", "reject", "failed", "cancelled"]
"""How a run ended: by its gate's verdict, or before it."""

GATE_SHARE = VALIDATION_FROM
"""The share of labelled recent rows that the gate decides on; the others are for choosing."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Hold:
    """The last gate against the present champion did not decide."""

    rows: int
    """The deciding rows it had."""
    needed: int | None
    """The deciding rows it asked for; none if it saw no gain."""

    @property
    def rows_wanted(self) -> int:
        """How many deciding rows the next gate should have."""
        return min(self.needed or 2 * self.rows, 2 * self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the controller must know of a model, beside its policy."""

    version: str
    """The version that the stage serves, whose score it is."""
    score: Score
    was_degraded: bool
    """Whether the last look found the version degraded."""
    open_run: str | None
    """The id of the open training run."""
    idle_s: float | None
    """Seconds since the last retraining run ended; none if there was none."""
    new_labels: int
    """Labelled predictions that are newer than the champion's snapshot, counted up to what is wanted."""
    hold: Hold | None
    """What the last gate against this champion said, if it was a `hold`."""
    breaker: str | None
    """Why the breaker is open, if it is."""
    predecessor: str | None
    """The version that this one is being watched against, after its promotion."""
    enabled: bool
    """Whether this stage opens runs by itself."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the controller concludes."""

    state: ModelState
    open_run: bool
    """Open a run now; only a look at a checkpoint does."""
    reason: str
    degraded: bool
    """Whether the score is degraded, whatever the state shows: remembered until the next look."""


def decide(facts: Facts, policy: Policy, *, checkpoint: bool) -> Decision:
    """Conclude what state a model is in and, at a checkpoint, whether a run is to be opened."""
    share = facts.score.deciding
    enough = share.n >= policy.min_feedback
    fallen = enough and _upper(facts.score, policy) < policy.threshold
    recovered = enough and _clears(share, policy)
    degraded = fallen or (facts.was_degraded and not recovered)
    missing = _missing(facts, policy) if fallen else []
    possible = facts.open_run is None and facts.breaker is None and not missing
    opening = checkpoint and fallen and possible
    state = _state(facts, enough=enough, degraded=degraded, opening=opening)
    sentences = [_judged(facts, policy)]
    if fallen:
        sentences += [_bound(facts, policy), _next(facts, missing, opening=opening)]
    elif enough:
        sentences += [_doubt(facts, policy, degraded=degraded), _now(facts)]
    else:
        sentences += [_now(facts)]
    sentences.append(facts.score.remark)
    return Decision(state, opening, " ".join(filter(None, sentences)), degraded)


def labels_wanted(hold: Hold | None, policy: Policy) -> int:
    """Return how many labelled rows, newer than the champion's snapshot, a run needs."""
    for_gate = math.ceil(hold.rows_wanted / GATE_SHARE) if hold else 0
    return max(policy.min_new_labels, for_gate)


def tripped(outcomes: Iterable[Outcome], policy: Policy) -> str | None:
    """Say why the breaker is open, given how the controller's runs ended, newest first; None if it is closed.

    A `hold` and a cancelled run do not count, neither for nor against.
    """
    bad: list[Outcome] = []
    for outcome in outcomes:
        if outcome == "promote" or len(bad) == policy.breaker_after:
            break
        if outcome in ("reject", "failed"):
            bad.append(outcome)
    if len(bad) < policy.breaker_after:
        return None
    ended = ", ".join(reversed(bad))
    return (
        f"Retraining is paused: the last {len(bad)} runs ended in {ended}. "
        "A maintainer may resume it; a new dataset version does too."
    )


def _clears(share: Share, policy: Policy) -> bool:
    """Say whether `degraded` clears (the statistics' *When to retrain*): at threshold + margin it does not.

    Of a threshold so high that no share exceeds it by the margin, a perfect score is enough.
    """
    above = share.right - share.n * (policy.threshold + policy.recovery_margin)
    return above > _ROUNDING or share.right == share.n


def _state(facts: Facts, *, enough: bool, degraded: bool, opening: bool) -> ModelState:
    if facts.open_run or opening:
        return "retraining"
    if facts.breaker:
        return "paused"
    if enough and degraded:
        return "degraded"
    if facts.predecessor:
        return "watching"
    return "healthy" if enough else "collecting"


def _missing(facts: Facts, policy: Policy) -> list[str]:
    """Name every condition for a run that is not met, except open runs and breakers: states of their own."""
    missing = []
    if not facts.enabled:
        missing.append("this stage does not open runs by itself")
    if facts.idle_s is not None and facts.idle_s < policy.cooldown_s:
        left = math.ceil(policy.cooldown_s - facts.idle_s)
        missing.append(f"the cooldown after the last run has {left} s to go")
    if facts.new_labels < policy.min_new_labels:
        missing.append(
            f"{facts.new_labels} of {policy.min_new_labels} labelled rows are newer than "
            f"what version {facts.version} was trained on"
        )
    if facts.hold and facts.new_labels < labels_wanted(facts.hold, policy):
        missing.append(
            f"the last gate held with {facts.hold.rows} rows and the next should have "
            f"{facts.hold.rows_wanted}, about {int(facts.new_labels * GATE_SHARE)} are in"
        )
    return missing


def _next(facts: Facts, missing: list[str], *, opening: bool) -> str:
    """Say what follows from a score that has fallen."""
    if opening:
        return "A retraining run is opened."
    if facts.open_run is None and facts.breaker is None:
        return (
            f"No run is opened: {'; '.join(missing)}." if missing else "A run opens at the next checkpoint."
        )
    return _now(facts)


def _now(facts: Facts) -> str:
    """Say what is going on, if anything is."""
    if facts.open_run:
        return f"Run {facts.open_run} is open."
    if facts.breaker:
        return facts.breaker
    return f"It is being watched against version {facts.predecessor}." if facts.predecessor else ""


def _judged(facts: Facts, policy: Policy) -> str:
    share = facts.score.deciding
    asked = "asked " if facts.score.by_asked else ""
    interval = share.interval()
    if share.n < policy.min_feedback or interval is None:
        return (
            f"Version {facts.version} has {share.n} of the {policy.min_feedback} judged predictions "
            "that its score needs."
        )
    low, high = interval
    return (
        f"{share.right} of the last {share.n} {asked}judged predictions of version {facts.version} were "
        f"right: {share.value:.3f}, 95 % interval {low:.3f} to {high:.3f}; the threshold is "
        f"{policy.threshold:.3g}."
    )


def _bound(facts: Facts, policy: Policy) -> str:
    upper = _upper(facts.score, policy)
    return f"Its upper bound at z = {policy.trigger_z:g} is {upper:.3f}, below the threshold."


def _doubt(facts: Facts, policy: Policy, *, degraded: bool) -> str:
    """Say why a score that the trigger does not call fallen is not simply healthy, if it is not."""
    if degraded:
        clears = policy.threshold + policy.recovery_margin
        return f"It was degraded, which clears when it is above {clears:.3g}."
    if (facts.score.deciding.value or 0.0) >= policy.threshold:
        return ""
    upper = _upper(facts.score, policy)
    return (
        f"It is below, but chance may explain it: the upper bound at z = {policy.trigger_z:g} is {upper:.3f}."
    )


def _upper(score: Score, policy: Policy) -> float:
    interval = score.deciding.interval(policy.trigger_z)
    return interval[1] if interval else 1.0
