from datetime import datetime

import pytest
from streamlit.testing.v1 import AppTest

import canned
import canned_schemas
from acting import named, press, said, sent
from conftest import Open
from fake_gateway import FakeGateway

NARROW = "\N{NARROW NO-BREAK SPACE}"


def choose_model(page: AppTest, name: str) -> AppTest:
    page.sidebar.selectbox[0].set_value(name)
    return page.run()


def predicted(open_page: Open, model: str = "census-income") -> AppTest:
    page = choose_model(open_page(role="user"), model)
    if model == "rents":
        named(page, "number_input", "Area").set_value(80.0)
    press(page, "Predict")
    assert not page.exception
    assert not page.error
    return page


def test_the_form_has_a_field_for_each_input_with_what_training_saw(open_page: Open) -> None:
    page = open_page(role="user")
    age = named(page, "number_input", "Age")
    assert age.value == 37
    assert age.help == "Years since birth. In training: 17 to 90. May be left empty."
    workclass = named(page, "selectbox", "Workclass")
    assert workclass.value == "Private"
    assert "Never-worked" in workclass.options


def test_what_is_entered_is_what_is_sent(open_page: Open, fake: FakeGateway) -> None:
    page = open_page(role="user")
    named(page, "number_input", "Age").set_value(95)
    named(page, "selectbox", "Workclass").set_value("State-gov")
    named(page, "selectbox", "Education").set_value(None)
    named(page, "number_input", "Capital gain").set_value(None)
    press(page, "Predict")
    (row,) = sent(fake, "/predictions")[0]["inputs"]
    assert (row["age"], row["workclass"], row["education"], row["capital-gain"]) == (
        95,
        "State-gov",
        None,
        None,
    )
    assert row["sex"] == "Male"
    assert "Education: left empty" in said(page)


@pytest.mark.parametrize(("policy", "own"), [("flag", True), ("reject", False)])
def test_own_values_may_be_typed_unless_the_policy_rejects_them(
    open_page: Open, fake: FakeGateway, policy: str, *, own: bool
) -> None:
    fake.models["census-income"]["policy"]["unseen_category"] = policy
    page = open_page(role="user")
    assert named(page, "selectbox", "Workclass").proto.accept_new_options is own


def test_an_answer_shows_label_probability_and_flags(open_page: Open) -> None:
    page = open_page(role="user")
    named(page, "selectbox", "Education").set_value(None)
    press(page, "Predict")
    assert "# <=50K" in said(page)
    assert "**80 %**" in said(page)
    assert "Education: left empty" in said(page)


def test_right_is_sent_at_once_and_the_answer_stays(open_page: Open, fake: FakeGateway) -> None:
    page = predicted(open_page)
    press(page, "Right")
    assert sent(fake, "/feedback") == [{"correct": True}]
    assert "Thank you. You said: **Right**" in said(page)
    assert "# <=50K" in said(page)


def test_wrong_asks_to_confirm_the_other_class(open_page: Open, fake: FakeGateway) -> None:
    page = predicted(open_page)
    press(page, "Wrong")
    assert sent(fake, "/feedback") == []
    assert "is **>50K**. Is that so?" in said(page)
    named(page, "text_input", "Comment").set_value(" I know ")
    press(page, "Send feedback")
    assert sent(fake, "/feedback") == [{"correct": False, "label": ">50K", "comment": "I know"}]
    assert "Wrong, it is >50K" in said(page)
    assert not [found for found in page.button if found.label == "Send feedback"]


def test_wrong_among_many_classes_offers_the_others(open_page: Open, fake: FakeGateway) -> None:
    page = predicted(open_page, "flowers")
    press(page, "Wrong")
    truth = named(page, "selectbox", "True label")
    assert truth.options == ["rose", "tulip"]
    press(page, "Send feedback")
    assert sent(fake, "/feedback") == [{"correct": False}]


def test_wrong_of_a_number_needs_the_true_value(open_page: Open, fake: FakeGateway) -> None:
    page = predicted(open_page, "rents")
    press(page, "Wrong")
    press(page, "Send feedback")
    assert "Please enter the true value." in said(page)
    named(page, "number_input", "True value").set_value(900.0)
    press(page, "Send feedback")
    assert sent(fake, "/feedback") == [{"correct": False, "value": 900.0}]


