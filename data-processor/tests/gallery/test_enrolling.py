import os
from pathlib import Path
from typing import Any

import pytest

from data_processor.gallery import enrolling
from data_processor.pictures.expiry import Expiry
from data_processor.pictures.service import open_pictures
from gallery.conftest import DOOR, Door
from tasks.faces.drawn import drawn_scene

PERSONS = f"/v1/models/{DOOR}/persons"


def enrol(door: Door, label: str, *images: str, **more: Any) -> Any:
    return door.call("POST", PERSONS, json={"label": label, "images": list(images), **more})


def test_a_person_is_enrolled_with_what_is_kept_about_them(door: Door) -> None:
    kept = {
        "contact": "ann@example.org",
        "details": {"room": "3"},
        "consent_at": "2026-01-02T03:04:05Z",
        "keep_until": "2099-01-01T00:00:00Z",
    }
    answer = enrol(door, "Ann", door.picture(1), **kept)
    assert answer.status_code == 201, answer.text
    person = answer.json()
    assert {name: person[name] for name in kept} == kept
    assert [one["kind"] for one in person["pictures"]] == ["enrolled"]
    assert door.call("GET", PERSONS).json() == [person]
    assert door.call("GET", f"{PERSONS}/{person['id']}").json() == person


def test_whoever_is_registered_with_the_query_picture_is_known_from_the_next_one_on(door: Door) -> None:
    image = door.picture(1, 1)
    assert door.ask(image)["label"] is None
    enrol(door, "Ann", image)
    assert door.ask(door.picture(1, 2))["label"] == "Ann"


def test_a_bad_picture_enrols_nobody_and_each_is_named(door: Door) -> None:
    images = [door.picture(1), door.store(drawn_scene()), door.store(drawn_scene(1, 2))]
    answer = enrol(door, "Ann", *images)
    assert answer.status_code == 422
    messages = {error["loc"][-1]: error["message"] for error in answer.json()["errors"]}
    assert set(messages) == {1, 2}
    assert "no face" in messages[1]
    assert "2 faces" in messages[2]
    assert door.call("GET", PERSONS).json() == []


def test_a_label_is_given_once(door: Door) -> None:
    enrol(door, "Ann")
    answer = enrol(door, "Ann")
    assert answer.status_code == 409
    assert "'Ann'" in answer.json()["detail"]


def test_the_same_picture_again_changes_nothing(door: Door) -> None:
    image = door.picture(1, folder="train-images", label="Ann")
    first, second = door.teach("Ann", image).json(), door.teach("Ann", image).json()
    assert (first["person"], first["picture"]) == (second["person"], second["picture"])


def test_the_score_says_how_well_a_persons_pictures_find_each_other(door: Door) -> None:
    assert door.teach("Ann", door.picture(1, 0)).json()["score"] is None
    assert door.teach("Ann", door.picture(1, 1)).json()["score"] == 1
    assert door.teach("Ann", door.picture(5, 0)).json()["score"] == pytest.approx(2 / 3)


def test_users_teach_only_persons_whom_they_enrolled(door: Door) -> None:
    image = door.picture(1)
    assert door.teach("Ann", image, who="hall", role="user").status_code == 200
    assert door.teach("Ann", door.picture(1, 1), who="hall", role="user").status_code == 200
    refused = door.teach("Ann", door.picture(9), who="mallory", role="user")
    assert refused.status_code == 403
    assert door.teach("Ann", door.picture(1, 2), who="erin", role="engineer").status_code == 200


def test_a_person_is_renamed_and_answers_have_the_new_name(door: Door) -> None:
    ann = door.knows("Ann", 1)
    door.knows("Bob", 2)
    assert door.call("PATCH", f"{PERSONS}/{ann}", json={"label": "Bob"}).status_code == 409
    changed = door.call("PATCH", f"{PERSONS}/{ann}", json={"label": "Anna", "contact": "1"}).json()
    assert (changed["label"], changed["contact"]) == ("Anna", "1")
    assert door.ask(door.picture(1, 7))["label"] == "Anna"


