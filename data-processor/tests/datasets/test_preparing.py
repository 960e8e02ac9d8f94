"""A confirmed table is the same whether it is made as a whole or a few rows at a time."""

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_processor.datasets import batches
from data_processor.datasets.confirmed import Confirmed, ConfirmedColumn
from data_processor.datasets.preparing import task_for, write_confirmed
from data_processor.datasets.profile import read_columns
from data_processor.datasets.tables import from_parquet
from data_processor.features.preparation import DatasetPreparation
from data_processor.features.split import PROVENANCE
from data_processor.tasks.registry import task_of

DAY, NOON = dt.datetime(2026, 1, 31), dt.datetime(2026, 1, 31, 12)  # noqa: DTZ001  # as tables have them
COLUMNS: dict[str, tuple[Any, str, list[Any]]] = {
    "whole": (pa.array([1, 2, 3, 1]), "numeric", [1, 2, 3, 1]),
    "gaps": (pa.array([1, None, 3, 1]), "numeric", [1.0, None, 3.0, 1.0]),
    "flag": (pa.array([True, False, None, True]), "numeric", [1.0, 0.0, None, 1.0]),
    "codes": (pa.array([7, None, 9, 7]), "categorical", ["7", None, "9", "7"]),
    "sizes": (pa.array([0.5, 2.0, None, 0.5]), "categorical", ["0.5", "2", None, "0.5"]),
    "yes": (pa.array([True, False, None, True]), "categorical", ["True", "False", None, "True"]),
    "words": (pa.array(["a", "None", None, "a"]), "text", ["a", "None", None, "a"]),
    "unused": (pa.array([1, None, 3, 1]), "ignored", [1.0, None, 3.0, 1.0]),
    "name": (pa.array(["x", "y", None, "x"]), "ignored", ["x", "y", None, "x"]),
    "day": (pa.array([DAY, None, DAY, DAY]), "datetime", ["2026-01-31", None, "2026-01-31", "2026-01-31"]),
    "noon": (
        pa.array([DAY, None, NOON, DAY], pa.timestamp("us")),
        "datetime",
        ["2026-01-31T00:00:00", None, "2026-01-31T12:00:00", "2026-01-31T00:00:00"],
    ),
    "written": (
        pa.array(["31.1.2026", None, "1.2.2026", "31.1.2026"]),
        "datetime",
        ["2026-01-31", None, "2026-02-01", "2026-01-31"],
    ),
    "target": (pa.array([0, 1, 1, 0]), "numeric", ["0", "1", "1", "0"]),
}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / "raw.parquet"
    pq.write_table(pa.table({name: values for name, (values, _, _) in COLUMNS.items()}), path)
    return path


def confirmed(*, drop_duplicates: bool = False) -> Confirmed:
    columns = {name: ConfirmedColumn(name=name.upper(), kind=kind) for name, (_, kind, _) in COLUMNS.items()}
    chosen = DatasetPreparation(drop_duplicates=drop_duplicates)
    return Confirmed(target="TARGET", task=None, columns=columns, preparation=chosen)


def written(raw: Path, asked: Confirmed) -> pd.DataFrame:
    target = raw.with_name("prepared.parquet")
    told: list[float] = []
    write_confirmed(raw, target, asked, read_columns(raw), told.append)
    assert told[-1] == 1
    return from_parquet(target.read_bytes())


@pytest.mark.parametrize("rows_at_once", [1, 3, 50_000])
def test_every_kind_of_column_is_kept_in_its_form(
    raw: Path, monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    monkeypatch.setattr(batches, "MOST_ROWS", rows_at_once)
    table = written(raw, confirmed())
    found = {name: [None if pd.isna(v) else v for v in table[name.upper()].tolist()] for name in COLUMNS}
    assert found == {name: expected for name, (_, _, expected) in COLUMNS.items()}
    assert [str(table[name].dtype) for name in ("WHOLE", "GAPS", "CODES", "DAY")] == [
        "int64",
        "float64",
        "str",
        "str",
    ]
    assert table[list(PROVENANCE)].to_numpy().tolist() == [["", 0]] * 4


def test_repeated_rows_are_left_out_if_so_wished(raw: Path) -> None:
    assert written(raw, confirmed(drop_duplicates=True))["WHOLE"].tolist() == [1, 2, 3]


def rare(action: str, **more: str) -> DatasetPreparation:
    return DatasetPreparation.model_validate({"rare_classes": {"action": action, **more}})


@pytest.fixture
def labelled(tmp_path: Path) -> tuple[Path, Confirmed]:
    """Forty rows of each of two classes, a row of one and two of another."""
    path = tmp_path / "labelled.parquet"
    labels = ["a", "b"] * 40 + ["c", "d", "d", None]
    pq.write_table(pa.table({"n": range(84), "y": labels}), path)
    columns = {
        "n": ConfirmedColumn(name="n", kind="numeric"),
        "y": ConfirmedColumn(name="y", kind="categorical"),
    }
    return path, Confirmed(
        target="y", task="tabular-classification", columns=columns, preparation=DatasetPreparation()
    )


@pytest.mark.parametrize(
    ("preparation", "expected"),
    [
        (rare("refuse"), {"a": 40, "b": 40, "c": 1, "d": 2}),
        (rare("leave_out"), {"a": 40, "b": 40}),
        (rare("merge"), {"a": 40, "b": 40, "other": 3}),
        (rare("merge", into="b"), {"a": 40, "b": 43}),
    ],
)
@pytest.mark.parametrize("rows_at_once", [7, 50_000])
def test_rare_classes_are_left_out_or_merged(
    labelled: tuple[Path, Confirmed],
    monkeypatch: pytest.MonkeyPatch,
    preparation: DatasetPreparation,
    expected: dict[str, int],
    rows_at_once: int,
) -> None:
    monkeypatch.setattr(batches, "MOST_ROWS", rows_at_once)
    raw, asked = labelled
    table = written(raw, asked.model_copy(update={"preparation": preparation}))
    assert table["y"].value_counts().to_dict() == expected
    assert table["y"].isna().sum() == 1, "a row without a target is no rare class"


def test_an_infinite_number_is_stored_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "infinite.parquet"
    pq.write_table(pa.table({"n": [1.5, float("inf"), -float("inf")], "y": [1.0, 2.0, 3.0]}), path)
    columns = {name: ConfirmedColumn(name=name, kind="numeric") for name in ("n", "y")}
    asked = Confirmed(target="y", task=None, columns=columns, preparation=DatasetPreparation())
    assert written(path, asked)["n"].isna().tolist() == [False, True, True]


def test_the_task_follows_from_the_targets_values_unless_it_is_said(raw: Path) -> None:
    facts = read_columns(raw)
    assert task_for(confirmed(), facts) is task_of("tabular-classification")
    many = next(fact for fact in facts if fact.name == "target")
    many.distinct = 21
    assert task_for(confirmed(), facts) is task_of("tabular-regression")
    said = confirmed().model_copy(update={"task": "tabular-classification"})
    assert task_for(said, facts) is task_of("tabular-classification")