def test_a_mind_can_be_changed(open_page: Open, fake: FakeGateway) -> None:
    page = predicted(open_page)
    press(page, "Right", "Wrong", "Send feedback")
    assert [body["correct"] for body in sent(fake, "/feedback")] == [True, False]
    assert "Wrong, it is" in said(page)


def test_never_mind_leaves_everything_as_it_was(open_page: Open, fake: FakeGateway) -> None:
    page = predicted(open_page)
    press(page, "Wrong", "Never mind")
    assert sent(fake, "/feedback") == []
    assert "Was this right?" in said(page)


@pytest.mark.parametrize("ask", [True, False])
def test_the_page_asks_by_itself_when_the_platform_wants_to_know(
    open_page: Open, fake: FakeGateway, *, ask: bool
) -> None:
    fake.ask = ask
    assert ("Please give feedback on this one" in said(predicted(open_page))) is ask


def test_a_refused_input_names_the_field_and_keeps_the_last_answer(open_page: Open) -> None:
    page = predicted(open_page)
    named(page, "number_input", "Age").set_value(-1)
    press(page, "Predict")
    assert "- **Age**: must be a number from 0 on" in said(page)
    assert [heading.value for heading in page.subheader] == ["Your previous answer"]


def test_a_model_that_is_not_ready_is_no_error(open_page: Open, fake: FakeGateway) -> None:
    page = open_page(role="user")
    fake.trouble("/v1/models/census-income/predictions", 503)
    press(page, "Predict")
    assert "still being trained" in said(page)
    assert not page.error


def test_feedback_that_cannot_be_stored_is_not_thanked_for(open_page: Open, fake: FakeGateway) -> None:
    page = predicted(open_page)
    fake.trouble("/v1/predictions", 503, "The feedback was not stored.")
    press(page, "Right")
    assert "The feedback was not stored" in said(page)
    assert "Thank you" not in said(page)
    assert "# <=50K" in said(page)


def test_answer_and_inputs_survive_another_page(open_page: Open) -> None:
    page = open_page(role="user")
    named(page, "number_input", "Age").set_value(51)
    press(page, "Predict")
    page.switch_page("views/history.py").run()
    page.switch_page("views/predict.py").run()
    assert named(page, "number_input", "Age").value == 51
    assert "# <=50K" in said(page)


def test_answer_and_inputs_survive_a_reload_of_the_browser(open_page: Open, fake: FakeGateway) -> None:
    page = open_page(role="user")
    named(page, "number_input", "Age").set_value(51)
    named(page, "selectbox", "Education").set_value(None)
    press(page, "Predict")
    reloaded = open_page("predict", "user", answer=page.query_params["answer"])
    assert "# <=50K" in said(reloaded)
    assert named(reloaded, "number_input", "Age").value == 51
    assert named(reloaded, "selectbox", "Education").value is None
    assert len(sent(fake, "/predictions")) == 1


def test_an_address_with_an_unknown_answer_is_an_empty_form(open_page: Open) -> None:
    page = open_page("predict", "user", answer="nobody-knows")
    assert not page.error
    assert not page.subheader


def test_a_field_that_may_not_stay_empty_says_so(open_page: Open, fake: FakeGateway) -> None:
    fake.models["census-income"]["schema"]["required"] = ["age"]
    page = open_page(role="user")
    assert named(page, "number_input", "Age").proto.placeholder == "Required"
    assert named(page, "selectbox", "Workclass").proto.placeholder == "Unknown"


@pytest.mark.parametrize("status", [429, 500, 502])
def test_a_failing_gateway_takes_neither_the_form_nor_the_answer(
    open_page: Open, fake: FakeGateway, status: int
) -> None:
    page = open_page(role="user")
    named(page, "number_input", "Age").set_value(51)
    press(page, "Predict")
    fake.trouble("/v1/", status, "Out of order.")
    press(page, "Predict")
    assert "Out of order" in said(page)
    assert named(page, "number_input", "Age").value == 51
    assert "# <=50K" in said(page)
    assert [heading.value for heading in page.subheader] == ["Your previous answer"]


