"""A quantity, from a table to a score: trained, promoted past the mean, served, scored by value."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from data_processor.app import create_app
from data_processor.datasets.inference import infer_schema
from data_processor.features.preparation import Preparation
from data_processor.models.policy import Policy

TOLERANCE = 15.0


def flats(rows: int, seed: int) -> pd.DataFrame:
    """Return rents that follow from size, district and the month of the contract, with gaps."""
    draw = np.random.default_rng(seed)
    size = draw.normal(80, 25, rows).clip(15).round()
    district = draw.choice(["north", "south", "west"], rows)
    signed = pd.Timestamp("2024-01-01") + pd.to_timedelta(draw.integers(0, 500, rows), unit="D")
    rent = 8 * size + np.where(district == "south", 200, 0) + 5 * signed.month + draw.normal(0, 5, rows)
    return pd.DataFrame(
        {
            "size": np.where(draw.random(rows) < 0.05, np.nan, size),
            "district": district,
            "signed": signed.strftime("%Y-%m-%d"),
            "rent": rent.round(1),
        }
    )


@pytest.mark.usefixtures("tasks")
def test_a_regression_is_trained_served_and_scored(
    new_workshop: Any, wait_until: Callable[..., None], as_engineer: Callable[[Any], Any]
) -> None:
    table = flats(900, seed=3)
    schema = infer_schema(table, "rent", kinds={"signed": "datetime"})
    preparation = Preparation(numeric_missing="mean", scaling="min_max")
    policy = Policy(tolerance=TOLERANCE, preparation=preparation)
    # Without much shrinking, parity is missed by a hair for one in ten ways to draw the holdout rows.
    shop = new_workshop(policy, table, schema=schema, salt="0")
    run = shop.carry_out(shop.open_run(candidates=[{"estimator": "ridge"}]))
    assert (run.status, run.version) == ("succeeded", "1"), run.error
    assert run.gate["verdict"] == "promote"
    assert (run.gate["metric"], run.gate["slice"]) == ("rmse", "reference")
    assert run.gate["champion"] is None  # it was compared with the mean
    assert run.gate["challenger"] < table["rent"].std() / 3

    manifest = shop.registry.manifest(shop.model, "1")
    assert manifest.engine == "onnx"
    assert manifest.preparation["choices"] == preparation.model_dump()
    size = manifest.preparation["columns"][0]
    assert (size["column"], size["missing"]["by"], size["scaling"]["by"]) == ("size", "mean", "min_max")

    with TestClient(create_app(shop.settings)) as client:
        client.auth = as_engineer
        wait_until(lambda: client.get("/readyz").status_code == 200)
        path = f"/v1/models/{shop.model}"
        asked = flats(60, seed=4)
        rows = asked.drop(columns="rent").replace({np.nan: None}).to_dict(orient="records")
        answered = client.post(f"{path}/predictions", json={"inputs": rows})
        assert answered.status_code == 200, answered.text
        predictions = answered.json()["predictions"]
        assert set(predictions[0]) == {"id", "value", "flags", "ask"}
        off = [abs(one["value"] - rent) for one, rent in zip(predictions, asked["rent"], strict=True)]
        gap = asked["size"].isna().to_numpy()
        assert np.median(np.array(off)[~gap]) < TOLERANCE
        assert all(
            ("size: missing" in one["flags"]) == missing
            for one, missing in zip(predictions, gap, strict=True)
        )

        given = [
            client.post(
                f"/v1/predictions/{one['id']}/feedback",
                json={"correct": error <= TOLERANCE, "value": float(rent)},
            )
            for one, error, rent in zip(predictions, off, asked["rent"], strict=True)
        ]
        assert {answer.status_code for answer in given} == {201}
        contradiction = {"correct": True, "value": predictions[0]["value"] + 2 * TOLERANCE}
        refused = client.post(f"/v1/predictions/{predictions[0]['id']}/feedback", json=contradiction)
        assert refused.status_code == 422
        needed = client.post(f"/v1/predictions/{predictions[0]['id']}/feedback", json={"correct": False})
        assert (needed.status_code, needed.json()["errors"][0]["loc"]) == (422, ["body", "value"])
        score = client.get(f"{path}/score").json()
        assert score["n"] == 60
        assert score["value"] == sum(error <= TOLERANCE for error in off) / 60

        bad = client.post(f"{path}/predictions", json={"inputs": [{**rows[0], "signed": "last spring"}]})
        assert bad.json()["errors"][0]["loc"] == ["body", "inputs", 0, "signed"]
        [version] = client.get(f"{path}/versions").json()
        assert version["preparation"]["choices"]["scaling"] == "min_max"
        moved = client.get(f"/v1/predictions/{predictions[0]['id']}/explanation").json()
        assert {one["input"] for one in moved["contributions"]} == {"size", "district", "signed"}
        assert abs(moved["value"] - predictions[0]["value"]) < 0.01
