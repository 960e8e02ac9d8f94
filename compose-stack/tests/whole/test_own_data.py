"""Users' own data, through the public API alone: from an upload to a served model with feedback."""

import time
from collections.abc import Callable
from typing import Any

import pytest

import own_data
from compose_stack.client import Client, Refused

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

POLL_S = 0.25
LONGEST_S = 300
BUDGET_S = 3
FEEDBACK = 60
OPEN = ("queued", "running")


def upload(admin: Client, name: str, content: bytes, filename: str) -> Any:
    return admin.call("POST", "/v1/datasets", data={"name": name}, files={"file": (filename, content)})


def wait_for(poll: Callable[[], Any], done: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + LONGEST_S
    while not done(found := poll()):
        assert time.monotonic() < deadline, found
        time.sleep(POLL_S)
    return found


def bring(admin: Client, name: str, content: bytes, target: str, **confirmed: Any) -> Any:
    """Upload a table and confirm it as proposed; return the dataset once it is stored."""
    proposal = upload(admin, name, content, f"{name}.csv")
    assert proposal["state"] == "proposed"
    admin.call("PUT", f"/v1/datasets/{name}/schema", json={"target": target, **confirmed})
    dataset = wait_for(lambda: admin.call("GET", f"/v1/datasets/{name}"), lambda d: d["state"] != "storing")
    assert dataset["state"] == "ready", dataset["error"]
    return dataset


def train(admin: Client, name: str, dataset: str, **fields: Any) -> Any:
    """Create a model of a dataset; return it once its first version is served."""
    policy = {"budget_s": BUDGET_S, **fields.pop("policy", {})}
    made = admin.call(
        "POST", "/v1/models", json={"name": name, "dataset": dataset, "policy": policy, **fields}
    )
    run = wait_for(lambda: admin.run(made["run"]), lambda run: run["status"] not in OPEN)
    assert run["status"] == "succeeded", run
    assert run["gate"]["verdict"] == "promote", run
    return wait_for(lambda: admin.model(name), lambda model: model["ready"])


def test_a_table_becomes_a_model_that_gets_feedback(admin: Client) -> None:
    dataset = bring(admin, "churn", own_data.churn(1500, seed=1), "outcome")
    kinds = {column["name"]: column["kind"] for column in dataset["columns"]}
    assert kinds["customer"] == "identifier"
    assert (kinds["price"], dataset["task"]) == ("numeric", "tabular-classification")
    assert set(dataset["classes"]) == {"left", "stayed"}

    model = train(admin, "churn", "churn")
    assert model["columns"] == ["months", "price", "plan"]
    rows = [{"months": n % 50 + 1, "price": 50.0, "plan": "basic"} for n in range(FEEDBACK)]
    answers = admin.predict("churn", rows)["predictions"]
    for answer in answers:
        admin.give_feedback(answer["id"], correct=True)
    score = wait_for(lambda: admin.score("churn"), lambda score: score["n"] >= FEEDBACK)
    assert (score["value"], score["state"]) == (1.0, "healthy")


def test_a_number_is_estimated_and_right_within_a_tolerance(admin: Client) -> None:
    dataset = bring(admin, "rents", own_data.rents(1200, seed=2), "rent")
    assert (dataset["task"], dataset["classes"]) == ("tabular-regression", {})

    train(admin, "rents", "rents", policy={"tolerance": 60})
    row = {"size": 80.0, "district": "east", "listed": "2026-05-15"}
    first, second = admin.predict("rents", [row, row])["predictions"]
    assert abs(first["value"] - (8 * 80 + 90)) < 60
    admin.give_feedback(first["id"], correct=True)
    path = f"/v1/predictions/{second['id']}/feedback"
    with pytest.raises(Refused, match="422"):
        admin.call("POST", path, json={"correct": False})
    admin.call("POST", path, json={"correct": False, "value": first["value"] + 500})
    assert wait_for(lambda: admin.score("rents"), lambda score: score["n"] == 2)["value"] == 0.5


def test_texts_become_models_that_get_feedback(admin: Client) -> None:
    dataset = bring(admin, "remarks", own_data.comments(600, seed=3), "verdict")
    assert dataset["task"] == "text-classification"

    train(admin, "rude-or-fine", "remarks")
    rows = [{"remark": "you stupid idiot"}, {"remark": "thanks, interesting article"}]
    rude, fine = admin.predict("rude-or-fine", rows)["predictions"]
    assert (rude["label"], fine["label"]) == ("rude", "fine")
    admin.give_feedback(rude["id"], correct=True)
    assert wait_for(lambda: admin.score("rude-or-fine"), lambda score: score["n"] == 1)["value"] == 1.0
    told = admin.call("GET", f"/v1/predictions/{rude['id']}/explanation")
    assert (told["prediction"], told["label"]) == (rude["id"], "rude")
    defaults = [model for model in admin.call("GET", "/v1/models") if model["built_in"]]
    assert len(defaults) == 3
    with pytest.raises(Refused, match="409"):
        admin.call("DELETE", f"/v1/models/{defaults[0]['name']}")


WIDE = ",".join(f"c{n}" for n in range(10_000)).encode()
BAD_FILES = {
    "empty": (b"", "empty.csv", "empty"),
    "one column": (b"a\n1\n2\n", "one.csv", "one column"),
    "ragged": (b"a,b\n1,2\n1,2,3\n", "ragged.csv", "Row 3 has 3 cells"),
    "two headers with one name": (b"a,a\n1,2\n", "twice.csv", "'a'"),
    "10 000 columns": (WIDE + b"\n" + WIDE + b"\n", "wide.csv", "10000 columns"),
    "an XLSX bomb": (own_data.bomb(), "bomb.xlsx", "unpack"),
    "not what its extension says": (b"\x89PNG\r\n\x1a\n" + bytes(64), "picture.csv", "is a picture"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_refused_in_words_and_not_stored(admin: Client, case: str) -> None:
    content, filename, said = BAD_FILES[case]
    with pytest.raises(Refused) as refused:
        upload(admin, "bad", content, filename)
    assert (refused.value.status, said in str(refused.value)) == (422, True), refused.value
    assert "bad" not in [dataset["name"] for dataset in admin.call("GET", "/v1/datasets")]


def test_a_target_with_one_class_is_refused(admin: Client) -> None:
    upload(admin, "one-class", b"a,b\n1,yes\n2,yes\n3,yes\n", "one-class.csv")
    with pytest.raises(Refused, match="422"):
        admin.call("PUT", "/v1/datasets/one-class/schema", json={"target": "b"})
    assert admin.call("GET", "/v1/datasets/one-class")["state"] == "proposed"
    admin.call("DELETE", "/v1/datasets/one-class")
