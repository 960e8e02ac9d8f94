from typing import Any

from acting import button, confirm, named, press, said, sent, wrapped_table
from conftest import Open
from fake_gateway import FakeGateway


def test_every_model_is_listed_with_its_versions(open_page: Open, fake: FakeGateway) -> None:
    fake.versions[2]["loaded"] = True
    page = open_page("models", "user")
    assert len(page.table) == len(fake.models)
    table = wrapped_table(page)
    assert list(table["Version"]) == ["3", "2", "1"]
    assert list(table["Loaded"]) == ["loaded", "", ""]
    assert list(table["Serves"]) == ["", "main", ""]
    assert table["Settings"][0] == "learning rate 0.08"
    assert "1 loaded" in said(page)


def test_a_user_is_offered_neither_training_nor_removal(open_page: Open) -> None:
    labels = {found.label for found in open_page("models", "user").button}
    assert labels == {"Sign out"}


def test_a_model_and_its_sections_have_addresses(open_page: Open) -> None:
    page = open_page("models", "engineer")
    found: Any = page.main.get("page_link")
    links = [(link.proto.label, link.proto.query_string) for link in found]
    assert ("Open", "model=rents") in links
    assert ("Compare", "model=rents&section=Compare") in links


def test_training_again_begins_with_that_model(open_page: Open) -> None:
    page = open_page("models", "engineer")
    button(page, "Train again", "train rents").click()
    page.run()
    assert named(page, "selectbox", "Model to train again").value == "rents"


def test_unused_versions_of_all_models_go_once_somebody_said_yes(open_page: Open, fake: FakeGateway) -> None:
    page = press(open_page("models"), "Remove all unused versions…")
    assert fake.training.removed == []
    confirm(page, "Remove all unused versions…", "Yes, remove them")
    assert fake.training.removed == [f"{name}/*" for name in fake.models]
    assert "10 versions were removed" in said(page)


def test_unused_models_go_at_once_and_the_others_say_why_they_stay(
    open_page: Open, fake: FakeGateway
) -> None:
    page = press(open_page("models"), "Delete all unused models…")
    assert fake.training.removed == []
    confirm(page, "Delete all unused models…", "Yes, delete them")
    assert fake.training.removed == ["*"]
    assert "Deleted: rents. Model 'flowers' stays: a run is open." in said(page)


def test_a_default_model_is_not_offered_for_deletion(open_page: Open, fake: FakeGateway) -> None:
    fake.models["rents"]["built_in"] = True
    page = open_page("models")
    assert button(page, "Delete…", "delete rents").disabled
    assert not button(page, "Delete…", "delete flowers").disabled


def test_a_model_that_is_served_is_not_deleted_and_says_why(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("models")
    button(page, "Delete…", "delete census-income").click()
    page.run()
    confirm(page, "Delete…", "Yes, delete it", key="delete census-income")
    assert "stage main serves it" in said(page)
    assert fake.training.removed == []


def test_a_model_is_deleted_once_somebody_said_yes(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("models")
    button(page, "Delete…", "delete rents").click()
    page.run()
    confirm(page, "Delete…", "Yes, delete it", key="delete rents")
    assert fake.training.removed == ["rents"]


def test_a_version_is_removed_once_somebody_said_yes(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("model", section="Versions")
    assert button(page, "Remove…", "removal of 2").disabled
    button(page, "Remove…", "removal of 3").click()
    page.run()
    assert fake.training.removed == []
    confirm(page, "Remove…", "Yes, remove it", key="removal of 3")
    assert fake.training.removed == ["census-income/3"]
    assert "Version 3 is removed" in said(page)


def test_only_a_maintainer_removes(open_page: Open) -> None:
    page = open_page("model", "engineer", section="Versions")
    labels = {found.label for found in page.button}
    assert "Load into memory" in labels
    assert not {"Remove…", "Remove all unused…"} & labels


def test_versions_are_compared_on_the_models_own_rows(open_page: Open, fake: FakeGateway) -> None:
    page = press(open_page("model", "engineer", section="Compare"), "Compare")
    assert sent(fake, "/evaluations") == [{"versions": ["2", "3"]}]
    table = page.dataframe[0].value
    assert list(table["Metric"]) == ["Accuracy", "ROC AUC", "Log loss"]
    assert list(table["Version 2"]) == ["0.86", "0.921", "0.31"]
    assert "version 1 is worse" in said(page)
    assert "cannot tell the two apart" in said(page)
    assert len(page.get("vega_lite_chart")) == 5


def test_a_comparison_starts_with_the_champion_and_the_newest_of_each_model(
    open_page: Open, fake: FakeGateway
) -> None:
    page = open_page("model", "engineer", section="Compare", model="census-income")
    named(page, "multiselect", "Versions").set_value(["1"])
    page.run()
    page.query_params["model"] = "rents"
    page.run()
    assert named(page, "multiselect", "Versions").value == ["2", "3"]
    fake.models["rents"]["version"] = "1"
    page.run()
    assert named(page, "multiselect", "Versions").value == ["1", "3"]


def test_versions_are_compared_on_any_labelled_dataset(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("model", "engineer", section="Compare")
    named(page, "multiselect", "Versions").set_value(["1"])
    named(page, "selectbox", "Labelled rows").set_value("census-income")
    press(page, "Compare")
    assert sent(fake, "/evaluations") == [{"versions": ["1"], "dataset": "census-income"}]


def test_a_comparison_that_is_refused_says_why(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("model", "engineer", section="Compare")
    fake.trouble("/v1/models/census-income/evaluations", 409, "There are no labelled rows.")
    press(page, "Compare")
    assert "There are no labelled rows" in said(page)
    assert not page.dataframe


def test_there_is_nothing_to_compare_before_the_first_version(open_page: Open, fake: FakeGateway) -> None:
    fake.empty()
    assert "No version yet" in said(open_page("model", "engineer", section="Compare"))
