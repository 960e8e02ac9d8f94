from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import canned
import canned_faces
from acting import button, confirm, named, press, said, sent
from canned_faces import photo
from conftest import Open
from fake_faces import ADA
from fake_gateway import FakeGateway

DOOR = {"model": "front-door"}
STRANGER = photo("brown")
PREDICTION = "/front-door/predictions"


def faces(open_page: Open, role: str = "engineer", section: str | None = None) -> AppTest:
    return open_page("faces", role, **DOOR, **({"faces": section} if section else {}))


def show(page: AppTest, content: bytes, name: str = "face.jpg", kind: str = "image/jpeg") -> AppTest:
    """Choose a picture to ask about."""
    page.file_uploader[0].set_value((name, content, kind))
    page.run()
    assert not page.exception
    return page


def links(page: AppTest) -> list[str]:
    return [link.proto.label for link in page.get("page_link")]


def select(page: AppTest, label: str, value: str) -> AppTest:
    group = next(found for found in page.button_group if found.label == label)
    group.set_value(value)
    return page.run()


# Recognise


def test_a_known_face_is_answered_with_name_distance_and_what_is_kept(
    open_page: Open, fake: FakeGateway
) -> None:
    page = show(faces(open_page), ADA)
    assert not page.error
    image = sent(fake, PREDICTION)[0]["inputs"][0]["image"]
    assert fake.pictures[image] == ADA
    assert "# Ada" in said(page)
    assert "Distance 0.214, within the threshold of 0.62 · confidence 91 %" in said(page)
    assert "ada@example.org" in said(page)
    assert "Department: **Engines**" in said(page)
    assert "agreed on 2026-01-31" in said(page)


def test_a_user_sees_the_name_and_not_what_is_kept(open_page: Open, fake: FakeGateway) -> None:
    page = show(faces(open_page, "user"), ADA)
    assert "# Ada" in said(page)
    assert "ada@example.org" not in said(page)
    assert not page.tabs
    assert not [path for _, path, *_ in fake.requests if "/persons" in path]


def test_a_picture_is_asked_about_once(open_page: Open, fake: FakeGateway) -> None:
    page = show(faces(open_page), ADA)
    page.run()
    assert len(sent(fake, PREDICTION)) == 1
    show(page, STRANGER)
    assert len(sent(fake, PREDICTION)) == 2
    assert "# Not recognised" in said(page)


def test_an_unknown_face_is_registered_and_known_from_the_next_picture_on(
    open_page: Open, fake: FakeGateway
) -> None:
    page = show(faces(open_page, "user"), STRANGER)
    assert "# Not recognised" in said(page)
    assert "beyond the threshold" in said(page)
    named(page, "text_input", "Name").set_value(" Grace ")
    named(page, "text_input", "Contact").set_value("room 5")
    named(page, "text_area", "Details").set_value("Department: Compilers\n")
    named(page, "checkbox", "The person agrees to be recognised").check()
    press(page, "Register")
    (asked,) = sent(fake, "/persons")
    assert asked["consent_at"]
    del asked["consent_at"]
    image = sent(fake, PREDICTION)[0]["inputs"][0]["image"]
    assert asked == {
        "label": "Grace",
        "contact": "room 5",
        "details": {"Department": "Compilers"},
        "images": [image],
    }
    assert "Grace** is known from the next picture on" in said(page)
    press(page, "Try it with this picture")
    assert "# Grace" in said(page)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Please enter a name."),
        ({"Name": "Grace", "Details": "Compilers"}, "“Compilers” names nothing"),
        ({"Name": "Ada"}, "There is a person 'Ada' already."),
    ],
)
def test_what_keeps_somebody_from_being_registered_is_said(
    open_page: Open, fields: dict[str, str], sentence: str
) -> None:
    page = show(faces(open_page), STRANGER)
    for label, value in fields.items():
        named(page, "text_area" if label == "Details" else "text_input", label).set_value(value)
    press(page, "Register")
    assert sentence in said(page)
    assert "# Not recognised" in said(page)


def test_an_engineer_adds_the_picture_to_somebody_known(open_page: Open, fake: FakeGateway) -> None:
    page = select(show(faces(open_page), STRANGER), "This is", "Somebody known")
    press(page, "Add the picture")
    assert "Please choose a person." in said(page)
    named(page, "selectbox", "Add to").set_value("person-1")
    press(page, "Add the picture")
    image = sent(fake, PREDICTION)[0]["inputs"][0]["image"]
    assert sent(fake, "/persons/person-1/pictures") == [{"image": image}]
    assert "Ada** is known from the next picture on" in said(page)
    press(page, "Try it with this picture")
    assert "# Ada" in said(page)


