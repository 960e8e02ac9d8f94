"""What is for rows of tables says so of a model for faces, in one sentence."""

from typing import Any

import pytest

from gallery.conftest import DOOR, Door

MODEL = f"/v1/models/{DOOR}"


def sentence(answer: Any, status: int) -> str:
    """Return what an answer says, which must have this status."""
    assert answer.status_code == status, answer.text
    return str(answer.json()["detail"])


def test_an_answer_about_a_face_is_not_taken_apart(door: Door) -> None:
    door.knows("Ann", 1, 1)
    answer = door.ask(door.picture(1, 7))
    told = sentence(door.call("GET", f"/v1/predictions/{answer['id']}/explanation"), 409)
    assert "nearest face" in told


def test_versions_are_not_evaluated_on_tables(door: Door) -> None:
    answer = door.call("POST", f"{MODEL}/evaluations", json={"versions": ["1"]})
    assert "compared at the gate" in sentence(answer, 409)


def test_there_is_no_drift_of_pictures(door: Door) -> None:
    assert "columns of tables" in sentence(door.call("POST", f"{MODEL}/drift-reports"), 409)
    assert door.call("GET", f"{MODEL}/drift-reports").json() == []


def test_a_gallery_has_no_profile(door: Door) -> None:
    assert "is a gallery" in sentence(door.call("GET", f"/v1/datasets/{DOOR}/profile"), 409)


def test_no_file_is_uploaded_into_a_gallery(door: Door) -> None:
    table = {"file": ("a.csv", b"a,b\n1,2\n3,4\n")}
    answer = door.call("POST", "/v1/datasets", data={"name": DOOR}, files=table)
    assert "gallery" in sentence(answer, 409)


def test_no_other_model_is_made_on_a_gallery(door: Door) -> None:
    answer = door.call("POST", "/v1/models", json={"name": "second", "dataset": DOOR})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", "dataset"]


def test_a_model_for_faces_needs_no_dataset_and_every_other_does(door: Door) -> None:
    made = door.call("POST", "/v1/models", json={"name": "hall", "task": "face-recognition"})
    assert made.status_code == 201
    assert made.json()["dataset"] == "hall"
    again = door.call("POST", "/v1/models", json={"name": "hall", "task": "face-recognition"})
    assert again.status_code == 409
    with_one = {"name": "hall-2", "task": "face-recognition", "dataset": "census-income"}
    for body in (with_one, {"name": "hall-3", "task": "tabular-classification"}, {"name": "hall-4"}):
        refused = door.call("POST", "/v1/models", json=body)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["loc"] == ["body", "dataset"]


@pytest.mark.parametrize(
    "path", [MODEL, f"{MODEL}/versions", f"{MODEL}/score", f"{MODEL}/score/history", f"{MODEL}/traffic"]
)
def test_all_that_is_shown_of_a_model_is_shown(door: Door, path: str) -> None:
    door.knows("Ann", 1, 1)
    answer = door.ask(door.picture(1, 7))
    door.say(answer["id"], correct=True)
    assert door.call("GET", path, role="maintainer").status_code == 200


@pytest.mark.parametrize("path", ["/v1/models", "/v1/datasets", f"/v1/datasets/{DOOR}", "/v1/tasks"])
def test_lists_have_it_among_the_others(door: Door, path: str) -> None:
    answer = door.call("GET", path)
    assert answer.status_code == 200, answer.text
    assert "face-recognition" in answer.text
