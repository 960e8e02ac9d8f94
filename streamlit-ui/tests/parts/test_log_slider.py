from hypothesis import given
from hypothesis import strategies as st

from streamlit_ui.parts.log_slider import STALE_S, Settled, grid, nearest

VALUES = grid(0.000001, 10)


def test_a_logarithmic_slider_has_twenty_round_values_a_decade() -> None:
    assert (VALUES[0], VALUES[-1]) == (0.000001, 10)
    assert {0.0001, 0.001, 0.01, 0.1, 1.0} <= set(VALUES)
    assert len(VALUES) == 7 * 20 + 1
    assert sorted(set(VALUES)) == VALUES


def test_a_slider_that_ends_between_two_of_its_values_ends_there() -> None:
    assert grid(0.5, 0.7) == [0.5, 0.56, 0.63, 0.7]
    assert grid(0.5, 0.65) == [0.5, 0.56, 0.63, 0.65]


@given(st.floats(0.000001, 10))
def test_the_slider_stands_at_the_value_that_is_nearest_to_a_typed_one(typed: float) -> None:
    found = nearest(VALUES, typed)
    assert all(abs(found - typed) <= abs(value - typed) for value in VALUES)


def test_a_value_beyond_the_slider_is_nearest_to_its_end() -> None:
    assert nearest(VALUES, 100) == 10
    assert nearest(VALUES, 0) == 0.000001


def stand(settled: Settled) -> tuple[float, float]:
    return settled.slider, settled.number


def near(wanted: float) -> float:
    return nearest(VALUES, wanted)


def test_a_typed_number_moves_the_slider_and_stays_exact() -> None:
    settled = Settled(0.01, 0.01)
    settled.settle(0.01, 0.123, near, 100)
    assert stand(settled) == (0.13, 0.123)


def test_the_slider_sets_the_number() -> None:
    settled = Settled(0.01, 0.01)
    settled.settle(0.5, 0.01, near, 100)
    assert stand(settled) == (0.5, 0.5)


def test_a_slider_that_comes_back_as_it_was_does_not_undo_what_was_typed() -> None:
    settled = Settled(0.0028, 0.003)
    settled.settle(0.0028, 0.0003, near, 100)
    settled.settle(0.0028, 0.0003, near, 100.5)
    assert settled.number == 0.0003


def test_a_number_that_comes_back_as_it_was_does_not_undo_what_was_moved() -> None:
    settled = Settled(0.01, 0.01)
    settled.settle(0.5, 0.01, near, 100)
    settled.settle(0.5, 0.01, near, 100.5)
    assert stand(settled) == (0.5, 0.5)


def test_whoever_goes_back_later_is_believed() -> None:
    settled = Settled(0.01, 0.01)
    settled.settle(0.5, 0.01, near, 100)
    settled.settle(0.5, 0.01, near, 100 + STALE_S + 1)
    assert stand(settled) == (0.01, 0.01)


def test_another_value_is_believed_at_once() -> None:
    settled = Settled(0.01, 0.01)
    settled.settle(0.5, 0.01, near, 100)
    settled.settle(0.4, 0.5, near, 100.1)
    assert stand(settled) == (0.4, 0.4)
    settled.settle(0.4, 0.2, near, 100.2)
    assert stand(settled) == (0.2, 0.2)
