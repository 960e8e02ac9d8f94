"""What else than a table's classes is learnt live, kept, and served: values, several classes, texts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_processor.datasets.inference import infer_schema
from data_processor.rows import RunRow
from data_processor.runs.service import Runs
from data_processor.training.live.schemas import LiveRunRequest
from data_processor.training.live.service import LiveRuns


def rents(rows: int) -> pd.DataFrame:
    """Return rents that follow from size and district, far from zero."""
    draw = np.random.default_rng(3)
    size, district = draw.normal(80, 25, rows), draw.choice(["north", "south"], rows)
    rent = 100_000 + 8 * size + np.where(district == "south", 200, 0) + draw.normal(0, 5, rows)
    return pd.DataFrame({"size": size.round(1), "district": district, "rent": rent.round(1)})


def animals(rows: int) -> pd.DataFrame:
    """Return three kinds of animals with a weight each."""
    draw = np.random.default_rng(4)
    kind = draw.choice(["cat", "dog", "horse"], rows)
    weight = np.select([kind == "cat", kind == "dog"], [4.0, 20.0], 400.0) * draw.normal(1, 0.1, rows)
    return pd.DataFrame({"weight": weight.round(2), "age": draw.integers(1, 15, rows), "kind": kind})


def comments(rows: int) -> pd.DataFrame:
    """Return comments that their words tell apart."""
    draw = np.random.default_rng(5)
    words = {"yes": ["idiot", "stupid", "liar", "fool"], "no": ["thanks", "agree", "school", "good"]}
    labels = draw.choice(["no", "yes"], rows)
    texts = [f"{' '.join(draw.choice(words[label], 4))}, no {n}" for n, label in enumerate(labels)]
    return pd.DataFrame({"comment": texts, "toxic": labels})


@pytest.mark.usefixtures("children_in_process")
@pytest.mark.parametrize("estimator", ["sgd", "mlp"])
@pytest.mark.parametrize(
    ("table", "target", "kinds"),
    [
        (rents(900), "rent", {}),
        (animals(900), "kind", {}),
        (comments(600), "toxic", {"comment": "text"}),
    ],
    ids=["values", "three classes", "texts"],
)
def test_what_was_learnt_live_is_served(
    new_workshop: Callable[..., Any],
    estimator: str,
    table: pd.DataFrame,
    target: str,
    kinds: dict[str, Any],
) -> None:
    shop = new_workshop(None, table, schema=infer_schema(table, target, kinds=kinds))
    runs = LiveRuns(shop.database, Runs(shop.database, shop.settings.stage))
    rate = {"learning_rate": 0.02} if estimator == "mlp" else {}
    asked = LiveRunRequest(estimator=estimator, epochs=30, hyperparameters=rate)
    live: RunRow = shop.carry_out(runs.start(shop.model, asked, "eve").id)
    assert live.status == "succeeded", live.error
    kept: RunRow = shop.carry_out(runs.keep(live.id, None, "eve").id)
    assert kept.status == "succeeded", kept.error
    assert kept.gate is not None
    assert kept.gate["verdict"] == "promote", kept.gate
    manifest = shop.registry.manifest(shop.model, kept.version)
    assert manifest.engine == "onnx", manifest.parity
    assert manifest.lineage.run == kept.id
