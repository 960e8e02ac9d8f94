import datetime as dt
import io

from hypothesis import given
from hypothesis import strategies as st

from data_processor.datasets.reading.kept_rows import keep, kept_rows

CELLS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.datetimes(dt.datetime(1900, 1, 1))  # noqa: DTZ001  # as workbooks have them
)
ROWS = st.lists(st.tuples(st.integers(1, 1_048_576), st.lists(CELLS, max_size=5)), max_size=5)


@given(st.lists(ROWS, max_size=4))
def test_rows_come_back_as_they_were_kept(batches: list[list[tuple[int, list[object]]]]) -> None:
    file = io.BytesIO()
    for batch in batches:
        keep(batch, file)
    for _ in range(2):
        found = list(kept_rows(file))
        assert found == [row for batch in batches for row in batch]
        kinds = [[type(cell) for cell in row] for _, row in found]
        assert kinds == [[type(cell) for cell in row] for batch in batches for _, row in batch]


def test_an_integer_that_64_bits_do_not_hold_is_a_text() -> None:
    file = io.BytesIO()
    keep([(1, [2**63, -(2**63) - 1])], file)
    assert list(kept_rows(file)) == [(1, [str(2**63), str(-(2**63) - 1)])]
