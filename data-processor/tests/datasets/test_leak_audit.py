from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_processor.datasets.leak_audit import NOTHING_FOUND, audit_file
from data_processor.datasets.leak_candidates import find_candidates
from data_processor.datasets.profile import read_columns

Audit = Callable[..., dict[str, Any]]


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as uploads are kept: texts as Arrow's short strings."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    kinds = [pa.string() if pa.types.is_large_string(kind) else kind for kind in table.schema.types]
    pq.write_table(table.cast(pa.schema(zip(table.schema.names, kinds, strict=True))), path)


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    def look(frame: pd.DataFrame, target: str = "y") -> dict[str, Any]:
        write(frame, tmp_path / "raw.parquet")
        return audit_file(tmp_path / "raw.parquet", read_columns(tmp_path / "raw.parquet"), target)

    return look


def engines(seed: int = 1, rows: int = 1_200, name: Callable[[int], Any] = int) -> pd.DataFrame:
    """Return noise of 60 engines, each with an offset of its own."""
    rng = np.random.default_rng(seed)
    engine, offset = rng.integers(0, 60, rows), rng.normal(size=60)
    frame = pd.DataFrame({f"s{i}": rng.normal(size=rows) for i in range(4)})
    frame["unit"] = [name(one) for one in engine]
    return frame.assign(y=frame["s0"] + offset[engine] + rng.normal(0, 0.5, rows))


def drifting(rows: int = 1_200) -> pd.DataFrame:
    """Return rows of which each is like those just before and after it: a random walk."""
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.normal(size=rows))
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(rows), "h")
    return pd.DataFrame({"at": days, "x": rng.normal(size=rows), "y": walk + rng.normal(0, 0.2, rows)})


@pytest.mark.parametrize("name", [int, lambda one: f"engine {one:02}"])
def test_engines_with_an_offset_each_are_flagged(audit: Audit, name: Callable[[int], Any]) -> None:
    found = audit(engines(name=name))

    assert found["suggested"] == {"by": "group", "column": "unit"}
    (measured,) = found["audit"]
    assert measured["this_split"] > 1.1 * measured["row_split"]
    assert 0 < measured["low"] < measured["high"]
    assert measured["metric"] == "rmse"
    assert "it remembers" in found["reason"]
    assert f"{measured['row_split']:.3g}" in found["reason"]


def test_classes_of_engines_are_flagged_by_log_loss(audit: Audit) -> None:
    frame = engines()
    found = audit(frame.assign(y=np.where(frame["y"] > 0, "worn", "good")))

    assert found["suggested"] == {"by": "group", "column": "unit"}
    assert found["audit"][0]["metric"] == "log_loss"


def test_a_random_walk_is_flagged_by_time(audit: Audit) -> None:
    found = audit(drifting())

    assert found["suggested"] == {"by": "time", "column": "at"}
    assert "later in 'at'" in found["reason"]


def test_a_column_that_rises_steadily_is_a_time(audit: Audit) -> None:
    walk = drifting().assign(elapsed=60 * np.arange(1_200)).drop(columns="at")

    assert audit(walk)["suggested"] == {"by": "time", "column": "elapsed"}


def test_dates_that_are_texts_in_the_file_are_read_as_proposed(audit: Audit) -> None:
    written = drifting()
    written["at"] = written["at"].dt.strftime("%d.%m.%Y %H:%M")

    assert audit(written)["suggested"] == {"by": "time", "column": "at"}


def test_an_id_that_means_nothing_is_measured_and_not_suggested(audit: Audit) -> None:
    rng = np.random.default_rng(2)
    frame = engines().assign(unit=rng.integers(0, 100, 1_200))
    frame["y"] = frame["s0"] + rng.normal(0, 0.5, 1_200)
    found = audit(frame)

    assert found["suggested"] is None
    assert [one["column"] for one in found["audit"]] == ["unit"]
    assert not found["audit"][0]["flagged"]
    assert "single rows will do" in found["reason"]


def test_without_a_column_that_repeats_nothing_is_measured(audit: Audit) -> None:
    assert audit(engines().drop(columns="unit")) == {
        "target": "y",
        "suggested": None,
        "audit": [],
        "reason": NOTHING_FOUND,
    }


def test_the_same_table_gives_the_same_answer(audit: Audit) -> None:
    assert audit(engines()) == audit(engines())


@pytest.mark.parametrize(
    ("values", "by"),
    [
        (np.arange(1_000) % 100, "group"),
        ([f"p{n % 100}" for n in range(1_000)], "group"),
        (np.arange(1_000) % 9, None),  # fewer groups than it takes
        (np.arange(1_000) % 600, None),  # hardly any value in two rows
        ((np.arange(1_000) % 100) * (np.arange(1_000) % 3 > 0), None),  # one value in every third row
        (np.random.default_rng(1).normal(size=1_000), None),
        (np.arange(1_000) * 60, "time"),
        (np.arange(1_000)[::-1].copy(), None),
        (np.cumsum(np.random.default_rng(1).integers(0, 50, 1_000)), None),  # sorted, and no clock
        (pd.date_range("2024-01-01", periods=1_000, freq="D"), "time"),
    ],
)
def test_columns_of_groups_and_times_are_recognised(tmp_path: Path, values: Any, by: str | None) -> None:
    frame = pd.DataFrame({"column": values, "y": np.random.default_rng(3).normal(size=1_000)})
    write(frame, tmp_path / "raw.parquet")
    columns = read_columns(tmp_path / "raw.parquet")
    found = find_candidates(tmp_path / "raw.parquet", columns, "y", 1_000)

    assert [one.by for one in found] == ([by] if by else [])


@pytest.mark.parametrize("name", ["age", "hr", "day_of_week", "Month"])
def test_parts_of_the_calendar_and_ages_are_no_groups(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame({name: np.arange(1_000) % 24, "y": np.arange(1_000) % 7})
    write(frame, tmp_path / "raw.parquet")
    columns = read_columns(tmp_path / "raw.parquet")

    assert find_candidates(tmp_path / "raw.parquet", columns, "y", 1_000) == []


def test_of_many_rows_whole_groups_are_looked_at(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_processor.datasets.leak_measuring.MOST_ROWS", 400)
    (few,) = audit(engines())["audit"]
    monkeypatch.setattr("data_processor.datasets.leak_measuring.MOST_ROWS", 10_000)
    (every,) = audit(engines())["audit"]

    assert few["row_split"] != every["row_split"]
    assert few["this_split"] > few["row_split"]


def test_rows_whose_target_is_missing_or_infinite_are_left_out(audit: Audit) -> None:
    frame = engines()
    frame.loc[:50, "y"] = np.nan
    frame.loc[51:60, "y"] = np.inf

    assert audit(frame)["suggested"] == {"by": "group", "column": "unit"}
