import pytest
from streamlit.testing.v1 import AppTest

import canned
from acting import button, confirm, named, press, said, sent
from conftest import Open
from fake_gateway import FakeGateway


def give_reason(page: AppTest, reason: str) -> None:
    named(page, "text_input", "Reason").set_value(reason)


@pytest.mark.parametrize(("role", "tabs"), [("user", 2), ("engineer", 5), ("maintainer", 6)])
def test_a_role_decides_which_sections_and_buttons_there_are(open_page: Open, role: str, tabs: int) -> None:
    page = open_page("model", role)
    assert len(page.tabs) == tabs
    assert ("Roll back…" in [found.label for found in page.button]) is (role == "maintainer")


def test_the_score_shows_its_state_and_reason(open_page: Open) -> None:
    page = open_page("model", "user")
    metrics = {metric.label: metric.value for metric in page.metric}
    assert list(metrics.items())[:4] == [
        ("Score", "74.5 %"),
        ("Threshold", "80 %"),
        ("Feedback", "200"),
        ("Version", "2"),
    ]
    assert "within the cooldown" in said(page)


def test_asked_volunteered_and_estimated_stand_side_by_side_and_one_is_to_be_believed(
    open_page: Open,
) -> None:
    page = open_page("model", "user")
    metrics = {metric.label: metric.value for metric in page.metric}
    kinds = ("Asked for", "Volunteered", "Estimated without feedback")
    assert [metrics[kind] for kind in kinds] == ["74.0 %", "75.0 %", "86.0 %"]
    assert "95 % interval 82.0 % to 90.0 %, over 200 predictions." in said(page)
    assert "Believe the volunteered feedback, with care." in said(page)


