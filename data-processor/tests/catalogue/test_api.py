from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data_processor.app import create_app
from data_processor.models.refusals import Refusals
from data_processor.rows import DatasetRow, VersionRow

M = "census-income"
PATH = f"/v1/models/{M}"
MOVE = {"stage": "main", "reason": "It is better."}


@pytest.fixture
def boss(client: TestClient, acting_as: Callable[..., Any]) -> TestClient:
    """Call as a maintainer."""
    client.auth = acting_as("max", "maintainer")
    return client


def test_models_are_listed_with_what_is_served_and_how_right_it_is(client: TestClient) -> None:
    (found,) = client.get("/v1/models").json()
    assert (found["name"], found["version"], found["stage"]) == (M, "1", "main")
    assert (found["task"], found["takes"]) == ("tabular-classification", "rows")
    assert found["state"] == found["score"]["state"] == "collecting"


def test_a_model_is_described_for_its_form_and_its_pages(client: TestClient, inputs: Any) -> None:
    found = client.get(PATH).json()
    assert found["target"] == "income-per-year"
    assert found["classes"] == ["<=50K", ">50K"]
    assert found["policy"]["threshold"] == 0.8
    assert found["schema"]["properties"].keys() == inputs[0].keys()
    assert found["columns"] == list(inputs[0])
    assert [version["version"] for version in found["versions"]] == ["3", "2", "1"]
    assert (found["ready"], found["problem"]) == (True, None)


def test_versions_say_where_they_come_from_and_who_serves_them(client: TestClient) -> None:
    three, _, one = client.get(f"{PATH}/versions").json()
    assert (one["stages"], three["stages"]) == (["main"], [])
    assert (one["engine"], three["engine"]) == ("onnx", "scikit-learn")
    assert one["lineage"]["run"] == "run-1"
    assert one["receipt"]["verdict"] == "promote"
    assert one["barred"] is None


def test_only_engineers_learn_whose_labels_a_version_rests_on(
    client: TestClient, serving_world: Any, headers: Callable[..., dict[str, str]]
) -> None:
    receipt = {
        "verdict": "promote",
        "raters": [{"rater": "bob"}],
        "more_raters": 0,
        "without": {"rater": "bob"},
        "waits": "Without the rows that 'bob' labelled …",
    }
    with serving_world.database.transaction() as session:
        row = session.get(VersionRow, ("census-income", "1"))
        row.manifest = {**row.manifest, "receipt": receipt}
    for path in ("", "/versions"):
        shown = {}
        for role in ("user", "engineer"):
            answer = client.get(f"/v1/models/census-income{path}", headers=headers("ann", role)).json()
            versions = answer if path else answer["versions"]
            shown[role] = next(one["receipt"] for one in versions if one["version"] == "1")
        assert shown["engineer"] == receipt
        assert shown["user"] == {
            "verdict": "promote",
            "waits": "A maintainer has to promote this version.",
        }


def test_unknown_models_are_not_found(boss: TestClient) -> None:
    for answer in (
        boss.get("/v1/models/nope"),
        boss.get("/v1/models/nope/versions"),
        boss.get("/v1/models/nope/promotions"),
        boss.patch("/v1/models/nope", json={"policy": {"threshold": 0.5}}),
        boss.delete("/v1/models/nope"),
        boss.post("/v1/models/nope/promotions", json={**MOVE, "version": "1"}),
        boss.post("/v1/models/nope/rollback", json=MOVE),
    ):
        assert answer.status_code == 404, answer.request.url


def test_a_promotion_is_an_entry_of_the_ledger_and_served_at_once(
    boss: TestClient, wait_until: Callable[..., None]
) -> None:
    answer = boss.post(f"{PATH}/promotions", json={**MOVE, "version": "2", "expected_version": "1"})
    assert answer.status_code == 201
    entry = answer.json()
    assert (entry["version"], entry["previous"], entry["seq"]) == ("2", "1", 2)
    assert (entry["subject"], entry["reason"]) == ("max", "It is better.")
    assert entry["receipt"]["verdict"] == "promote"
    assert boss.get(f"{PATH}/promotions").json()[0] == entry
    metric = f'loopkeeper_model_info{{engine="onnx",model="{M}",version="2"}} 1.0'
    wait_until(lambda: metric in boss.get("/metrics").text)
    back = boss.post(f"{PATH}/rollback", json=MOVE)
    assert (back.status_code, back.json()["version"], back.json()["kind"]) == (201, "1", "rollback")
    assert [found["kind"] for found in boss.get(f"{PATH}/promotions").json()] == [
        "rollback",
        "promotion",
        "promotion",
    ]


def test_a_stage_that_moved_is_a_conflict_that_says_what_it_serves(boss: TestClient) -> None:
    answer = boss.post(f"{PATH}/promotions", json={**MOVE, "version": "2", "expected_version": "9"})
    assert answer.status_code == 409
    assert "serves version 1" in answer.json()["detail"]
    none = boss.post(f"{PATH}/promotions", json={**MOVE, "version": "2", "expected_version": None})
    assert none.status_code == 409


