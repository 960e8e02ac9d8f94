"""When to retrain: what the controller concludes from the score, and why, in words.

It evaluates the score only at checkpoints, which come with every `policy.check_every`-th prediction that gets
its first feedback, and it decides by an interval of z = 3, not by the 95 % that is shown: whoever often
consults a narrow interval soon sees a fall where there is none. It opens a run if and only if

1. there is enough feedback: n ≥ `min_feedback`;
2. the upper bound of the score at `trigger_z` is below `threshold`;
3. no run is open, and the last one ended `cooldown_s` ago;
4. `min_new_labels` labelled rows are newer than the champion's snapshot and, after a `hold`, there are as
   many test rows as the gate asked for, at most twice those it had: so a falling model is retried a
   logarithmic number of times;
5. the circuit breaker is closed.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from data_processor.features.holdout import VALIDATION_FROM
from data_processor.models.policy import Policy
from data_processor.statistics.phrases import percent
from data_processor.statistics.score import Score, Share

ModelState = Literal["collecting", "healthy", "degraded", "retraining", "watching", "paused"]
Outcome = Literal["promote", "hold", "reject", "failed", "cancelled"]
"""How a run ended: by its gate's verdict, or before it."""

GATE_SHARE = VALIDATION_FROM
"""The share of labelled recent rows that are test rows of the gate; the others are validation rows."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Hold:
    """The last gate against the present champion did not lead to a promotion."""

    rows: int
    """The test rows it had."""
    needed: int | None
    """The test rows it asked for; none if it saw no gain."""
    waiting: str | None = None
    """The version that the gate accepted, if it waits for a maintainer because of whose labels decided."""

    @property
    def rows_wanted(self) -> int:
        """How many test rows the next gate should have."""
        return min(self.needed or 2 * self.rows, 2 * self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the controller must know about a model, beside its policy."""

    version: str
    """The version that the stage serves, whose score it is."""
    score: Score
    was_degraded: bool
    """Whether the last evaluation found the version degraded."""
    open_run: str | None
    """The id of the open training run."""
    idle_s: float | None
    """Seconds since the last retraining run ended; none if there was none."""
    new_labels: int
    """Labelled predictions that are newer than the champion's snapshot, counted up to what is wanted."""
    hold: Hold | None
    """The last gate against this champion, if its verdict was `hold`."""
    circuit_breaker: str | None
    """Why the circuit breaker is open, if it is."""
    predecessor: str | None
    """The version that this one is being watched against, after its promotion."""
    enabled: bool
    """Whether this stage opens runs automatically."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the controller concludes."""

    state: ModelState
    open_run: bool
    """Open a run now; only an evaluation at a checkpoint does."""
    reason: str
    degraded: bool
    """Whether the score is degraded, whatever the state shows: remembered until the next evaluation."""