def test_a_user_may_not_see_who_is_known(open_page: Open) -> None:
    page = show(faces(open_page, "user"), STRANGER)
    assert not [found for found in page.button_group if found.label == "This is"]


def test_a_picture_without_a_face_is_refused_in_one_sentence(open_page: Open) -> None:
    page = show(faces(open_page), b"\x89PNG nothing", "wall.png", "image/png")
    (error,) = page.error
    assert error.value.replace("\\", "").count("there is no face in it") == 1
    assert "Not recognised" not in said(page)
    assert "# Ada" in said(show(page, ADA))


def test_while_nobody_comes_into_question_that_is_said(open_page: Open, fake: FakeGateway) -> None:
    fake.persons = []
    page = show(faces(open_page), STRANGER)
    assert "Nobody who is enrolled comes into question." in said(page)
    assert not [found for found in page.button_group if found.label == "This is"]


def test_of_several_faces_the_largest_is_taken_and_that_is_said(open_page: Open, fake: FakeGateway) -> None:
    fake.faces = 3
    assert "There are 3 faces in the picture" in said(show(faces(open_page), ADA))


def test_a_picture_of_a_camera_is_asked_for(open_page: Open) -> None:
    page = select(faces(open_page, "user"), "Picture from", "Camera")
    assert [found.label for found in page.camera_input] == ["Look into the camera"]
    assert not page.file_uploader


def test_the_camera_is_still_chosen_after_a_look_at_the_persons(open_page: Open) -> None:
    page = select(faces(open_page), "Picture from", "Camera")
    page.session_state["faces"] = "Persons"
    page.run()
    assert not page.camera_input
    page.session_state["faces"] = "Recognise"
    page.run()
    assert page.camera_input


def test_a_name_is_never_markup(open_page: Open, fake: FakeGateway) -> None:
    fake.persons[0].update(label="**Eve** :red[x]", contact="[a](javascript:alert(1))")
    page = show(faces(open_page), ADA)
    assert r"\*\*Eve\*\* \:red\[x\]" in "".join(str(one.value) for one in page.markdown)
    assert not [one for one in page.markdown if "[a](java" in str(one.value)]


# Feedback


def test_this_is_not_somebody_needs_no_name(open_page: Open, fake: FakeGateway) -> None:
    page = press(show(faces(open_page), ADA), "Wrong")
    assert "not taken for Ada again" in said(page)
    press(page, "This is not Ada")
    assert sent(fake, "/feedback") == [{"correct": False}]
    assert "Thank you. You said: **Wrong**" in said(page)


def test_an_engineer_chooses_who_it_is_of_the_other_persons(open_page: Open, fake: FakeGateway) -> None:
    fake.persons.append(canned_faces.person(2, "Grace"))
    page = press(show(faces(open_page), ADA), "Wrong")
    who = named(page, "selectbox", "Who is it?")
    assert who.options == ["Grace"]
    who.set_value("Grace")
    press(page, "This is not Ada")
    assert sent(fake, "/feedback") == [{"correct": False, "label": "Grace"}]


def test_a_user_writes_who_it_is(open_page: Open, fake: FakeGateway) -> None:
    page = press(show(faces(open_page, "user"), STRANGER), "Wrong")
    named(page, "text_input", "Who is it?").set_value(" Grace ")
    press(page, "Send feedback")
    assert sent(fake, "/feedback") == [{"correct": False, "label": "Grace"}]


def test_that_a_stranger_is_not_recognised_may_be_right(open_page: Open, fake: FakeGateway) -> None:
    press(show(faces(open_page, "user"), STRANGER), "Right")
    assert sent(fake, "/feedback") == [{"correct": True}]


# Persons


def test_persons_are_listed_with_pictures_and_what_is_kept(open_page: Open, fake: FakeGateway) -> None:
    page = faces(open_page, section="Persons")
    assert "1 person, 1 picture" in said(page)
    assert "ada@example.org" in said(page)
    assert len(page.image) == 1
    page.run()
    assert len([path for _, path, *_ in fake.requests if path.endswith("/pictures/picture-1")]) == 1


def test_a_person_with_many_pictures_shows_them_all_when_asked(open_page: Open, fake: FakeGateway) -> None:
    image = next(iter(fake.pictures))
    fake.persons[0]["pictures"] = [canned_faces.picture(number, image) for number in range(1, 10)]
    page = faces(open_page, section="Persons")
    assert len(page.image) == 6
    press(page, "Show all 9")
    assert len(page.image) == 9
    assert button(page, "Remove…", "remove picture-9")


