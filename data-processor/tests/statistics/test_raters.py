from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_processor.models.policy import Policy
from data_processor.statistics.raters import (
    UPLOADED,
    Leaning,
    Source,
    Voice,
    agreed,
    leaning_on,
    untrusted,
    within_share,
)

POLICY = Policy()
EVE = Source(("eve",), trusted=True)


def by(rater: str, *, asked: bool = False) -> Source:
    return Source((rater,), trusted=False, asked=asked)


def counting(sources: list[Source], policy: Policy = POLICY) -> Counter[str]:
    """Return how many rows of each rater count, no two rows alike."""
    counts = within_share(sources, range(len(sources)), policy)
    return Counter(
        rater for source, it_does in zip(sources, counts, strict=True) if it_does for rater in source.raters
    )


@pytest.mark.parametrize(
    ("voices", "truth"),
    [
        ([], None),
        ([Voice(None)], None),
        ([Voice("a")], "a"),
        ([Voice("a"), Voice("a"), Voice("b", trusted=True)], "a"),
        ([Voice("a"), Voice("b")], None),
        ([Voice("a"), Voice("b", trusted=True)], "b"),
        ([Voice("a", own=True), Voice("b")], "a"),
        ([Voice("a", own=True), Voice("b", trusted=True)], "b"),
        ([Voice("a", trusted=True, own=True), Voice("b", trusted=True)], "a"),
        ([Voice("a", trusted=True), Voice("b", trusted=True)], None),
        ([Voice("a"), Voice("a"), Voice("b"), Voice("b"), Voice("c", trusted=True)], None),
        ([Voice(True, own=True), Voice(False)], True),
        ([Voice(1.0), Voice(30.0), Voice(12.0)], 12.0),
        ([Voice(1.0), Voice(30.0, trusted=True), Voice(2.0)], 30.0),
    ],
)
def test_where_raters_are_divided_the_trusted_decide_then_whoever_asked(
    voices: list[Voice], truth: Any
) -> None:
    assert agreed(voices) == truth
    assert agreed(reversed(voices)) == truth


def test_no_rater_counts_for_more_than_their_share() -> None:
    honest = [by(f"honest-{n % 9}") for n in range(180)]
    found = counting([*(by("mallory") for _ in range(3_000)), *honest])
    assert found["mallory"] == 45
    assert sum(found.values()) == 225
    assert len(found) == 10


def test_two_liars_are_limited_each() -> None:
    honest = [by(f"honest-{n % 9}") for n in range(180)]
    found = counting([*honest, *(by(who) for _ in range(3_000) for who in ("mallory", "trudy"))])
    assert (found["mallory"], found["trudy"]) == (60, 60)


def test_before_enough_raters_have_spoken_everything_counts() -> None:
    assert sum(counting([by(f"rater-{n % 4}") for n in range(90)]).values()) == 90


def test_the_trusted_and_what_was_uploaded_are_not_limited() -> None:
    users = [by(f"rater-{n % 4}") for n in range(40)]
    found = counting([*[EVE] * 500, *users, *[UPLOADED] * 10])
    assert found["eve"] == 500
    assert sum(found.values()) == 540


def test_the_first_rows_count_and_repetitions_come_last() -> None:
    honest = [by(f"honest-{n % 9}") for n in range(180)]
    inputs = [*range(180), *([1_000] * 50), *range(2_000, 2_100)]
    counts = within_share([*honest, *[by("mallory")] * 150], inputs, POLICY)
    assert counts[:180].all()
    assert np.flatnonzero(counts[180:]).tolist() == [0, *range(50, 94)]


rows = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.booleans(), st.integers(0, 20)), min_size=1, max_size=200
)


@given(rows)
def test_whoever_is_not_trusted_supplies_at_most_their_share(given_rows: list[tuple[str, bool, int]]) -> None:
    trusted_ones = {rater for rater, trusted, _ in given_rows if trusted}
    sources = [Source((rater,), trusted=rater in trusted_ones) for rater, *_ in given_rows]
    counts = within_share(sources, [where for *_, where in given_rows], POLICY)
    kept = [source for source, it_does in zip(sources, counts, strict=True) if it_does]
    busiest = Counter(source.raters for source in kept if not source.trusted).most_common(1)
    if len({source.raters for source in sources}) >= POLICY.min_raters and busiest:
        assert busiest[0][1] <= POLICY.max_rater_share * len(kept) + 1e-9
    assert all(it_does for source, it_does in zip(sources, counts, strict=True) if source.trusted)


def test_those_with_most_labels_come_first() -> None:
    assert untrusted([by("b"), by("a"), EVE, by("c"), by("c")]) == ["c", "a", "b"]


def lean(sources: list[Source], *needed: str) -> Leaning | None:
    """Return what a conclusion leans on that follows from any row of one of these raters."""
    enough = np.array([bool({*source.raters} & {*needed}) for source in sources])
    return leaning_on(sources, lambda rows: bool((rows & enough).any()), len(untrusted(sources)), POLICY)


def test_a_conclusion_that_needs_one_rater_leans_on_them() -> None:
    many = [by(f"rater-{n % 9}") for n in range(90)]
    assert lean(many, "rater-3") == Leaning("rater-3", 10)
    assert lean(many, "rater-3", "rater-4") is None


def test_too_few_raters_are_left_out_together() -> None:
    few = [by(f"rater-{n % 4}") for n in range(40)]
    assert lean(few, "rater-3", "rater-2", "rater-1", "rater-0") == Leaning(None, 40)
    assert lean([*few, EVE], "eve") is None
    assert lean([*few, EVE], "rater-3", "rater-2") == Leaning(None, 40)


def test_a_trusted_rater_decides_alone() -> None:
    assert lean([EVE] * 30, "eve") is None


def test_what_was_asked_about_is_trusted_unless_one_of_several_raters_decides_by_it() -> None:
    alone = [by("ann", asked=True)] * 30
    assert lean(alone, "ann") is None
    assert lean([*alone, by("bob")], "ann") == Leaning("ann", 30)
    assert lean([*alone, by("bob", asked=True)], "ann", "bob") is None


def test_a_row_that_a_trusted_rater_confirms_is_never_left_out() -> None:
    confirmed = [Source(("mallory", "eve"), trusted=True)] * 20
    assert lean([*confirmed, *(by(f"rater-{n}") for n in range(6))], "mallory") is None


def test_rows_of_several_raters_stay_without_one_of_them() -> None:
    many = [*(by(f"rater-{n}") for n in range(6)), Source(("mallory", "rater-1"), trusted=False)]
    assert lean(many, "mallory") is None