def test_a_page_that_cannot_be_shown_can_be_tried_again(open_page: Open, fake: FakeGateway) -> None:
    fake.trouble("/v1/models", 500, "Out of order.")
    page = open_page(role="user")
    assert "Out of order" in said(page)
    fake.troubles.clear()
    press(page, "Try again")
    assert named(page, "number_input", "Age").value == 37


def test_an_answer_is_explained_when_somebody_asks(open_page: Open) -> None:
    page = press(predicted(open_page), "What moved it most?")
    assert not page.error
    assert "version 2 puts the probability of '<=50K' at 78 % on average" in said(page).replace(NARROW, " ")
    assert "These inputs move it to 95 %" in said(page).replace(NARROW, " ")
    drawn = [chart.proto.alt for chart in page.get("vega_lite_chart")]
    assert any("Relationship: Not-in-family: +19.5 points" in str(alt) for alt in drawn)
    assert any("Marital status: missing: +3.4 points, Occupation" in str(alt) for alt in drawn)
    assert any("2 other inputs: +1.8 points" in str(alt) for alt in drawn)
    assert "What moved it most?" not in [found.label for found in page.button]


def test_a_value_is_explained_in_its_own_unit(open_page: Open) -> None:
    page = press(predicted(open_page, "rents"), "What moved it most?")
    assert "at 900 on average. These inputs move it to 1 050.5" in said(page).replace(NARROW, " ")


def test_an_answer_that_cannot_be_explained_says_why(open_page: Open, fake: FakeGateway) -> None:
    page = predicted(open_page)
    fake.trouble("/v1/predictions", 409, "It was registered without a background sample.")
    press(page, "What moved it most?")
    assert "registered without a background sample" in said(page)
    assert "What moved it most?" in [found.label for found in page.button]


def comments(open_page: Open) -> AppTest:
    return choose_model(open_page(role="user"), "comments")


def areas(page: AppTest) -> list[str]:
    return [found.label for found in page.text_area]


def test_a_text_is_predicted_with_the_probability_of_each_class(open_page: Open, fake: FakeGateway) -> None:
    page = comments(open_page)
    page.text_area[0].set_value("You are kind. ")
    press(page, "Predict")
    assert sent(fake, "/comments/predictions") == [{"inputs": [{"comment_text": "You are kind."}]}]
    assert [heading.value for heading in page.subheader] == ["Answer"]
    drawn = [str(chart.proto.alt) for chart in page.get("vega_lite_chart")]
    assert drawn == ["0: 80%, 1: 20%"]


def test_several_texts_are_predicted_and_each_takes_feedback(open_page: Open, fake: FakeGateway) -> None:
    page = comments(open_page)
    page.text_area[0].set_value("First")
    press(page, "Another text", "Another text")
    assert areas(page) == ["Comment text 1", "Comment text 2", "Comment text 3"]
    assert page.text_area[0].value == "First"
    page.text_area[2].set_value("Third")
    press(page, "Predict")
    assert sent(fake, "/comments/predictions")[0]["inputs"] == [
        {"comment_text": "First"},
        {"comment_text": "Third"},
    ]
    assert "“Third”" in said(page)
    assert len([found for found in page.button if found.label == "Right"]) == 2
    reloaded = open_page("predict", "user", answer=page.query_params["answer"])
    assert not reloaded.subheader  # another model's answers


def test_texts_survive_a_reload_of_the_browser(open_page: Open, fake: FakeGateway) -> None:
    fake.models = {"comments": fake.models["comments"]}
    page = open_page(role="user")
    press(page, "Another text")
    for place, text in enumerate(("First", "Second")):
        page.text_area[place].set_value(text)
    press(page, "Predict")
    reloaded = open_page("predict", "user", answer=page.query_params["answer"])
    assert [found.value for found in reloaded.text_area] == ["First", "Second"]
    assert "Answers" in [heading.value for heading in reloaded.subheader]


def test_no_text_is_no_request(open_page: Open, fake: FakeGateway) -> None:
    page = press(comments(open_page), "Predict")
    assert "Please enter a text" in said(page)
    assert sent(fake, "/comments/predictions") == []


def test_a_loaded_version_can_be_asked(open_page: Open, fake: FakeGateway) -> None:
    assert not [found for found in open_page(role="user").selectbox if found.label == "Version"]
    fake.versions[2]["loaded"] = True
    page = open_page(role="user")
    named(page, "selectbox", "Version").set_value("3")
    press(page, "Predict")
    assert sent(fake, "/predictions")[0]["version"] == "3"
    assert "Version 3 · prediction" in said(page)


