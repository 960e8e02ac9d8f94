"""Made-up sales in many cities, with remarks that people wrote: what tests of such columns learn from."""

import numpy as np
import pandas as pd

from data_processor.datasets.inference import infer_schema
from data_processor.datasets.tables import keepable
from data_processor.features.schema import Schema
from data_processor.features.split import Rows, Split, prepare_data

CITIES = 300
KINDS = {"city": "categorical", "noise": "categorical", "remark": "text", "size": "numeric"}
GOOD, BAD = ("lovely", "superb", "bright", "ÉLÉGANT"), ("damp", "dirty", "noisy", "сырой")


def sales(seed: int, rows: int = 2000, target: str = "price") -> pd.DataFrame:
    """Return a table whose price follows from city, size and remark, with a column of noise."""
    draw = np.random.default_rng(seed)
    level, city = draw.normal(0, 1, CITIES), draw.integers(0, CITIES, rows)
    size, good = draw.normal(0, 1, rows).round(3), draw.integers(0, 2, rows)
    filler = draw.integers(0, 500, (rows, 6))
    words = draw.integers(0, len(GOOD), rows)
    price = 100 + 10 * (level[city] + size + 1.6 * (good - 0.5)) + draw.normal(0, 5, rows)
    said = [
        " ".join([*(f"w{one}" for one in some), (GOOD if kind else BAD)[word]])
        for some, kind, word in zip(filler, good, words, strict=True)
    ]
    frame = pd.DataFrame(
        {
            "city": pd.Series([f"City {one}" for one in city], dtype="str"),
            "noise": pd.Series([f"N{one:04}" for one in draw.integers(0, CITIES, rows)], dtype="str"),
            "size": size,
            "remark": pd.Series(said, dtype="str").where(draw.random(rows) > 0.05),
        }
    )
    match target:
        case "dear":
            frame["dear"] = np.where(price > 100, "yes", "no")
        case "class":
            frame["class"] = pd.Series(np.select([price < 92, price < 108], ["low", "middle"], "high"))
        case _:
            frame["price"] = price
    return frame


def split_of(frame: pd.DataFrame, target: str) -> tuple[Split, Schema]:
    """Return a table's split, with the kinds its columns are meant to have."""
    schema = infer_schema(frame, target, kinds=KINDS)  # type: ignore[arg-type]  # they are kinds
    return prepare_data(keepable(frame, schema), schema, "exact-salt", None, validate_on_recent=False), schema


def without(schema: Schema, *names: str) -> Schema:
    """Return a schema in which some columns are left out; rows of the whole one fit it."""
    columns = tuple(
        column.model_copy(update={"kind": "ignored"}) if column.name in names else column
        for column in schema.columns
    )
    return schema.model_copy(update={"columns": columns})


def only(rows: Rows, schema: Schema) -> Rows:
    """Return the same rows with the inputs of a schema alone."""
    frame = rows.frame[[*(c.name for c in schema.numeric), *(c.name for c in schema.strings)]]
    return type(rows)(frame, rows.target, rows.positions, rows.recent, rows.predictions, rows.ties)