def decide(facts: Facts, policy: Policy, *, checkpoint: bool) -> Decision:
    """Conclude what state a model is in and, at a checkpoint, whether a run is to be opened."""
    share = facts.score.deciding
    enough = share.n >= policy.min_feedback
    fallen = enough and _upper(facts.score, policy) < policy.threshold
    recovered = enough and _clears(share, policy)
    degraded = fallen or (facts.was_degraded and not recovered)
    missing = _missing(facts, policy) if fallen else []
    possible = facts.open_run is None and facts.circuit_breaker is None and not missing
    opening = checkpoint and fallen and possible
    state = _state(facts, enough=enough, degraded=degraded, opening=opening)
    sentences = [_measured(facts, policy)]
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
    """Say why the circuit breaker is open, if it is, given how the controller's runs ended, newest first.

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
        f"The circuit breaker has paused retraining: the last {len(bad)} runs ended as {ended}. "
        "A maintainer can resume it; uploading a new version of the dataset also does."
    )


def _clears(share: Share, policy: Policy) -> bool:
    """Say whether `degraded` clears (the statistics' *When to retrain*): at threshold + margin it does not.

    With a threshold so high that no share exceeds it by the margin, a perfect score is enough.
    """
    above = share.right - share.n * (policy.threshold + policy.recovery_margin)
    return above > _ROUNDING or share.right == share.n


def _state(facts: Facts, *, enough: bool, degraded: bool, opening: bool) -> ModelState:
    if facts.open_run or opening:
        return "retraining"
    if facts.circuit_breaker:
        return "paused"
    if enough and degraded:
        return "degraded"
    if facts.predecessor:
        return "watching"
    return "healthy" if enough else "collecting"


def _missing(facts: Facts, policy: Policy) -> list[str]:
    """Name each condition for a run that is not met; an open run or circuit breaker is a state of its own."""
    missing = []
    if not facts.enabled:
        missing.append("this stage does not open runs automatically")
    if facts.idle_s is not None and facts.idle_s < policy.cooldown_s:
        left = math.ceil(policy.cooldown_s - facts.idle_s)
        missing.append(f"the cooldown after the last run has {left} s to go")
    if facts.new_labels < policy.min_new_labels:
        missing.append(
            f"only {facts.new_labels} of the {policy.min_new_labels} labelled rows it takes are newer than "
            f"the data version {facts.version} was trained on"
        )
    if facts.hold and facts.new_labels < labels_wanted(facts.hold, policy):
        last = f"the last gate could not decide on {facts.hold.rows} test rows"
        if facts.hold.waiting:
            last = (
                f"version {facts.hold.waiting} passed the last gate, on {facts.hold.rows} test rows, but "
                "waits for a maintainer because of whose labels those are"
            )
        missing.append(
            f"{last}, the next should have {facts.hold.rows_wanted}, and there are about "
            f"{int(facts.new_labels * GATE_SHARE)}"
        )
    return missing


def _next(facts: Facts, missing: list[str], *, opening: bool) -> str:
    """Say what follows from a score that has fallen."""
    if opening:
        return "A retraining run has been opened."
    if facts.open_run is None and facts.circuit_breaker is None:
        return (
            f"No run is opened: {'; '.join(missing)}."
            if missing
            else "A run will be opened at the next checkpoint."
        )
    return _now(facts)


def _now(facts: Facts) -> str:
    """Say what is going on, if anything is."""
    if facts.open_run:
        return f"Run {facts.open_run} is open."
    if facts.circuit_breaker:
        return facts.circuit_breaker
    if facts.predecessor:
        return f"Version {facts.version} is being watched against version {facts.predecessor}."
    return ""


def _measured(facts: Facts, policy: Policy) -> str:
    share = facts.score.deciding
    interval = share.interval()
    if share.n < policy.min_feedback or share.value is None or interval is None:
        return (
            f"Version {facts.version} has {share.n} of the {policy.min_feedback} predictions with feedback "
            "that its score needs."
        )
    low, high = map(percent, interval)
    which = "that people were asked about" if facts.score.by_asked else "with feedback"
    return (
        f"{share.right} of the last {share.n} predictions of version {facts.version} {which} were right: "
        f"{percent(share.value)} (95 % interval {low} to {high}). The threshold is "
        f"{percent(policy.threshold)}."
    )


def _bound(facts: Facts, policy: Policy) -> str:
    upper = percent(_upper(facts.score, policy))
    return f"The upper bound at z = {policy.trigger_z:g} is {upper}, below the threshold."


def _doubt(facts: Facts, policy: Policy, *, degraded: bool) -> str:
    """Say why a score that the trigger does not call fallen is not simply healthy, if it is not."""
    if degraded:
        clears = percent(policy.threshold + policy.recovery_margin)
        return f"The score was degraded, and stays so until it rises above {clears}."
    if (facts.score.deciding.value or 0.0) >= policy.threshold:
        return ""
    upper = percent(_upper(facts.score, policy))
    return (
        f"That is below the threshold, but it may be chance: the upper bound at z = {policy.trigger_z:g} is "
        f"{upper}."
    )


def _upper(score: Score, policy: Policy) -> float:
    interval = score.deciding.interval(policy.trigger_z)
    return interval[1] if interval else 1.0
