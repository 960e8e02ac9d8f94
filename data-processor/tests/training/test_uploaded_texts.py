"""Comments that somebody uploads become models that answer, with a real worker and a real MLflow."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from data_processor.app import create_app


def until(condition: Callable[[], bool], explain: Callable[[], Any], seconds: float = 400) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.2)


@pytest.mark.services
def test_uploaded_comments_are_trained_on_promoted_explained_and_compared(
    new_workshop: Callable[..., Any], as_engineer: Callable[[Any], Any]
) -> None:
    shop = new_workshop()
    draw = np.random.default_rng(8)
    words = {"yes": ["idiot", "stupid", "liar", "fool"], "no": ["thanks", "agree", "school", "good"]}
    labels = draw.choice(["no", "yes"], 300, p=[0.7, 0.3])
    lines = [f'"{" ".join(draw.choice(words[label], 4))}, no {n}",{label}' for n, label in enumerate(labels)]
    with TestClient(create_app(shop.settings)) as client:
        client.auth = as_engineer
        content = "\n".join(["comment,toxic", *lines]).encode()
        uploaded = client.post(
            "/v1/datasets", data={"name": "comments"}, files={"file": ("comments.csv", content)}
        )
        assert uploaded.status_code == 201, uploaded.text
        confirmed = client.put("/v1/datasets/comments/schema", json={"target": "toxic"})
        assert confirmed.status_code == 202, confirmed.text
        shop.start_worker()
        until(lambda: client.get("/v1/datasets/comments").json()["state"] == "ready", shop.worker_log)
        assert client.get("/v1/datasets/comments").json()["task"] == "text-classification"
        until(lambda: len(client.get("/v1/runs?kind=training").json()) == 3, shop.worker_log)
        for run in client.get(
            "/v1/runs?kind=training"
        ).json():  # the searches of the defaults take half a minute
            assert run["trigger"] == "initial"
            client.post(f"/v1/runs/{run['id']}/cancel")
            shop.finish(run["id"])

        model = "/v1/models/comments-naive-bayes"
        runs = []
        for vectorizer in ("tf-idf", {"name": "character-tf-idf", "params": {"ngrams": "3-5"}}):
            asked = {"budget_s": 1, "candidates": [{"estimator": "naive-bayes", "vectorizer": vectorizer}]}
            started = client.post(f"{model}/runs", json=asked)
            assert started.status_code == 202, started.text
            runs.append(shop.finish(started.json()["id"]))
            assert runs[-1].status == "succeeded", shop.worker_log()
        until(lambda: client.get(model).json()["version"] is not None, shop.worker_log)

        def predict() -> Any:
            inputs = [{"comment": "you stupid idiot"}, {"comment": "thanks, good school"}, {"comment": ""}]
            return client.post(f"{model}/predictions", json={"inputs": inputs})

        until(lambda: predict().status_code == 200, lambda: predict().text, 300)
        rude, kind, blank = predict().json()["predictions"]
        assert [rude["label"], kind["label"]] == ["yes", "no"]
        assert (rude["flags"], blank["flags"]) == ([], ["comment: blank"])

        given = client.post(f"/v1/predictions/{rude['id']}/feedback", json={"correct": True})
        assert given.status_code == 201
        explained = client.get(f"/v1/predictions/{rude['id']}/explanation").json()
        moved = {word["text"]: word["contribution"] for word in explained["words"]}
        assert moved["idiot"] > abs(moved["you"])
        assert explained["milliseconds"] < 2000  # 200 is promised, to an idle machine

        compared = client.post(f"{model}/evaluations", json={"versions": ["1", "2"]})
        assert compared.status_code == 200, compared.text
        assert all(one["curves"][0]["roc_auc"] > 0.9 for one in compared.json()["versions"])
        assert "roc_auc" in {line["metric"] for line in compared.json()["differences"]}