def test_nobody_enrolled_says_how_somebody_gets_there(open_page: Open, fake: FakeGateway) -> None:
    fake.persons = []
    assert "Nobody is enrolled" in said(faces(open_page, section="Persons"))


def test_persons_are_found_by_a_part_of_their_name_and_shown_a_page_at_a_time(
    open_page: Open, fake: FakeGateway
) -> None:
    fake.persons += [canned_faces.person(number, f"Person {number:02}") for number in range(2, 25)]
    page = faces(open_page, section="Persons")
    assert "24 persons" in said(page)
    assert "Person 24" not in said(page)
    page.pagination[0].set_value(3)
    page.run()
    assert "Person 24" in said(page)
    named(page, "text_input", "Find").set_value("SON 13")
    page.run()
    assert "1 person" in said(page)
    assert "Person 13" in said(page)
    assert "Person 24" not in said(page)


def test_somebody_is_enrolled_with_several_pictures(open_page: Open, fake: FakeGateway) -> None:
    page = faces(open_page, section="Persons")
    button(page, "Enrol somebody…").click()
    page.run()
    files = [("1.jpg", photo("olive"), "image/jpeg"), ("2.jpg", photo("navy"), "image/jpeg")]
    page.file_uploader[0].set_value(files)
    named(page, "text_input", "Name").set_value("Grace")
    confirm(page, "Enrol somebody…", "Yes, enrol")
    (asked,) = sent(fake, "/persons")
    assert (asked["label"], len(asked["images"])) == ("Grace", 2)


def test_pictures_are_added_to_a_person(open_page: Open, fake: FakeGateway) -> None:
    page = faces(open_page, section="Persons")
    button(page, "Add pictures…").click()
    page.run()
    page.file_uploader[0].set_value([("1.jpg", photo("olive"), "image/jpeg")])
    button(page, "Add pictures…").click()
    page.run()
    confirm(page, "Add pictures…", "Yes, add")
    assert len(sent(fake, "/persons/person-1/pictures")) == 1
    assert len(fake.persons[0]["pictures"]) == 2


def test_only_what_was_changed_is_sent(open_page: Open, fake: FakeGateway) -> None:
    page = faces(open_page, section="Persons")
    button(page, "Change…").click()
    page.run()
    assert named(page, "text_area", "Details").value == "Department: Engines"
    named(page, "text_input", "Name").set_value("Ada L.")
    confirm(page, "Change…", "Yes, change")
    assert sent(fake, "/persons/person-1") == [{"label": "Ada L."}]


def test_two_entries_of_one_person_are_merged(open_page: Open, fake: FakeGateway) -> None:
    fake.persons.append(canned_faces.person(2, "Ada again"))
    page = faces(open_page, section="Persons")
    button(page, "Change…", "change person-1").click()
    page.run()
    named(page, "selectbox", "The same person as").set_value("person-2")
    confirm(page, "Change…", "Yes, change", "change person-1")
    assert sent(fake, "/persons/person-1") == [{"merge": "person-2"}]
    assert [one["label"] for one in fake.persons] == ["Ada"]


def test_forgetting_asks_first(open_page: Open, fake: FakeGateway) -> None:
    page = press(faces(open_page, section="Persons"), "Forget…")
    assert "deleted for good" in said(page)
    assert len(fake.persons) == 1
    confirm(page, "Forget…", "Yes, forget")
    assert fake.persons == []
    assert "Nobody is enrolled" in said(page)


def test_a_picture_is_taken_out_after_asking(open_page: Open, fake: FakeGateway) -> None:
    page = press(faces(open_page, section="Persons"), "Remove…")
    assert "no longer known by this picture" in said(page)
    confirm(page, "Remove…", "Yes, remove it")
    assert fake.persons[0]["pictures"] == []
    assert "No picture yet" in said(page)


def test_a_picture_of_somebody_else_says_so(open_page: Open, fake: FakeGateway) -> None:
    fake.persons[0]["pictures"][0]["kind"] = "impostor"
    page = press(faces(open_page, section="Persons"), "Remove…")
    assert "not Ada" in said(page)
    assert "0 pictures" in said(page)
    assert "somebody else than **Ada**" in said(page)


# Review


def review(**changes: Any) -> dict[str, Any]:
    default = {
        "prediction": "prediction-000001",
        "at": canned.ago(minutes=3),
        "image": f"query-images/{0:032x}.jpg",
        "label": "Ada",
        "distance": 0.6,
        "threshold": 0.62,
        "confidence": 0.52,
        "reason": "near-threshold",
    }
    return {**default, **changes}


