import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_processor.features.split import Split
from data_processor.tasks.tables.relations import LEAST, association, related

DRAW = np.random.default_rng(4)
codes = st.lists(st.integers(0, 4), min_size=2, max_size=60)


@given(codes, st.randoms(use_true_random=False))
def test_an_association_is_a_share_and_the_same_both_ways(one: list[int], random: object) -> None:
    other = random.sample(one, len(one))  # type: ignore[attr-defined]  # a random.Random
    there, back = association(np.array(one), np.array(other)), association(np.array(other), np.array(one))

    assert 0 <= there <= 1 + 1e-9
    assert there == pytest.approx(back)


def test_what_determines_the_target_is_all_of_it_and_noise_is_none() -> None:
    target = DRAW.integers(0, 2, 5_000)

    assert association(target, target) == pytest.approx(1, abs=1e-3)
    noise = [association(DRAW.integers(0, 20, 5_000), target) for _ in range(50)]
    assert np.median(noise) < LEAST / 2


def test_a_column_of_noise_is_not_related(census_split: Split) -> None:
    rows = census_split.fitting
    frame = rows.frame.assign(noise=DRAW.random(len(rows)).astype(np.float32))
    frame = frame[["noise", *rows.frame.columns]]
    noisy = type(rows)(frame, rows.target, rows.positions, rows.recent, rows.predictions)
    found = related(noisy, tuple(range(frame.shape[1])))

    assert 0 not in found
    assert {frame.columns.get_loc(name) for name in ("age", "education", "relationship")} <= found
    assert related(noisy, (0,)) == {0}  # nothing else is left
