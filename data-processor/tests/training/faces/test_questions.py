import numpy as np
import pytest

from data_processor.features.holdout import group_positions, on_holdout
from data_processor.models.policy import Policy
from data_processor.statistics.gate import decide
from data_processor.tasks.faces.extractors import Extractors
from data_processor.tasks.faces.recogniser import Recogniser
from data_processor.training.faces.questions import ask, joined
from training.faces.conftest import plain_signatures

SALT = "exact-of-the-tests"
SEEDS = [seed if seed % 4 == 0 else pytest.param(seed, marks=pytest.mark.services) for seed in range(40)]


def seen_by(threshold: float) -> Recogniser:
    """Return a recogniser that compares signatures as they are."""
    return Recogniser(Extractors().named("lbp"), None, threshold)


def test_each_picture_is_asked_about_with_its_person_and_without() -> None:
    signatures, persons = plain_signatures(4, 3, apart=10, seed=1)
    asked = ask(seen_by(20.0), signatures, persons, np.ones(12, np.bool_))
    assert asked.metrics() == {"accuracy": 1, "known_accepted": 1, "unknown_accepted": 0, "rank_1": 1}
    assert len(asked.truth) == 24
    far = ask(seen_by(1e9), signatures, persons, np.ones(12, np.bool_)).metrics()
    assert (far["known_accepted"], far["unknown_accepted"]) == (1, 1)
    near = ask(seen_by(1e-9), signatures, persons, np.ones(12, np.bool_)).metrics()
    assert (near["known_accepted"], near["unknown_accepted"]) == (0, 0)


def test_only_the_pictures_meant_are_asked_about_in_the_whole_gallery() -> None:
    signatures, persons = plain_signatures(4, 3, apart=10, seed=1)
    some = persons == 2
    asked = ask(seen_by(20.0), signatures, persons, some)
    assert set(asked.persons) == {2}
    parts = joined([asked, ask(seen_by(20.0), signatures, persons, persons == 0)])
    assert parts.metrics()["accuracy"] == 1
    assert len(parts.truth) == 12


def test_nobody_to_ask_about_gives_no_metrics() -> None:
    signatures, persons = plain_signatures(2, 2, apart=10, seed=1)
    assert ask(seen_by(1.0), signatures, persons, np.zeros(4, np.bool_)).metrics() == {}


def gate_between(champion: float, challenger: float, seed: int, persons: int) -> str:
    """Return the verdict on two thresholds, on the persons of a gallery that are held out."""
    signatures, whose = plain_signatures(persons, 4, apart=1.4, seed=seed)
    which = whose % 5 == 0  # a fifth of the persons
    was, would_be = (ask(seen_by(one), signatures, whose, which) for one in (champion, challenger))
    receipt = decide(
        slice="reference",
        labels=would_be.wanted,
        champion=was.as_answers(),
        challenger=would_be.as_answers(),
        metric="accuracy",
        policy=Policy(),
        k=1,
        seed=seed,
        groups=would_be.persons,
    )
    return receipt.verdict


def test_equal_recognisers_hardly_ever_replace_each_other() -> None:
    # Thresholds a little to either side of the best one are as good as each other.
    verdicts = [gate_between(9.35, 9.45, seed, persons=100) for seed in range(40)]
    assert verdicts.count("promote") <= 2


def test_a_clearly_better_recogniser_is_promoted() -> None:
    verdicts = [gate_between(12.0, 9.4, seed, persons=150) for seed in range(20)]
    assert verdicts.count("promote") >= 16


def test_no_two_questions_are_one_class() -> None:
    # Persons are no classes whose recall could break, and neither is nobody.
    signatures, whose = plain_signatures(150, 4, apart=1.4, seed=3)
    asked = ask(seen_by(9.4), signatures, whose, whose % 5 == 0)
    assert len(set(asked.wanted)) == len(asked.truth)
    assert np.mean(asked.as_answers().labels == asked.wanted) == asked.metrics()["accuracy"]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_person_is_never_on_two_sides(seed: int) -> None:
    import pandas as pd  # noqa: PLC0415  # the other tests need none

    rng = np.random.default_rng(seed)
    persons = pd.Series(rng.integers(0, 50, 400).astype(str))
    sides = on_holdout(group_positions(persons, f"{SALT}{seed}"))
    assert all(sides[persons == person].min() == sides[persons == person].max() for person in set(persons))