def test_what_is_served_already_cannot_be_promoted_nor_the_first_rolled_back(boss: TestClient) -> None:
    assert boss.post(f"{PATH}/promotions", json={**MOVE, "version": "1"}).status_code == 409
    assert boss.post(f"{PATH}/rollback", json=MOVE).status_code == 409


def test_a_version_that_cannot_be_served_is_not_promoted(boss: TestClient, serving_world: Any) -> None:
    (serving_world.settings.models_dir / M / "2" / "model.onnx").write_bytes(b"damaged")
    answer = boss.post(f"{PATH}/promotions", json={**MOVE, "version": "2", "override": True})
    assert answer.status_code == 409
    assert "cannot be served" in answer.json()["detail"]
    assert len(boss.get(f"{PATH}/promotions").json()) == 1


def test_a_version_that_this_stage_did_not_sign_is_listed_with_the_reason_and_never_promoted(
    boss: TestClient, serving_world: Any
) -> None:
    with serving_world.database.transaction() as session:
        session.get(VersionRow, (M, "2")).signature = None
    problems = {found["version"]: found["problem"] for found in boss.get(f"{PATH}/versions").json()}
    assert problems.pop("2").startswith("Version 2 of 'census-income' is not signed: ")
    assert problems == {"1": None, "3": None}
    answer = boss.post(f"{PATH}/promotions", json={**MOVE, "version": "2", "override": True})
    assert answer.status_code == 409
    assert "Version 2 of 'census-income' is not signed" in answer.json()["detail"]
    assert len(boss.get(f"{PATH}/promotions").json()) == 1


def test_an_alias_that_was_moved_back_is_part_of_the_model(client: TestClient, serving_world: Any) -> None:
    assert client.get(PATH).json()["refusals"] == []
    refusals = Refusals(serving_world.database, "main")
    for version in ("7", "8", "7"):
        refusals.record(M, version, f"It was moved to {version}.")
    Refusals(serving_world.database, "staging").record(M, "9", "Another stage's.")
    found = [(one["version"], one["times"], one["reason"]) for one in client.get(PATH).json()["refusals"]]
    assert found == [("7", 2, "It was moved to 7."), ("8", 1, "It was moved to 8.")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"stage": "staging"}, "stage"),
        ({"stage": "moon"}, "stage"),
        ({"reason": " "}, "reason"),
        ({"version": 2}, "version"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_promotion_that_makes_no_sense_is_named(
    boss: TestClient, change: dict[str, Any], field: str
) -> None:
    answer = boss.post(f"{PATH}/promotions", json={**MOVE, "version": "2", **change})
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["errors"]] == [["body", field]]


def test_a_policy_is_changed_field_by_field(boss: TestClient) -> None:
    answer = boss.patch(PATH, json={"policy": {"threshold": 0.9}})
    assert answer.status_code == 200
    assert answer.json()["policy"]["threshold"] == 0.9
    assert boss.get(PATH).json()["policy"] == answer.json()["policy"]


@pytest.mark.parametrize("looks", [[], [0], [50, -1], list(range(1, 22))])
def test_a_watch_makes_checks_and_each_has_a_size(boss: TestClient, looks: list[int]) -> None:
    answer = boss.patch(PATH, json={"policy": {"watch_looks": looks}})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"][:3] == ["body", "policy", "watch_looks"]


def test_every_bad_field_of_a_policy_is_named(boss: TestClient) -> None:
    answer = boss.patch(PATH, json={"policy": {"threshold": 7, "windoww": 3, "ask_rate": 0.1}})
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["errors"]] == [
        ["body", "policy", "threshold"],
        ["body", "policy", "windoww"],
    ]
    assert boss.get(PATH).json()["policy"]["ask_rate"] == 0
    assert boss.patch(PATH, content=b'{"policy": {"cooldown_s": 1e999}}').status_code == 422


def test_a_model_is_created_from_a_dataset_with_its_first_run(boss: TestClient) -> None:
    asked = {"name": "second", "dataset": M, "selection_metric": "roc_auc", "policy": {"threshold": 0.7}}
    answer = boss.post("/v1/models", json=asked)
    assert answer.status_code == 201
    assert answer.json()["task"] == "tabular-classification"
    run = boss.get(f"/v1/runs/{answer.json()['run']}").json()
    assert (run["model"], run["trigger"], run["status"]) == ("second", "initial", "queued")
    found = boss.get("/v1/models/second").json()
    assert (found["version"], found["score"], found["state"]) == (None, None, "collecting")
    assert (found["policy"]["selection_metric"], found["policy"]["threshold"]) == ("roc_auc", 0.7)
    assert found["classes"] == ["<=50K", ">50K"]
    assert boss.post("/v1/models", json=asked).status_code == 409
    assert boss.get("/readyz").status_code == 200