def test_what_is_to_be_reviewed_has_picture_reason_and_feedback(open_page: Open, fake: FakeGateway) -> None:
    fake.reviews = [review(), review(prediction="prediction-000002", reason="contradicted", label=None)]
    page = faces(open_page, section="Review")
    assert "A close call" in said(page)
    assert "Somebody said that this is wrong" in said(page)
    assert "### Not recognised" in said(page)
    assert len(page.image) == 2
    button(page, "Right", "right prediction-000001").click()
    page.run()
    assert sent(fake, "/prediction-000001/feedback") == [{"correct": True}]


def test_an_expired_picture_is_said_to_be(open_page: Open, fake: FakeGateway) -> None:
    fake.reviews = [review(image="query-images/gone.jpg")]
    page = faces(open_page, section="Review")
    assert "The picture has expired" in said(page)
    assert not page.error


def test_nothing_to_review_says_what_would_be_there(open_page: Open) -> None:
    assert "Nothing to review" in said(faces(open_page, section="Review"))


# Models


def test_a_model_for_tables_leads_to_those_for_faces(open_page: Open) -> None:
    page = open_page("faces", "user", model="rents")
    assert "rents recognises no faces" in said(page)
    assert not [found for found in page.button if found.label == "Create a model"]
    press(page, "front\\-door")
    assert page.query_params["model"] == "front-door"
    # What the browser does next has the address that the page gave it.
    page.run()
    assert named(page, "file_uploader", "A picture with a face")


def test_an_engineer_makes_a_model_by_its_name_alone(open_page: Open, fake: FakeGateway) -> None:
    del fake.models["front-door"]
    fake.versions = []
    page = open_page("faces", "engineer", model="rents")
    assert "No model recognises faces yet" in said(page)
    press(page, "Create a model")
    assert "Please enter a name." in said(page)
    named(page, "text_input", "Name of the model").set_value("front-door")
    fake.runs = []
    press(page, "Create a model")
    assert sent(fake, "/v1/models") == [{"name": "front-door", "task": "face-recognition"}]
    assert page.query_params["model"] in ("front-door", ["front-door"])
    assert page.tabs


def test_a_user_is_told_whom_to_ask(open_page: Open, fake: FakeGateway) -> None:
    del fake.models["front-door"]
    assert "Ask an engineer" in said(open_page("faces", "user", model="rents"))


def test_a_model_that_is_still_trained_says_so_and_can_be_filled(open_page: Open, fake: FakeGateway) -> None:
    fake.versions, fake.runs = [], []
    fake.models["front-door"].update(version=None)
    assert "still being trained" in said(faces(open_page))
    assert "1 person" in said(faces(open_page, section="Persons"))


@pytest.mark.parametrize("view", ["predict", "upload"])
def test_pages_for_rows_lead_to_the_one_for_faces(open_page: Open, view: str) -> None:
    page = open_page(view, "user", **DOOR)
    assert "takes pictures" in said(page)
    assert "Recognise a face" in links(page)
    assert not page.file_uploader
    assert not [found for found in page.button if found.label == "Predict"]


@pytest.mark.parametrize(("content", "answer"), [(ADA, "Ada"), (STRANGER, "Not recognised")])
def test_history_and_prediction_show_whose_face_it_was(
    open_page: Open, fake: FakeGateway, content: bytes, answer: str
) -> None:
    show(faces(open_page), content)
    page = open_page("history", "engineer", **DOOR)
    assert f"**{answer}**" in said(page)
    assert "the threshold of 0.62" in said(page)
    page = open_page("prediction", "engineer", id=fake.predictions[0]["id"])
    assert f"# {answer}" in said(page)
    assert len(page.image) == 1
    assert not [found for found in page.button if found.label == "What moved it most?"]


@pytest.mark.parametrize(
    ("section", "sentence"),
    [("Drift", "Pictures are not compared"), ("Compare", "Versions are compared on rows of tables")],
)
def test_what_is_for_tables_says_so(open_page: Open, section: str, sentence: str) -> None:
    page = open_page("model", **DOOR, section=section)
    assert sentence in said(page)
    assert not page.error


def test_monitoring_lists_models_of_pictures(open_page: Open) -> None:
    page = open_page("monitoring", **DOOR)
    assert not page.error
    assert "**front-door**" in said(page)


def test_no_gallery_is_offered_to_train_on(open_page: Open, fake: FakeGateway) -> None:
    gallery = {**fake.training.datasets[0], "name": "front-door", "task": "face-recognition"}
    fake.training.datasets.append(gallery)
    page = open_page("train")
    assert len(named(page, "selectbox", "Dataset").options) == 1
