import pandas as pd

from data_processor.datasets.exploration.sampling import take_sample
from data_processor.datasets.tables import to_parquet
from data_processor.features.split import FEEDBACK_COLUMN, PREDICTION_COLUMN


def table(rows: int) -> bytes:
    numbers = pd.Series(range(rows), dtype="float64")
    frame = pd.DataFrame(
        {
            "n": numbers.where(numbers % 4 != 0),
            "city": pd.Series([None if n % 10 == 0 else f"c{n % 3}" for n in range(rows)], dtype="str"),
            PREDICTION_COLUMN: pd.Series([""] * rows, dtype="str"),
            FEEDBACK_COLUMN: 0,
        }
    )
    return to_parquet(frame)


def test_a_small_table_is_taken_whole_without_its_provenance() -> None:
    sample = take_sample(table(40))
    assert list(sample.frame.columns) == ["n", "city"]
    assert (len(sample.frame), sample.total) == (40, 40)
    assert sample.missing == {"n": 10, "city": 4}


def test_of_a_large_table_rows_are_drawn_but_missing_values_counted_in_all() -> None:
    content = table(50_001)
    sample = take_sample(content, most=1_000)
    assert (len(sample.frame), sample.total) == (1_000, 50_001)
    assert sample.missing == {"n": 12_501, "city": 5_001}
    known = sample.frame["n"].dropna()
    assert known.is_monotonic_increasing  # in the order of the table
    assert known.is_unique
    # The last piece that is read is as likely as any other.
    assert 0.15 < (known > 40_000).mean() < 0.25


def test_the_same_rows_are_drawn_each_time() -> None:
    content = table(5_000)
    assert take_sample(content, most=100).frame.equals(take_sample(content, most=100).frame)


def test_a_wide_table_gives_fewer_rows() -> None:
    wide = pd.DataFrame(dict.fromkeys((f"c{n}" for n in range(500)), range(10_100)))
    assert len(take_sample(to_parquet(wide)).frame) == 10_000
