import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

M = "census-income"
PATH = f"/v1/models/{M}/predictions"
Rows = list[dict[str, Any]]


def predicted(client: TestClient, row: dict[str, Any], **envelope: Any) -> dict[str, Any]:
    answer = client.post(PATH, json={"inputs": [row], **envelope})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["predictions"][0]
    return found


def test_a_prediction_is_explained_by_the_inputs_that_moved_it_most(
    client: TestClient, inputs: Rows, serving_world: Any
) -> None:
    prediction = predicted(client, inputs[0])
    answer = client.get(f"/v1/predictions/{prediction['id']}/explanation")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["prediction"], found["model"], found["version"]) == (prediction["id"], M, "1")
    assert (found["label"], found["unit"]) == (prediction["label"], "probability")
    assert found["explained"] == f"the probability of {prediction['label']!r}"
    assert found["value"] == pytest.approx(prediction["probabilities"][prediction["label"]], abs=1e-5)
    moved = [one["contribution"] for one in found["contributions"]]
    assert found["baseline"] + sum(moved) == pytest.approx(found["value"], abs=1e-5)
    assert moved == sorted(moved, key=abs, reverse=True)
    assert {one["input"]: one["given"] for one in found["contributions"]} == inputs[0]
    assert "shap" in found["method"]

    # A child that was killed is replaced, and one that ended leaves nothing behind.
    explanations = client.app.state.loopkeeper.explanations  # type: ignore[attr-defined]
    os.kill(explanations._child.process_id, signal.SIGKILL)
    path = f"/v1/predictions/{prediction['id']}/explanation"
    gone = client.get(path)
    assert (gone.status_code, gone.headers["Retry-After"]) == (503, "2")
    assert client.get(path).json()["contributions"] == found["contributions"]
    explanations.close()
    assert not list(serving_world.settings.runs_dir.glob("explanations-*"))


def test_only_ones_own_predictions_are_explained(
    client: TestClient, inputs: Rows, headers: Callable[..., dict[str, str]]
) -> None:
    path = f"/v1/predictions/{predicted(client, inputs[0])['id']}/explanation"
    assert client.get(path, headers=headers("bob")).status_code == 404
    assert client.get("/v1/predictions/none/explanation").status_code == 404


def test_a_version_without_a_background_says_so(client: TestClient, inputs: Rows) -> None:
    prediction = predicted(client, inputs[0], version="2")
    answer = client.get(f"/v1/predictions/{prediction['id']}/explanation")
    assert answer.status_code == 409
    assert "registered without a background sample" in answer.json()["detail"]


def test_a_version_that_was_deleted_explains_nothing(
    client: TestClient, inputs: Rows, serving_world: Any
) -> None:
    prediction = predicted(client, inputs[0], version="3")
    serving_world.registry.delete_version(M, "3")
    client.app.state.loopkeeper.registry._manifests.clear()  # type: ignore[attr-defined]
    answer = client.get(f"/v1/predictions/{prediction['id']}/explanation")
    assert answer.status_code == 409
    assert "was deleted" in answer.json()["detail"]
