import pytest

from data_processor.statistics.phrases import percent


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.84, "84.0 %"),
        (2 / 3, "66.7 %"),
        (0, "0.0 %"),
        (0.0001, "< 0.1 %"),
        (0.9999, "> 99.9 %"),
        (1, "100.0 %"),
    ],
)
def test_a_share_is_written_as_the_pages_show_it(share: float, said: str) -> None:
    assert percent(share) == said
