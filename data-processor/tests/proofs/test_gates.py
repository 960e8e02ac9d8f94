"""The gate lets an equal model pass in one of twenty sequences at most, and a better one in most."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from data_processor.feedback.controller import Facts, Hold, Outcome, decide, tripped
from data_processor.models.policy import Policy
from data_processor.statistics import gate
from data_processor.statistics.gate import Answers, Receipt
from data_processor.statistics.paired import FEWEST_ROWS

POLICY = Policy(cooldown_s=0)
CLASSES = ("no", "yes")
GATE_SHARE = 0.7

Rate = Callable[[int, int, float], None]
Flags = NDArray[np.bool_]


def meet(champion: Flags, challenger: Flags, k: int) -> Receipt:
    """Hold the k-th gate between two models that were right on these rows."""
    truth = np.resize(np.array(CLASSES, object), len(champion))
    other = truth[::-1] if len(truth) % 2 == 0 else np.where(truth == "no", "yes", "no").astype(object)
    said = [Answers(labels=np.where(right, truth, other)) for right in (champion, challenger)]
    return gate.decide(
        slice="recent",
        labels=truth,
        champion=said[0],
        challenger=said[1],
        metric="accuracy",
        policy=POLICY,
        k=k,
        seed=k,
        classes=CLASSES,
    )


def alike(rng: np.random.Generator, champion: Flags, share: float, overlap: float) -> Flags:
    """Return the answers of another model: on `overlap` of the rows the champion's, else right by chance."""
    own = rng.random(len(champion)) < share
    return np.where(rng.random(len(champion)) < overlap, champion, own)


@pytest.mark.parametrize("overlap", [0.0, 0.6])
def test_equal_models_pass_in_at_most_5_of_100_sequences_of_gates(
    seeds: range, at_most: Rate, overlap: float
) -> None:
    """Each gate has twice the rows of the one before, old ones among them, and another challenger."""
    passed = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        champion = rng.random(1_120) < 0.75
        rows = [champion[:n] for n in (35, 70, 140, 280, 560, 1_120)]
        verdicts = (
            meet(some, alike(rng, some, 0.75, overlap), k).verdict for k, some in enumerate(rows, start=1)
        )
        passed += "promote" in verdicts
    at_most(passed, len(seeds), 0.05)


def test_ten_points_more_on_400_gate_rows_are_promoted_in_80_of_100_cases(
    seeds: range, at_least: Rate
) -> None:
    promoted = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        champion, challenger = rng.random(400) < 0.70, rng.random(400) < 0.80
        promoted += meet(champion, challenger, 1).verdict == "promote"
    at_least(promoted, len(seeds), 0.80)


def test_the_rows_asked_for_after_a_hold_show_the_gain_in_most_cases(seeds: range, at_least: Rate) -> None:
    """If the gain is what the gate saw, the next gate promotes four times out of five."""
    champion = np.repeat([True, False, True, False], [120, 30, 20, 30])
    challenger = np.repeat([True, True, False, False], [120, 30, 20, 30])
    held = meet(champion, challenger, 1)
    assert held.verdict == "hold"
    assert held.n_needed is not None
    promoted = 0
    for seed in seeds:
        drawn = np.random.default_rng(seed).integers(0, 200, held.n_needed)
        promoted += meet(champion[drawn], challenger[drawn], 2).verdict == "promote"
    at_least(promoted, len(seeds), 0.78)


@pytest.mark.parametrize("rows", [FEWEST_ROWS, 100])
def test_equal_models_pass_the_bootstrap_in_at_most_5_of_100_sequences(
    seeds: range, at_most: Rate, rows: int
) -> None:
    """Six gates on log loss against one champion, on as few holdout rows as are ever compared, and on more.

    Their levels are nearly all there is to spend: the rest of the sequence has less than one of a hundred.
    """
    passed = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        yes = rng.random(rows) < 0.3
        truth = np.where(yes, "yes", "no").astype(object)
        models = [np.clip(np.where(yes, 0.5, 0.25) + rng.normal(0, 0.15, rows), 0.02, 0.98) for _ in range(7)]
        said = [Answers(labels=truth, probabilities=np.c_[1 - p, p]) for p in models]
        receipts = (
            gate.decide(
                slice="reference",
                labels=truth,
                champion=said[0],
                challenger=challenger,
                metric="log_loss",
                policy=POLICY,
                k=k,
                seed=seed,
                classes=CLASSES,
            )
            for k, challenger in enumerate(said[1:], start=1)
        )
        passed += any(receipt.verdict == "promote" for receipt in receipts)
    at_most(passed, len(seeds), 0.05)


@pytest.mark.parametrize("share", [0.80, 0.72])
def test_the_whole_loop_replaces_a_model_by_an_equal_one_in_at_most_5_of_100_cases(
    seeds: range, at_most: Rate, facts: Callable[..., Facts], share: float
) -> None:
    """The score opens the runs, so the deciding rows are those on which the champion looked bad."""
    replaced = sum(_replaced(seed, share, facts) for seed in seeds)
    at_most(replaced, len(seeds), 0.05)


def _replaced(seed: int, share: float, facts: Callable[..., Facts], feedbacks: int = 2_000) -> bool:
    rng = np.random.default_rng(seed)
    right, deciding = rng.random(feedbacks) < share, rng.random(feedbacks) < GATE_SHARE
    total = np.concatenate([[0], np.cumsum(right)])
    held: Hold | None = None
    ended: list[Outcome] = []
    for rated in range(POLICY.check_every, feedbacks + 1, POLICY.check_every):
        n = min(rated, POLICY.window)
        seen = facts(
            int(total[rated] - total[rated - n]),
            n,
            new_labels=rated,
            hold=held,
            circuit_breaker=tripped(reversed(ended), POLICY),
        )
        if not decide(seen, POLICY, checkpoint=True).open_run:
            continue
        champion = right[:rated][deciding[:rated]]
        receipt = meet(champion, alike(rng, champion, share, 0.3), len(ended) + 1)
        if receipt.verdict == "promote":
            return True
        ended.append(receipt.verdict)
        held = Hold(receipt.n, receipt.n_needed) if receipt.verdict == "hold" else None
    return False
