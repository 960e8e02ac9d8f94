"""The profile of a dataset version, computed from a sample of its rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_processor.datasets.exploration.associations import Codes, Encoded, Numbers, associate
from data_processor.datasets.exploration.distributions import Placed, counts, histogram, periods, statistics
from data_processor.datasets.exploration.sampling import Sample
from data_processor.datasets.exploration.schemas import ColumnProfile, Profile, Rows, TextProfile
from data_processor.datasets.exploration.targets import Target, by_target, target_of
from data_processor.datasets.exploration.texts import explore_texts
from data_processor.features.schema import Column, Schema
from data_processor.service.database import now

CHARTED = 200
"""Columns that are charted; of the others only the facts are given."""
READ = 5
"""Columns of texts that are read."""

Tell = Callable[[str, float], None]
"""Is told what is being done and the share of everything that is done, from 0 to 1."""


def compute(dataset: str, version: int, schema: Schema, sample: Sample, tell: Tell) -> Profile:
    """Compute the profile of a version from a sample of its rows."""
    target = target_of(sample.frame, schema)
    known = [column for column in schema.columns if column.name in sample.frame]
    columns, encoded = [], {}
    for number, column in enumerate(known):
        if number % 10 == 0:
            tell("columns", 0.1 + 0.3 * number / len(known))
        values = sample.frame[column.name]
        placed = _place(values, column) if number < CHARTED or column.name == schema.target else None
        columns.append(_describe(values, column, sample.missing[column.name], placed))
        if placed is not None and (target.classes or column.name != schema.target):
            columns[-1].by_target = by_target(placed, target)
        if (found := _encode(values, column, placed)) is not None:
            encoded[column.name] = found
    with_target, associations = associate(
        encoded, schema.target, lambda share: tell("associations", 0.4 + 0.2 * share)
    )
    for described in columns:
        described.strength = with_target.get(described.name)
    return Profile(
        dataset=dataset,
        version=version,
        task=schema.task,
        target=schema.target,
        classes=target.classes,
        rows=Rows(total=sample.total, sampled=len(sample.frame)),
        columns=columns,
        associations=associations,
        texts=_texts(sample.frame, known, target, tell),
        notes=_notes(known, target),
        made_at=now(),
    )


def _texts(frame: pd.DataFrame, known: list[Column], target: Target, tell: Tell) -> list[TextProfile]:
    names = [column.name for column in known if column.kind == "text"][:READ]
    found = []
    for number, name in enumerate(names):
        tell("texts", 0.6 + 0.3 * number / len(names))
        found.append(explore_texts(frame[name], target))
    return [described for described in found if described is not None]


def _describe(values: "pd.Series[Any]", column: Column, missing: int, placed: Placed | None) -> ColumnProfile:
    numeric = pd.api.types.is_numeric_dtype(values.dtype)
    numbers = _numbers(values) if numeric else None
    if column.kind == "datetime":
        type_ = "date"
    elif numbers is None:
        type_ = "text"
    else:
        known = numbers[~np.isnan(numbers)]
        type_ = "integer" if bool((known == np.floor(known)).all()) else "number"
    return ColumnProfile.model_validate(
        {
            "name": column.name,
            "kind": column.kind,
            "type": type_,
            "missing": missing,
            "distinct": int(values.nunique()),
            "statistics": statistics(numbers) if numbers is not None else None,
            "distribution": placed.distribution if placed else None,
        }
    )


def _place(values: "pd.Series[Any]", column: Column) -> Placed | None:
    if column.kind in ("text", "identifier"):
        return None
    if pd.api.types.is_numeric_dtype(values.dtype):
        return histogram(_numbers(values))
    return periods(_timestamps(values)) if column.kind == "datetime" else counts(values)


def _encode(values: "pd.Series[Any]", column: Column, placed: Placed | None) -> Encoded | None:
    """Return a column as it is compared with others: inputs and the target are."""
    if column.kind == "numeric":
        return Numbers(_numbers(values))
    if column.kind == "datetime":
        days = (_timestamps(values) - pd.Timestamp(2000, 1, 1)) / pd.Timedelta(days=1)
        return Numbers(_numbers(days))
    if column.kind != "categorical" or placed is None or placed.distribution.form != "counts":
        return None
    # The values without a bar of their own are one category: rare ones would say nothing anyway.
    unlisted = (placed.bars < 0) & values.notna().to_numpy()
    return Codes(np.where(unlisted, len(placed.distribution.labels), placed.bars))


def _numbers(values: "pd.Series[Any]") -> NDArray[np.float64]:
    return values.to_numpy(np.float64, na_value=np.nan)


def _timestamps(values: "pd.Series[Any]") -> "pd.Series[Any]":
    return pd.to_datetime(values, format="ISO8601", errors="coerce")


def _notes(known: list[Column], target: Target) -> list[str]:
    texts = [column.name for column in known if column.kind == "text"]
    notes = []
    if len(known) > CHARTED:
        notes.append(f"Only the first {CHARTED} of {len(known)} columns are charted.")
    if len(texts) > READ:
        notes.append(f"Only the first {READ} of {len(texts)} text columns are read.")
    if target.left_out:
        count = len(target.classes)
        notes.append(f"Only the {count} most frequent of {count + target.left_out} classes are shown.")
    return notes