def test_two_persons_who_are_one_are_merged(door: Door) -> None:
    first, second = door.knows("Ann", 1, 2), door.knows("Anna", 2, 2)
    merged = door.call("PATCH", f"{PERSONS}/{first}", json={"merge": second}).json()
    assert len(merged["pictures"]) == 4
    assert [one["label"] for one in door.call("GET", PERSONS).json()] == ["Ann"]
    assert door.ask(door.picture(2, 7))["label"] == "Ann"
    itself = door.call("PATCH", f"{PERSONS}/{first}", json={"merge": first})
    assert itself.status_code == 422


def test_a_picture_is_shown_and_taken_out(door: Door) -> None:
    ann = door.knows("Ann", 1, 1)
    picture = door.call("GET", f"{PERSONS}/{ann}").json()["pictures"][0]["id"]
    face = door.call("GET", f"{PERSONS}/{ann}/pictures/{picture}")
    assert face.headers["content-type"] == "image/jpeg"
    assert face.content.startswith(b"\xff\xd8\xff")
    assert door.call("DELETE", f"{PERSONS}/{ann}/pictures/{picture}").status_code == 204
    assert door.ask(door.picture(1, 7))["label"] is None
    assert door.call("DELETE", f"{PERSONS}/{ann}/pictures/{picture}").status_code == 404


def test_a_time_that_is_over_is_no_time_to_keep_somebody_until(door: Door) -> None:
    answer = enrol(door, "Ann", keep_until="2020-01-01T00:00:00Z")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", "keep_until"]


@pytest.mark.parametrize("label", ["", " ", "../Ann", "a/b", ".ann", "a\x00b", "x" * 65, "a\nb"])
def test_a_label_that_no_folder_could_have_is_refused(door: Door, label: str) -> None:
    assert enrol(door, label).status_code == 422


def test_a_model_for_rows_knows_no_persons(door: Door) -> None:
    answer = door.call("GET", "/v1/models/census-income/persons")
    assert answer.status_code == 409
    assert "knows no persons" in answer.json()["detail"]
    assert door.call("GET", "/v1/models/nothing/persons").status_code == 404


def test_impostors_do_not_use_up_the_places_of_a_persons_own_pictures(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrolling, "MOST_PICTURES", 2)
    door.knows("Ann", 1, 1)
    for picture in range(5, 9):
        answer = door.ask(door.picture(1, picture))
        if answer["label"] is not None:
            door.say(answer["id"], correct=False)  # more than are kept are no error
    assert door.teach("Ann", door.picture(1, 1)).status_code == 200
    refused = door.teach("Ann", door.picture(1, 2))
    assert refused.status_code == 409
    assert "take some out" in refused.json()["detail"]


def test_a_full_gallery_says_so(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrolling, "MOST_FACES", 1)
    door.knows("Ann", 1, 1)
    refused = door.teach("Bob", door.picture(2))
    assert refused.status_code == 409
    assert door.call("GET", PERSONS).json()[0]["label"] == "Ann"
    assert len(door.call("GET", PERSONS).json()) == 1  # nobody is added without a face


def test_training_pictures_are_kept_while_somebody_is_known_by_them(door: Door) -> None:
    folder = Path(door.world.settings.picture_store)
    ann = door.knows("Ann", 1, 2)
    first, second = door.call("GET", f"{PERSONS}/{ann}").json()["pictures"]
    left = door.picture(2, folder="train-images", label="Nobody")
    recent = door.picture(3, folder="train-images", label="Nobody")
    for image in (first["image"], second["image"], left):
        os.utime(folder / image, (0, 0))
    door.call("DELETE", f"{PERSONS}/{ann}/pictures/{second['id']}")
    Expiry(door.world.settings, door.world.database, open_pictures(door.world.settings)).sweep()
    kept = {path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg")}
    assert kept == {first["image"], recent}
