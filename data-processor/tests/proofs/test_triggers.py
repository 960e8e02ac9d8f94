"""The controller rarely sees a fall where there is none, and soon sees one where there is.

The figures are those of the statistics' *When to retrain*: window 200, threshold 0.80, 2 000 feedbacks.
"""

from collections.abc import Callable
from statistics import median

import numpy as np
from numpy.typing import NDArray

from data_processor.feedback.controller import Facts, decide
from data_processor.models.policy import Policy
from data_processor.statistics.score import Z_SHOWN

POLICY = Policy()
FEEDBACKS = 2_000

FactsOf = Callable[..., Facts]
Rate = Callable[[int, int, float], None]


def first_run(right: NDArray[np.bool_], facts: FactsOf, policy: Policy = POLICY) -> int | None:
    """Return after how many predictions with feedback the controller opens its first run, if it does."""
    total = np.concatenate([[0], np.cumsum(right)])
    for rated in range(policy.check_every, len(right) + 1, policy.check_every):
        n = min(rated, policy.window)
        seen = facts(int(total[rated] - total[rated - n]), n)
        if decide(seen, policy, checkpoint=True).open_run:
            return rated
    return None


def triggered(seeds: range, truth: float, facts: FactsOf, policy: Policy = POLICY) -> int:
    """Count the seeds in which a model of this true share is retrained within 2 000 predictions."""
    streams = (np.random.default_rng(seed).random(FEEDBACKS) < truth for seed in seeds)
    return sum(first_run(stream, facts, policy) is not None for stream in streams)


def test_a_model_at_the_threshold_is_retrained_in_7_of_100_cases(
    seeds: range, facts: FactsOf, about: Rate
) -> None:
    about(triggered(seeds, 0.80, facts), len(seeds), 0.07)


def test_a_model_a_little_above_the_threshold_is_retrained_in_one_of_200_cases(
    seeds: range, facts: FactsOf, about: Rate
) -> None:
    about(triggered(seeds, 0.82, facts), len(seeds), 0.005)


def test_a_model_that_answers_0_70_is_found_out_after_150_predictions_with_feedback(
    seeds: range, facts: FactsOf, at_most: Rate, at_least: Rate
) -> None:
    """The median: half of them by 150, and not by the checkpoint before."""
    found = [first_run(np.random.default_rng(seed).random(FEEDBACKS) < 0.70, facts) for seed in seeds]
    after = [rated for rated in found if rated is not None]
    assert len(after) == len(seeds)
    at_least(sum(rated <= 150 for rated in after), len(seeds), 0.5)
    at_most(sum(rated <= 100 for rated in after), len(seeds), 0.5)


def test_a_fall_from_0_85_to_0_70_is_seen_within_a_window(seeds: range, facts: FactsOf) -> None:
    seen = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        right = np.concatenate([rng.random(400) < 0.85, rng.random(FEEDBACKS) < 0.70])
        seen.append((first_run(right, facts) or len(right)) - 400)
    assert median(seen) <= POLICY.window


def test_consulting_the_shown_interval_all_the_time_fails_two_thirds_of_models_at_the_threshold(
    seeds: range, facts: FactsOf, about: Rate
) -> None:
    """Why z = 3 at every 50th: the 95 % interval, consulted after each prediction with feedback."""
    eager = Policy(trigger_z=Z_SHOWN, check_every=1)
    about(triggered(seeds, 0.80, facts, eager), len(seeds), 0.66)
