"""The page Live: what is started, watched, changed, forked and kept there."""

import json
import re
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import canned
from acting import button, named, press, said, sent, wrapped_table
from conftest import Open
from fake_gateway import FakeGateway
from fake_http import Refused
from streamlit_ui.parts.live_watch import EVERY_S
from streamlit_ui.settings import settings


@pytest.fixture(autouse=True)
def nothing_else_open(fake: FakeGateway) -> None:
    fake.runs = [run for run in fake.runs if run["status"] != "running"]


@pytest.fixture
def run(fake: FakeGateway) -> str:
    """A live run that has learnt ten epochs."""
    name: str = fake.add_live()["id"]
    fake.learn(name, 10)
    return name


def opened(open_page: Open, run: str, role: str = "engineer") -> AppTest:
    return open_page("live", role, model="census-income", run=run)


def given(page: AppTest, component: str) -> dict[str, Any]:
    """Return what a component is given."""
    found: Any = page.get("bidi_component")
    data: dict[str, Any] = json.loads(
        next(one.proto.json for one in found if one.proto.component_name == component)
    )
    return data


def curves(page: AppTest) -> dict[str, Any]:
    """Return what is drawn."""
    return given(page, "loopkeeper_live_data")


def labels(page: AppTest) -> list[str]:
    return [found.label for found in page.button]


def links(page: AppTest) -> dict[str, str]:
    return {link.proto.label: link.proto.query_string for link in page.get("page_link")}


# Start


def test_the_page_says_what_it_is_for_before_the_first_run(open_page: Open) -> None:
    page = open_page("live", "engineer")
    assert "Watch a model learn epoch by epoch" in said(page)
    assert "None yet" in said(page)


