from hypothesis import given
from hypothesis import strategies as st

from streamlit_ui.parts.live_fields import grid, nearest

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