def test_drift_is_shown_by_feature_and_can_be_looked_for_now(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("model", "engineer", section="Drift")
    assert "1 of 2 features drifted" in said(page)
    table = page.dataframe[0].value
    assert table["Feature"].tolist() == ["age", "hours"]
    assert table["What changed"].tolist() == ["median 29, was 37", ""]
    assert table["n"].tolist() == [500, 500]
    assert "since: a timestamp always moves on" in said(page)
    press(page, "Compare now")
    assert len(sent(fake, "/drift-reports")) == 1


def test_a_report_without_a_verdict_says_why_and_shows_no_table(open_page: Open, fake: FakeGateway) -> None:
    fake.drift = fake.drift[1:]
    page = open_page("model", "engineer", section="Drift")
    assert "There are 8 of the 100 recent predictions" in said(page)
    assert not page.dataframe


def test_a_rollback_needs_a_reason_and_a_yes(open_page: Open, fake: FakeGateway) -> None:
    page = press(open_page("model"), "Roll back…")
    confirm(page, "Roll back…", "Yes, roll back")
    assert "Please give a reason" in said(page)
    assert sent(fake, "/rollback") == []
    give_reason(page, " it is worse ")
    confirm(page, "Roll back…", "Yes, roll back")
    assert sent(fake, "/rollback") == [{"stage": "main", "reason": "it is worse"}]
    assert "goes back" in said(page)


def test_a_promotion_names_what_it_expects_to_replace(open_page: Open, fake: FakeGateway) -> None:
    page = press(open_page("model"), "Promote…")
    named(page, "selectbox", "Version").set_value("1")
    give_reason(page, "the old one was fine")
    confirm(page, "Promote…", "Yes, promote")
    (body,) = sent(fake, "/promotions")
    assert body == {
        "version": "1",
        "stage": "main",
        "reason": "the old one was fine",
        "expected_version": "2",
    }
    assert "Version 1 is being promoted to main" in said(page)


def test_a_promotion_against_the_gate_needs_the_override(open_page: Open, fake: FakeGateway) -> None:
    page = press(open_page("model"), "Promote…")
    give_reason(page, "I know better")
    confirm(page, "Promote…", "Yes, promote")
    assert "no receipt that says promote" in said(page)
    page.checkbox[0].set_value(True)
    confirm(page, "Promote…", "Yes, promote")
    assert sent(fake, "/promotions")[-1]["override"] is True


def test_a_paused_model_can_be_resumed(open_page: Open, fake: FakeGateway) -> None:
    fake.models["census-income"]["state"] = "paused"
    page = press(open_page("model"), "Resume…")
    give_reason(page, "the data was fixed")
    confirm(page, "Resume…", "Yes, resume")
    assert sent(fake, "/resume") == [{"reason": "the data was fixed"}]
    assert "Resume…" not in [found.label for found in page.button]


def test_only_what_was_changed_of_a_policy_is_sent(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("model", section="Policy")
    named(page, "number_input", "Threshold").set_value(0.9)
    named(page, "selectbox", "Selection metric").set_value("roc_auc")
    press(page, "Save policy")
    assert sent(fake, "/census-income") == [{"policy": {"threshold": 0.9, "selection_metric": "roc_auc"}}]
    assert "Saved: Threshold and Selection metric" in said(page)


def test_an_unchanged_policy_is_not_sent(open_page: Open, fake: FakeGateway) -> None:
    page = press(open_page("model", section="Policy"), "Save policy")
    assert sent(fake, "/census-income") == []
    assert "Nothing was changed." in said(page)


def test_an_engineer_reads_the_policy(open_page: Open) -> None:
    page = open_page("model", "engineer", section="Policy")
    assert all(found.disabled for found in page.number_input)


def test_the_ledger_keeps_its_words(open_page: Open, fake: FakeGateway) -> None:
    fake.promotions = [canned.promotion(3, kind="rollback", reason="Worse on *Mondays*.", subject="maya")]
    page = open_page("model", section="Ledger")
    assert "Worse on *Mondays*" in said(page)


def test_a_barred_version_says_why(open_page: Open, fake: FakeGateway) -> None:
    fake.versions = [canned.version("2", barred="It was rolled back.", stages=["main"])]
    page = open_page("model", section="Versions")
    assert "It was rolled back" in said(page)


def test_a_version_that_is_never_loaded_says_why(open_page: Open, fake: FakeGateway) -> None:
    fake.versions = [canned.version("2", problem="Version 2 of 'census-income' is not signed.")]
    page = open_page("model", section="Versions")
    assert "is not signed" in said(page)


def test_an_alias_that_was_moved_back_is_said_beside_the_ledger(open_page: Open, fake: FakeGateway) -> None:
    refusal = {
        "version": "7",
        "reason": "The alias was moved in *MLflow*.",
        "times": 2,
        "at": canned.ago(hours=1),
    }
    fake.models["census-income"]["refusals"] = [refusal]
    page = open_page("model", section="Ledger")
    assert "The alias was moved in *MLflow*. (1 hour ago)" in said(page)


def test_an_engineer_loads_a_version_and_lets_it_go(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("model", "engineer", section="Versions")
    button(page, "Load into memory", "memory of 3").click()
    page.run()
    assert not page.exception
    assert fake.versions[2]["loaded"]
    assert any(" · loaded" in found.label for found in page.expander)
    button(page, "Unload", "memory of 3").click()
    page.run()
    assert not fake.versions[2]["loaded"]


def test_a_version_without_a_place_says_which_to_unload(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("model", "engineer", section="Versions")
    fake.trouble("/v1/models/census-income/versions/3/load", 409, "All 4 places are taken. Unload one first.")
    button(page, "Load into memory", "memory of 3").click()
    page.run()
    assert "Unload one first" in said(page)


def test_a_user_is_not_offered_to_load_versions(open_page: Open) -> None:
    page = open_page("model", "user", section="Versions")
    assert not [found for found in page.button if found.label == "Load into memory"]


def test_a_version_shows_how_its_columns_are_prepared(open_page: Open, fake: FakeGateway) -> None:
    fake.versions = [
        canned.version(
            "2",
            stages=["main"],
            preparation={
                "choices": {"scaling": "min_max"},
                "rows": {"fitted": 900, "left_out": 12},
                "columns": [],
                "dropped": [{"column": "fnlwgt", "reason": "every value is 1"}],
            },
        )
    ]
    shown = said(open_page("model", "user", section="Versions"))
    assert "Min max" in shown
    assert "fnlwgt is left out: every value is 1" in shown
    assert "12 rows with missing values were left out of training" in shown