def test_a_run_starts_with_what_was_chosen_and_is_shown(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("live", "engineer", model="census-income")
    named(page, "selectbox", "What learns").set_value("mlp")
    page.run()
    named(page, "number_input", "Hidden units").set_value(64)
    named(page, "number_input", "Epochs").set_value(20)
    press(page, "Start")
    asked = sent(fake, "/live-runs")[0]
    assert (asked["estimator"], asked["epochs"], asked["paused"]) == ("mlp", 20, False)
    assert asked["hyperparameters"]["hidden_units"] == 64
    assert asked["hyperparameters"]["patience"] is None
    assert "vectorizer" not in asked
    assert page.query_params["run"] == "live-1"
    assert "Epoch **0** of 20" in said(page)


def test_a_run_can_start_paused(open_page: Open, fake: FakeGateway) -> None:
    page = press(open_page("live", "engineer", model="census-income"), "Start paused")
    assert sent(fake, "/live-runs")[0]["paused"] is True
    assert "Resume" in labels(page)


def test_texts_are_asked_how_they_become_numbers(open_page: Open, fake: FakeGateway) -> None:
    fake.models["comments"]["task"] = "text-classification"
    press(open_page("live", "engineer", model="comments"), "Start")
    assert sent(fake, "/live-runs")[0]["vectorizer"] == "tf-idf"


def test_what_is_refused_is_said_beside_its_field(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("live", "engineer", model="census-income")
    named(page, "number_input", "Learning rate").set_value(5.0)
    press(page, "Start")
    assert "**Learning rate**: 5 is not possible" in page.error[0].value.replace("\\", "")
    assert not fake.live


def test_a_model_of_pictures_is_not_trained_live(open_page: Open) -> None:
    page = open_page("live", "engineer", model="front-door")
    assert "This model is not trained live" in said(page)
    assert "Start" not in labels(page)


def test_earlier_live_runs_can_be_opened_again(open_page: Open, fake: FakeGateway, run: str) -> None:
    fake.add_live(model="rents")
    page = open_page("live", "engineer", model="census-income")
    assert [one for one in links(page).items() if "run=" in one[1]] == [
        ("Watch it", f"model=census-income&run={run}")
    ]


def test_the_run_in_the_list_of_all_runs_leads_here(open_page: Open, run: str) -> None:
    assert "Live training" in said(open_page("runs", "engineer"))
    assert (
        links(open_page("run", "engineer", id=run))["Watch and steer it"] == f"model=census-income&run={run}"
    )


def test_a_version_that_was_kept_leads_to_the_run_that_learnt_it(
    open_page: Open, fake: FakeGateway, run: str
) -> None:
    kept = next(one for one in fake.runs if one["id"] == "run-2")
    kept["options"] = {"live": {"run": run, "epoch": 7}}
    page = open_page("run", "engineer", id="run-2")
    assert links(page)["Epoch 7 of this live run"] == f"model=census-income&run={run}"


# Watch


def test_a_run_is_shown_with_what_is_in_force_and_its_best(open_page: Open, run: str) -> None:
    page = opened(open_page, run)
    assert "Epoch **10** of 50" in said(page)
    assert "Best so far: ROC AUC 0.8176 after epoch 10" in said(page)
    assert "Learning rate 0.01 · Batch size 256" in said(page)
    assert [panel["title"] for panel in curves(page)["panels"]][:2] == ["Loss", "ROC AUC"]
    assert curves(page)["best"]["epoch"] == 10


def test_a_look_asks_only_for_what_is_new(open_page: Open, fake: FakeGateway, run: str) -> None:
    page = opened(open_page, run)
    fake.learn(run, 3)
    page.run()
    asked = [path for _, path, _, _ in fake.requests if "/curves" in path]
    assert [re.findall(r"after=(\d+)", path)[0] for path in asked] == ["0", "10"]
    assert curves(page)["runs"][0]["epoch"] == list(range(1, 14))


def test_the_curves_follow_the_events_after_those_the_page_knows(
    open_page: Open, fake: FakeGateway, run: str
) -> None:
    known = fake.live[run]["last_seq"]
    assert given(opened(open_page, run), "loopkeeper_live_curves") == {"run": run, "after": known}
    fake.live[run]["state"] = "ended"
    assert given(opened(open_page, run), "loopkeeper_live_curves") == {"run": run, "after": None}


def test_a_change_is_marked_on_the_curves_with_who_made_it(
    open_page: Open, fake: FakeGateway, run: str
) -> None:
    asked = {
        "kind": "hyperparameters",
        "subject": "uma",
        "at": canned.ago(),
        "changes": {"learning_rate": 0.1},
    }
    fake.live[run]["pending"] = [asked]
    page = opened(open_page, run)
    assert "Learning rate 0.1, asked for by uma: not done yet" in said(page)
    assert curves(page)["marks"] == []
    fake.learn(run, 1)
    page.run()
    (mark,) = curves(page)["marks"]
    assert (mark["epoch"], mark["label"]) == (10, "1")
    assert "by uma" in mark["said"][0]
    assert mark["said"][1] == "Learning rate 0.01 → 0.1"
    assert "asked for by" not in said(page)
    assert "Learning rate 0.01 → 0.1, by uma" in said(page)


def test_the_curves_stay_while_the_gateway_is_away(open_page: Open, fake: FakeGateway, run: str) -> None:
    page = opened(open_page, run)
    fake.trouble(f"/v1/runs/{run}/curves", 503)
    page.run()
    assert len(page.error) == 1
    assert curves(page)["runs"][0]["epoch"] == list(range(1, 11))


def test_losses_can_be_logarithmic(open_page: Open, run: str) -> None:
    page = opened(open_page, run)
    assert not curves(page)["panels"][0]["log"]
    page.toggle[0].set_value(True)
    page.run()
    assert curves(page)["panels"][0]["log"]


def test_other_live_runs_are_drawn_beside_it(open_page: Open, fake: FakeGateway, run: str) -> None:
    other = fake.add_live()["id"]
    fake.learn(other, 4)
    page = opened(open_page, run)
    assert len(curves(page)["runs"]) == 1
    named(page, "multiselect", "Compare with").set_value([other])
    page.run()
    assert [one["epoch"][-1] for one in curves(page)["runs"]] == [10, 4]


def test_a_paused_run_says_until_when_it_is_kept(open_page: Open, fake: FakeGateway, run: str) -> None:
    fake.live[run].update(state="paused", why="Erin paused it.", paused_until="2026-12-01T10:00:00Z")
    shown = said(opened(open_page, run))
    assert "kept paused until 1 Dec 2026, 10:00 UTC" in shown
    assert "Erin paused it." in shown


def test_what_is_no_live_run_is_a_sentence(open_page: Open) -> None:
    assert "is no live run" in opened(open_page, "run-2").error[0].value


def test_the_address_of_a_run_decides_the_model(open_page: Open, fake: FakeGateway) -> None:
    other = fake.add_live(model="rents")["id"]
    page = open_page("live", "engineer", run=other)
    assert "**rents**" in said(page)
    assert page.sidebar.selectbox[0].value == "rents"


def test_choosing_another_model_leaves_the_run(open_page: Open, run: str) -> None:
    page = opened(open_page, run)
    page.sidebar.selectbox[0].set_value("rents")
    page.run()
    assert "Start a live run" in [one.value for one in page.subheader]
    assert "run" not in page.query_params


# Steer


def test_only_what_was_changed_is_sent(open_page: Open, fake: FakeGateway, run: str) -> None:
    page = opened(open_page, run)
    press(page, "Apply")
    assert sent(fake, "/hyperparameters") == []
    named(page, "number_input", "Learning rate, exactly").set_value(0.5)
    page.run()
    assert "Learning rate 0.01 → 0.5" in said(page)
    press(page, "Apply")
    assert sent(fake, "/hyperparameters") == [{"learning_rate": 0.5}]
    assert "Learning rate 0.5, asked for by erin" in said(page)


def test_slider_and_typed_value_go_together(open_page: Open, run: str) -> None:
    page = opened(open_page, run)
    named(page, "number_input", "Learning rate, exactly").set_value(0.123)
    page.run()
    assert named(page, "select_slider", "Learning rate").value == pytest.approx(0.13)
    named(page, "select_slider", "Learning rate").set_value(0.0001)
    page.run()
    assert named(page, "number_input", "Learning rate, exactly").value == 0.0001


def test_a_value_that_is_typed_and_applied_at_once_is_what_is_sent(
    open_page: Open, fake: FakeGateway, run: str
) -> None:
    page = opened(open_page, run)
    named(page, "number_input", "Learning rate, exactly").set_value(0.0003)
    page.run()
    # The browser has not drawn yet that the slider moved.
    named(page, "select_slider", "Learning rate").set_value(0.01)
    press(page, "Apply")
    assert sent(fake, "/hyperparameters") == [{"learning_rate": 0.0003}]


def test_several_changes_of_each_kind_go_together(open_page: Open, fake: FakeGateway, run: str) -> None:
    page = opened(open_page, run)
    named(page, "selectbox", "Schedule").set_value("step")
    named(page, "number_input", "Patience").set_value(5)
    named(page, "number_input", "Batch size").set_value(64)
    page.run()
    press(page, "Apply")
    assert sent(fake, "/hyperparameters") == [{"schedule": "step", "patience": 5, "batch_size": 64}]


def test_what_is_refused_while_it_learns_is_said_beside_its_field(open_page: Open, fake: FakeGateway) -> None:
    page = press(_network(open_page), "Start")
    named(page, "number_input", "Momentum").set_value(0.5)
    page.run()
    press(page, "Apply")
    assert "the optimizer adam has no momentum" in page.error[0].value
    assert not fake.live["live-1"]["pending"]


def test_what_is_fixed_while_it_learns_has_no_field(open_page: Open) -> None:
    page = press(_network(open_page), "Start")
    shown = [found.label for found in (*page.number_input, *page.selectbox)]
    assert "Momentum" in shown
    assert "Hidden units" not in shown
    assert "Hidden units 32" in said(page)


def test_a_change_of_somebody_else_moves_what_nobody_touched(
    open_page: Open, fake: FakeGateway, run: str
) -> None:
    page = opened(open_page, run)
    named(page, "number_input", "Alpha").set_value(0.5)
    page.run()
    fake.live[run]["hyperparameters"] = {
        **fake.live[run]["hyperparameters"], "learning_rate": 0.2, "alpha": 0.1
    }  # fmt: skip
    page.run()
    assert named(page, "number_input", "Learning rate, exactly").value == 0.2
    assert named(page, "select_slider", "Learning rate").value == 0.2
    assert named(page, "number_input", "Alpha").value == 0.5
    press(page, "Apply")
    assert sent(fake, "/hyperparameters") == [{"alpha": 0.5}]


def test_a_run_is_paused_resumed_stepped_and_stopped(open_page: Open, fake: FakeGateway, run: str) -> None:
    page = press(opened(open_page, run), "Pause")
    assert fake.live[run]["state"] == "paused"
    press(page, "Resume")
    assert fake.live[run]["state"] == "running"
    press(page, "Step")
    assert sent(fake, "/step") == [{"epochs": 1}]
    assert fake.live[run]["epoch"] == 11
    press(page, "Stop")
    assert "It has ended" in said(page)
    assert not {"Pause", "Resume", "Step", "Stop", "Apply"} & set(labels(page))


def test_a_run_that_ended_meanwhile_says_so(open_page: Open, fake: FakeGateway, run: str) -> None:
    page = opened(open_page, run)
    fake.troubles.append((f"/v1/runs/{run}/pause", Refused(409, f"Live run {run} has ended; fork it.")))
    press(page, "Pause")
    assert "has ended; fork it" in said(page)


def test_a_divergence_is_said_and_one_click_goes_back(open_page: Open, fake: FakeGateway, run: str) -> None:
    offer = {"epoch": 8, "learning_rate": 0.005}
    reason = "The loss is ten times its lowest."
    fake.live[run].update(state="paused", diverged={"epoch": 10, "reason": reason, "fork": offer})
    page = opened(open_page, run)
    assert "It diverged" in said(page)
    assert reason in said(page)
    assert curves(page)["marks"][-1]["label"] == "diverged"
    press(page, "Go on from epoch 8 at 0.005")
    assert sent(fake, "/fork") == [{"epoch": 8, "hyperparameters": {"learning_rate": 0.005}}]
    assert "Learning rate 0.005" in said(page)


def _network(open_page: Open) -> AppTest:
    page = open_page("live", "engineer", model="census-income")
    named(page, "selectbox", "What learns").set_value("mlp")
    return page.run()


# Fork, replay, keep


def test_a_fork_begins_at_an_epoch_with_new_hyperparameters(
    open_page: Open, fake: FakeGateway, run: str
) -> None:
    page = press(opened(open_page, run), "Fork from here…")
    named(page, "number_input", "Epoch (0 to 10)").set_value(6)
    page.run()
    rates = [found for found in page.number_input if found.label == "Learning rate"]
    rates[0].set_value(0.2)
    named(page, "number_input", "Epochs in all").set_value(30)
    page.run()
    press(page, "Fork")
    assert sent(fake, "/fork") == [
        {"epoch": 6, "hyperparameters": {"learning_rate": 0.2}, "epochs": 30, "paused": False}
    ]
    assert "Fork" not in labels(page)
    assert curves(page)["marks"][0]["label"] == "fork"
    assert [one["epoch"] for one in curves(page)["runs"]] == [[], list(range(1, 11))]


def test_a_fork_before_a_change_begins_with_what_was_in_force(
    open_page: Open, fake: FakeGateway, run: str
) -> None:
    _change(fake, run)
    page = press(opened(open_page, run), "Fork from here…")
    next(one for one in page.button_group if one.label == "From").set_value("Just before a change")
    page.run()
    assert next(one for one in page.number_input if one.label == "Learning rate").value == 0.01
    press(page, "Fork, paused")
    assert sent(fake, "/fork") == [{"change": 1, "epochs": 50, "paused": True}]


def test_a_dialog_stays_open_while_the_run_goes_on(open_page: Open, fake: FakeGateway, run: str) -> None:
    page = press(opened(open_page, run), "Fork from here…")
    _change(fake, run)
    page.run()
    assert "Fork, paused" in labels(page)
    assert "Just before a change" not in str([one.options for one in page.button_group])


def test_a_replay_repeats_the_run_from_where_it_began(open_page: Open, fake: FakeGateway, run: str) -> None:
    page = press(opened(open_page, run), "Replay…", "Replay")
    assert sent(fake, "/fork") == [{"replay": True}]
    assert "Replay" not in labels(page)


def test_keeping_says_what_follows_and_leads_to_the_run_at_the_gate(
    open_page: Open, fake: FakeGateway, run: str
) -> None:
    page = press(opened(open_page, run), "Keep this version…")
    assert all(word in said(page) for word in ("Compile", "Parity", "Gate"))
    assert named(page, "number_input", "Epoch").value == 10
    press(page, "Yes, keep it")
    assert sent(fake, "/keep") == [{"epoch": 10}]
    assert "Epoch 10 is on its way to the gate" in said(page)
    assert links(page)["Follow it"] == "id=run-2"
    assert "Yes, keep it" not in labels(page)
    page.run()
    assert "Follow it" not in links(page)
    assert links(page)["Kept by run run-2"] == "id=run-2"


def test_the_page_stands_still_behind_the_link_to_what_was_kept(
    open_page: Open, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float | None] = []
    fragment = st.fragment

    def noted(function: Any, *, run_every: float | None) -> Any:
        looks.append(run_every)
        return fragment(function, run_every=run_every)

    monkeypatch.setattr(st, "fragment", noted)
    page = press(opened(open_page, run), "Keep this version…")
    assert looks[-2:] == [EVERY_S, settings().refresh_s]
    press(page, "Yes, keep it")
    assert looks[-2:] == [None, None]
    page.run()
    assert looks[-2:] == [EVERY_S, settings().refresh_s]


def test_keeping_shows_the_open_run_that_is_in_the_way(open_page: Open, fake: FakeGateway, run: str) -> None:
    fake.runs.append(dict(canned.RUNNING))
    page = press(opened(open_page, run), "Keep this version…", "Yes, keep it")
    assert "run-4 is still open" in said(page)
    assert links(page)["Show the open run"] == "id=run-4"


def test_an_epoch_that_cannot_be_kept_is_said_beside_it(open_page: Open, fake: FakeGateway, run: str) -> None:
    fake.learn(run, 5)
    page = press(opened(open_page, run), "Keep this version…")
    named(page, "number_input", "Epoch").set_value(13)
    page.run()
    press(page, "Yes, keep it")
    assert "13 brings bad luck" in page.error[0].value


def test_nothing_is_forked_or_kept_before_the_first_epoch(open_page: Open, fake: FakeGateway) -> None:
    page = opened(open_page, fake.add_live()["id"])
    assert all(button(page, label).disabled for label in ("Fork from here…", "Replay…", "Keep this version…"))


def test_a_tree_is_a_leaderboard_and_says_who_came_from_whom(
    open_page: Open, fake: FakeGateway, run: str
) -> None:
    fork = fake.add_live(parent=run, parent_epoch=4, epoch=4)["id"]
    fake.learn(fork, 20)
    page = opened(open_page, run)
    table = wrapped_table(page)
    assert list(table["Run"]) == [fork, f"{run} (this one)"]
    assert table["Begins"][0] == f"after epoch 4 of {run}"
    assert table["Best ROC AUC"][0].endswith("at epoch 24")
    tree = {label: query for label, query in links(page).items() if "learning rate" in label}
    assert list(tree.values()) == [f"model=census-income&run={run}", f"model=census-income&run={fork}"]


def test_what_people_are_called_is_never_markup(open_page: Open, fake: FakeGateway) -> None:
    evil = "<img src=x> **bold** :red[x] $x^2$ [a](javascript:alert(1))"
    name = fake.add_live(subject=evil, why=evil)["id"]
    fake.learn(name, 2)
    fake.live[name]["pending"] = [
        {"kind": evil, "subject": evil, "at": canned.ago(), "changes": {}},
    ]
    page = opened(open_page, name)
    assert not page.exception
    shown = "\n".join(str(one.value) for kind in (page.markdown, page.caption) for one in kind)
    assert "src" in shown
    assert not re.search(r"(?<!\\)(<img|\*\*bold|:red\[x|\$x|\[a\])", shown)


def _change(fake: FakeGateway, run: str) -> None:
    asked = {
        "kind": "hyperparameters",
        "subject": "erin",
        "at": canned.ago(),
        "changes": {"learning_rate": 0.1},
    }
    fake.live[run]["pending"] = [asked]
    fake.learn(run, 1)