def test_the_first_run_tries_what_was_asked_for(boss: TestClient) -> None:
    chosen = [{"estimator": "hist-gradient-boosting", "params": {"max_leaf_nodes": None, "max_iter": 40}}]
    answer = boss.post("/v1/models", json={"name": "second", "dataset": M, "candidates": chosen})
    assert answer.status_code == 201, answer.text
    assert boss.get(f"/v1/runs/{answer.json()['run']}").json()["options"] == {"candidates": chosen}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"dataset": "nope"}, 404),
        ({"dataset": "storing"}, 409),
        ({"name": "No Name"}, 422),
        ({"name": "../up"}, 422),
        ({"task": "tabular-regression"}, 422),
        ({"selection_metric": "rmse"}, 422),
        ({"policy": {"threshold": 7}}, 422),
        ({"candidates": [{"estimator": "moon"}]}, 422),
        ({"candidates": []}, 422),
    ],
)
def test_a_model_that_cannot_be_is_refused_and_leaves_nothing(
    boss: TestClient, serving_world: Any, change: dict[str, Any], status: int
) -> None:
    with serving_world.database.transaction() as session:
        session.add(DatasetRow(name="storing", task="tabular-classification", schema={}, state="storing"))
    answer = boss.post("/v1/models", json={"name": "second", "dataset": M, **change})
    assert answer.status_code == status, answer.text
    assert len(boss.get("/v1/models").json()) == 1
    assert boss.get("/v1/runs").json() == []


def test_versions_are_deleted_unless_they_are_used(boss: TestClient) -> None:
    assert boss.delete(f"{PATH}/versions/1").status_code == 409
    assert boss.delete(f"{PATH}/versions/3").status_code == 204
    assert boss.delete(f"{PATH}/versions/3").status_code == 404
    assert boss.delete(f"{PATH}/versions").json() == {"deleted": ["2"]}
    assert boss.delete(PATH).status_code == 409


def test_a_prediction_outlives_its_version(
    boss: TestClient, inputs: list[dict[str, Any]], wait_until: Callable[..., None]
) -> None:
    body = {"inputs": inputs[:1], "version": "2"}
    prediction = boss.post(f"{PATH}/predictions", json=body).json()["predictions"][0]
    assert boss.delete(f"{PATH}/versions/2").status_code == 204
    found = boss.get(f"/v1/predictions/{prediction['id']}").json()
    assert (found["version"], found["lineage"], found["label"]) == ("2", None, prediction["label"])
    wait_until(lambda: boss.post(f"{PATH}/predictions", json=body).status_code == 404)


def test_a_version_that_is_kept_out_is_explained(
    boss: TestClient, serving_world: Any, wait_until: Callable[..., None]
) -> None:
    (serving_world.settings.models_dir / M / "2" / "model.onnx").write_bytes(b"damaged")
    serving_world.promote("2")
    wait_until(lambda: boss.get(PATH).json()["problem"] is not None)
    assert boss.get(PATH).json()["problem"].startswith("Version 2 is not served:")
    assert boss.get("/readyz").status_code == 200
    metric = f'loopkeeper_swaps_total{{model="{M}",outcome="failed"}} 1.0'
    assert metric in boss.get("/metrics").text


def test_a_version_is_loaded_beside_the_stages_own_and_unloaded(
    boss: TestClient, inputs: list[dict[str, Any]]
) -> None:
    answer = boss.post(f"{PATH}/versions/2/load")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"model": M, "version": "2", "loaded": True, "places": 4, "taken": 1}
    told = {version["version"]: version["loaded"] for version in boss.get(PATH).json()["versions"]}
    assert told == {"1": False, "2": True, "3": False}
    asked = boss.post(f"{PATH}/predictions", json={"inputs": inputs[:1], "version": "2"})
    assert asked.json()["version"] == "2"
    assert boss.post(f"{PATH}/versions/2/unload").json()["loaded"] is False
    assert not any(version["loaded"] for version in boss.get(f"{PATH}/versions").json())
    assert boss.post(f"{PATH}/versions/9/load").status_code == 404
    assert boss.post(f"{PATH}/versions/9/unload").status_code == 404


def test_loading_more_than_there_are_places_names_those_that_are_taken(
    new_world: Callable[..., Any], acting_as: Any
) -> None:
    world = new_world(pinned_versions=1)
    with TestClient(create_app(world.settings)) as client:
        client.auth = acting_as("eve", "engineer")
        assert client.post(f"{PATH}/versions/2/load").status_code == 200
        answer = client.post(f"{PATH}/versions/3/load")
        assert answer.status_code == 409
        assert "Unload one of them first" in answer.json()["detail"]
        assert answer.json()["loaded"] == [{"model": M, "version": "2"}]


@pytest.mark.parametrize("name", ["face-box", "image-processing", "pictures"])
def test_a_model_has_no_name_of_a_service_on_pictures(boss: TestClient, name: str) -> None:
    answer = boss.post("/v1/models", json={"name": name, "dataset": "census-income"})
    assert answer.status_code == 422
    assert "give the model another one" in answer.json()["errors"][0]["message"]
