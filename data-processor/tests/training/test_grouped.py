"""Rows that belong together, from a table to a version: held out, gated and recorded by group, or by time."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_processor.datasets.inference import infer_schema
from data_processor.features.schema import Holdout
from data_processor.features.ties import moments
from data_processor.models.policy import Policy

ENGINES, CYCLES = 200, 4
"""Of fewer engines, fewer than ten might be held out, which proves nothing: of 80, one time in forty."""
RIDGE = [{"estimator": "ridge", "params": {"alpha": 1.0}}]
"""The same in every run: a second version is no better than the first."""


def engines() -> pd.DataFrame:
    """Return engines that wear with the days they run, each from a day of its own on."""
    rng = np.random.default_rng(1)
    engine, cycle = np.divmod(np.arange(ENGINES * CYCLES), CYCLES)
    days = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 90, ENGINES)[engine] + cycle, "D")
    heat = rng.normal(size=len(engine)) + cycle
    return pd.DataFrame(
        {
            "unit": engine,
            "day": days.strftime("%Y-%m-%d"),
            "heat": heat,
            "wear": heat + rng.normal(size=ENGINES * CYCLES),
        }
    )


@pytest.mark.usefixtures("tasks")
@pytest.mark.parametrize("holdout", [Holdout(by="group", column="unit"), Holdout(by="time", column="day")])
def test_rows_that_belong_together_decide_about_a_version(new_workshop: Any, holdout: Holdout) -> None:
    table = engines()
    schema = infer_schema(table, "wear", kinds={"unit": "identifier", "day": "datetime"})
    schema = schema.model_copy(update={"holdout": holdout})
    shop = new_workshop(Policy(), table, schema=schema)
    first = shop.carry_out(shop.open_run(candidates=RIDGE))
    assert (first.status, first.gate["verdict"]) == ("succeeded", "promote"), first.error
    manifest = shop.registry.manifest(shop.model, "1")
    assert manifest.table.holdout == holdout
    if holdout.by == "group":
        assert first.gate["groups"] == pytest.approx(0.2 * ENGINES, abs=28)
        assert first.gate["n"] == CYCLES * first.gate["groups"]
        assert manifest.lineage.cutoff is None
        assert [column.name for column in manifest.table.inputs] == ["day", "heat"]
    else:
        days = np.unique(moments(table["day"]))
        assert manifest.lineage.cutoff is not None
        assert manifest.lineage.cutoff.time == days[-round(0.2 * len(days)) - 1]
        assert first.gate["n"] == (moments(table["day"]) > manifest.lineage.cutoff.time).sum()

    second = shop.carry_out(shop.open_run(candidates=RIDGE))
    assert (second.status, second.champion) == ("succeeded", "1"), second.error
    assert second.gate["n"] == first.gate["n"]
    assert second.gate["verdict"] == "hold"
