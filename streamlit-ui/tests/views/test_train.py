import pytest
from streamlit.testing.v1 import AppTest

import canned_training
from acting import named, press, said, sent
from conftest import Open
from fake_gateway import FakeGateway


@pytest.fixture(autouse=True)
def nothing_open(fake: FakeGateway) -> None:
    fake.runs = [run for run in fake.runs if run["status"] != "running"]
    fake.models.pop("comments")
    fake.training.datasets += [
        canned_training.dataset("comments", task="text-classification", target="toxic"),
        canned_training.dataset("half", state="storing", version=None),
    ]


def choose(page: AppTest, label: str, value: str) -> AppTest:
    next(found for found in page.button_group if found.label == label).set_value(value)
    return page.run()


def by_hand(open_page: Open, dataset: str = "comments") -> AppTest:
    return choose(open_page("train", "engineer", dataset=dataset), "What is tried", "Manual")


def test_one_button_trains_with_what_is_proposed(open_page: Open, fake: FakeGateway) -> None:
    page = press(open_page("train", "engineer", dataset="comments"), "Find the best model")
    assert fake.training.created == [
        {
            "name": "comments",
            "dataset": "comments",
            "selection_metric": "roc_auc",
            "policy": {"budget_s": 60},
        }
    ]
    assert [title.value for title in page.title] == ["Run"]


def test_only_stored_data_is_offered_and_a_free_name(open_page: Open) -> None:
    page = open_page("train", "engineer", dataset="census-income")
    assert len(named(page, "selectbox", "Dataset").options) == 2
    assert named(page, "text_input", "Name of the model").value == "census-income-2"


def test_each_metric_says_what_it_means(open_page: Open) -> None:
    page = open_page("train", "engineer", dataset="comments")
    assert "0.5 is guessing, 1 is perfect" in said(page)
    named(page, "selectbox", "Compare candidates by").set_value("log_loss")
    page.run()
    assert "Smaller is better" in said(page)


def test_the_budget_is_in_the_unit_people_choose(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("train", "engineer", dataset="comments")
    assert named(page, "number_input", "The search may take").value == 1
    choose(page, "Unit", "seconds")
    assert named(page, "number_input", "The search may take").value == 60
    choose(page, "Unit", "minutes")
    named(page, "number_input", "The search may take").set_value(3)
    press(page, "Find the best model")
    assert fake.training.created[0]["policy"] == {"budget_s": 180}


def test_a_candidate_chosen_by_hand_is_sent_with_what_was_set(open_page: Open, fake: FakeGateway) -> None:
    page = by_hand(open_page)
    named(page, "multiselect", "Set manually for Weighted words (tf-idf)").set_value(["ngram_max"])
    named(page, "multiselect", "Set manually for Logistic regression").set_value(["C"])
    page.run()
    named(page, "number_input", "Ngram max").set_value(2)
    named(page, "number_input", "C").set_value(0.5)
    press(page, "Train these candidates")
    assert fake.training.created[0]["candidates"] == [
        {
            "vectorizer": {"name": "tf-idf", "params": {"ngram_max": 2}},
            "estimator": "logistic-regression",
            "params": {"C": 0.5},
        }
    ]


def test_several_candidates_compete(open_page: Open, fake: FakeGateway) -> None:
    page = press(by_hand(open_page, "census-income"), "Add a candidate")
    estimators = [found for found in page.selectbox if found.label == "Estimator"]
    estimators[1].set_value("hist-gradient-boosting")
    page.run()
    press(page, "Train these candidates")
    assert [one["estimator"] for one in fake.training.created[0]["candidates"]] == [
        "logistic-regression",
        "hist-gradient-boosting",
    ]


def test_a_candidate_can_be_taken_out(open_page: Open, fake: FakeGateway) -> None:
    page = press(by_hand(open_page, "census-income"), "Add a candidate", "Remove")
    assert "Remove" not in [found.label for found in page.button]
    press(page, "Train these candidates")
    assert len(fake.training.created[0]["candidates"]) == 1


def test_a_number_may_be_left_empty_where_it_is_allowed(open_page: Open, fake: FakeGateway) -> None:
    page = by_hand(open_page, "census-income")
    named(page, "selectbox", "Estimator").set_value("hist-gradient-boosting")
    page.run()
    named(page, "multiselect", "Set manually for Gradient boosting").set_value(["max_leaf_nodes"])
    page.run()
    named(page, "number_input", "Max leaf nodes").set_value(None)
    press(page, "Train these candidates")
    assert fake.training.created[0]["candidates"][0]["params"] == {"max_leaf_nodes": None}


def test_another_preparation_is_sent(open_page: Open, fake: FakeGateway) -> None:
    page = by_hand(open_page, "census-income")
    named(page, "selectbox", "Scaling").set_value("min_max")
    press(page, "Train these candidates")
    assert fake.training.created[0]["preparation"] == {"scaling": "min_max"}


def test_a_name_that_is_refused_says_so_beside_it(open_page: Open) -> None:
    page = open_page("train", "engineer", dataset="comments")
    named(page, "text_input", "Name of the model").set_value("Loud")
    press(page, "Find the best model")
    assert [error.value.replace("\\", "") for error in page.error] == [
        "must be in small letters",
        "The request is not valid. See the errors above.",
    ]


def test_a_name_that_is_taken_is_a_sentence(open_page: Open) -> None:
    page = open_page("train", "engineer", dataset="comments")
    named(page, "text_input", "Name of the model").set_value("taken")
    press(page, "Find the best model")
    assert "There is a model 'taken' already" in said(page)


def test_a_model_that_is_there_is_trained_again(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("train", "engineer", model="rents")
    assert named(page, "number_input", "The search may take").value == 30
    named(page, "text_input", "Reason").set_value("new data")
    press(page, "Train again")
    assert sent(fake, "/rents/runs") == [{"budget_s": 30, "reason": "new data"}]


def test_again_by_hand_sends_the_candidates(open_page: Open, fake: FakeGateway) -> None:
    page = choose(open_page("train", "engineer", model="rents"), "What is tried", "Manual")
    press(page, "Train again")
    assert sent(fake, "/rents/runs")[0]["candidates"] == [
        {"estimator": "hist-gradient-boosting", "params": {}}
    ]


def test_an_open_run_is_shown_instead_of_a_second_one(open_page: Open, fake: FakeGateway) -> None:
    fake.runs[0]["status"] = "running"
    page = press(open_page("train", "engineer", model="rents"), "Train again")
    assert "is still open" in said(page)
    assert "Show the open run" in [link.proto.label for link in page.get("page_link")]


def test_without_data_the_way_to_bring_some_is_shown(open_page: Open, fake: FakeGateway) -> None:
    fake.training.datasets = []
    page = open_page("train", "engineer")
    assert "No data yet" in said(page)
    assert "Upload data" in [link.proto.label for link in page.get("page_link")]