def test_a_date_long_past_can_be_entered_and_comes_back(open_page: Open, fake: FakeGateway) -> None:
    fake.models = {"flowers": fake.models["flowers"]}
    page = open_page(role="user")
    named(page, "date_time_input", "Seen at").set_value(datetime(1871, 5, 4, 13, 30))  # noqa: DTZ001  # as entered
    press(page, "Predict")
    assert sent(fake, "/predictions")[0]["inputs"][0]["seen-at"] == "1871-05-04T13:30:00+00:00"
    reloaded = open_page("predict", "user", answer=page.query_params["answer"])
    assert named(reloaded, "date_time_input", "Seen at").value == datetime(1871, 5, 4, 13, 30)  # noqa: DTZ001


def test_how_near_a_value_must_be_is_said(open_page: Open, fake: FakeGateway) -> None:
    fake.models["rents"]["policy"] = {**fake.models["rents"]["policy"], "tolerance": 50.0}
    page = press(predicted(open_page, "rents"), "Wrong")
    assert "off by at most 50 counts as right" in said(page)


def test_a_text_is_explained_by_its_words(open_page: Open, fake: FakeGateway) -> None:
    page = comments(open_page)
    page.text_area[0].set_value("You fool, you fool")
    press(page, "Predict")
    fake.explanation = {
        **canned.EXPLANATION,
        "background_rows": 0,
        "words": [
            {"text": "You", "start": 0, "end": 3, "contribution": 0.01},
            {"text": "fool", "start": 4, "end": 8, "contribution": 0.2},
            {"text": "fool", "start": 14, "end": 18, "contribution": 0.1},
        ],
    }
    press(page, "What moved it most?")
    assert "For a blank text, version 2 puts" in said(page)
    drawn = [str(chart.proto.alt) for chart in page.get("vega_lite_chart")]
    assert any("“fool”: +30.0 points, “You”: +1.0 points" in alt for alt in drawn)


def unserved(fake: FakeGateway) -> None:
    fake.models["census-income"].update(version=None, problem="The gate's verdict was 'hold'.")


def test_a_version_that_is_not_served_answers_by_name(open_page: Open, fake: FakeGateway) -> None:
    unserved(fake)
    page = open_page(role="user")
    assert "No version is served yet" in said(page)
    assert "96 rows do not prove it" in said(page)
    press(page, "Predict")
    assert sent(fake, "/predictions")[0]["version"] == "3"
    assert "Version 3 · prediction" in said(page)


def test_a_promoted_version_that_cannot_be_loaded_says_why(open_page: Open, fake: FakeGateway) -> None:
    unserved(fake)
    fake.versions = [canned.version("2")]
    fake.models["census-income"]["problem"] = "Version 2 is not served: its file is not what it was."
    assert "its file is not what it was" in said(open_page(role="user"))


def test_only_a_maintainer_is_shown_the_way_to_promote_it(open_page: Open, fake: FakeGateway) -> None:
    unserved(fake)
    links = {
        role: any("promote a version" in link.proto.label for link in open_page(role=role).get("page_link"))
        for role in ("user", "maintainer")
    }
    assert links == {"user": False, "maintainer": True}


def test_a_first_run_that_failed_is_no_waiting(open_page: Open, fake: FakeGateway) -> None:
    unserved(fake)
    fake.versions, fake.runs = [], [dict(canned.FAILED)]
    assert "still being trained" in said(open_page(role="user"))
    page = open_page(role="engineer")
    assert "has no rows of the class" in said(page)
    assert "Show the run" in [link.proto.label for link in page.get("page_link")]


def test_a_date_begins_where_training_ended(open_page: Open, fake: FakeGateway) -> None:
    seen = {"type": "string", "x-kind": "datetime", "default": "2024-03-01"}
    fake.models = {"flowers": fake.models["flowers"]}
    fake.models["flowers"]["schema"] = canned_schemas.schema({"seen-at": seen}, ["seen-at"])
    page = open_page(role="user")
    assert named(page, "date_time_input", "Seen at").value == datetime(2024, 3, 1, 0, 0)  # noqa: DTZ001
