import pytest

from compose_stack.benchmarks.watching import percentile


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        (list(map(float, range(100, 0, -1))), 0.95, 95.0),
        ([7.0], 0.95, 7.0),
        ([1.0, 9.0], 0.95, 9.0),
    ],
)
def test_a_percentile_is_one_of_the_values(values: list[float], share: float, found: float) -> None:
    assert percentile(values, share) == found
