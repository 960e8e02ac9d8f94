"""Under a drift that never ends, the loop works at a bounded rate, and stops where it does not help."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from data_processor.feedback.controller import GATE_SHARE, Facts, Hold, Outcome, decide, tripped
from data_processor.models.policy import Policy

POLICY = Policy()
DAY_S = 86_400
DAYS = 3
FEEDBACK_S = 20.0
"""One prediction with feedback every 20 s."""
RUN_S = 120.0
OUTCOMES: tuple[Outcome, ...] = ("promote", "hold", "reject", "failed")

FactsOf = Callable[..., Facts]


def live(seed: int, odds: tuple[float, float, float, float], facts: FactsOf) -> list[tuple[float, Outcome]]:
    """Live through three days in which every model answers 0.6; return the runs that were opened."""
    rng = np.random.default_rng(seed)
    runs: list[tuple[float, Outcome]] = []
    rated = labels = 0
    hold, busy_until = None, -1.0
    for checkpoint in range(1, int(DAYS * DAY_S / FEEDBACK_S / POLICY.check_every)):
        now = checkpoint * POLICY.check_every * FEEDBACK_S
        rated, labels = rated + POLICY.check_every, labels + POLICY.check_every
        n = min(rated, POLICY.window)
        seen = facts(
            int(rng.binomial(n, 0.6)),
            n,
            new_labels=labels,
            hold=hold,
            open_run="r" if now < busy_until else None,
            idle_s=now - busy_until if runs else None,
            circuit_breaker=tripped((outcome for _, outcome in reversed(runs)), POLICY),
        )
        if not decide(seen, POLICY, checkpoint=True).open_run:
            continue
        outcome = OUTCOMES[rng.choice(4, p=odds)]
        runs.append((now, outcome))
        busy_until = now + RUN_S
        hold = Hold(math.floor(labels * GATE_SHARE), None) if outcome == "hold" else None
        if outcome == "promote":
            rated = labels = 0
    return runs


@pytest.mark.parametrize("odds", [(1, 0, 0, 0), (0.5, 0.3, 0.1, 0.1), (0.25, 0.25, 0.25, 0.25)])
def test_runs_a_day_are_bounded_by_the_cooldown(
    seeds: range, facts: FactsOf, odds: tuple[float, float, float, float]
) -> None:
    pause = POLICY.cooldown_s + RUN_S
    for seed in seeds:
        opened = [now for now, _ in live(seed, odds, facts)]
        assert all(later - earlier >= pause for earlier, later in pairwise(opened))
        assert max(np.histogram(opened, DAYS, (0, DAYS * DAY_S))[0], default=0) <= DAY_S / pause + 1


def test_three_rejected_or_failed_runs_are_the_last(seeds: range, facts: FactsOf) -> None:
    for seed in seeds:
        assert len(live(seed, (0, 0, 0.7, 0.3), facts)) == POLICY.breaker_after


def test_holds_become_rare(seeds: range, facts: FactsOf) -> None:
    """Each waits for twice the rows of the one before: 12 960 labels in three days bring at most nine."""
    labels = DAYS * DAY_S / FEEDBACK_S
    bound = 1 + math.log2(labels / POLICY.check_every)
    for seed in seeds:
        assert 3 <= len(live(seed, (0, 1, 0, 0), facts)) <= bound


def test_without_the_rules_there_would_be_a_run_at_every_checkpoint(facts: FactsOf) -> None:
    careless = decide(facts(120, 200, new_labels=25), POLICY, checkpoint=True)
    assert careless.open_run
