"""The part alone on a page, as the page of data will have it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import canned_profile
import streamlit_ui
from acting import named, press, said
from fake_gateway import FakeGateway
from streamlit_ui.parts.profile_columns import figures, overview
from streamlit_ui.sessions import Session, sessions

APP = """
import streamlit as st
from streamlit_ui import signed_in
from streamlit_ui.parts.profile import show_profile

def page():
    show_profile(signed_in.gateway(), {dataset!r}, {version!r})

st.navigation([st.Page(page), st.Page("views/run.py")], position="hidden").run()
"""
Show = Callable[..., AppTest]


@pytest.fixture
def show(fake: FakeGateway, tmp_path: Path) -> Show:
    """Show the part for a dataset."""
    fake.tokens["token-of-erin"] = "erin"
    erin = Session("erin", "engineer", "token-of-erin", time.time() + 600)
    sessions().open(erin)
    (tmp_path / "views").symlink_to(Path(streamlit_ui.__file__).with_name("views"))

    def shown(dataset: str = "comments", version: int | None = 2) -> AppTest:
        script = tmp_path / "app.py"
        script.write_text(APP.format(dataset=dataset, version=version))
        page = AppTest.from_file(str(script), default_timeout=90)
        page.session_state["session"] = erin.id
        page.run()
        assert not page.exception, [error.value for error in page.exception]
        return page

    return shown


def section(page: AppTest, name: str) -> AppTest:
    control: Any = next(one for one in page.button_group if name in one.options)
    control.set_value(name)
    page.run()
    assert not page.exception
    return page


def charts(page: AppTest) -> int:
    return len(page.get("vega_lite_chart"))


def reads(fake: FakeGateway) -> int:
    return len([path for method, path, *_ in fake.requests if method == "GET" and "/profile" in path])


def test_the_rows_it_speaks_of_and_what_is_left_out_are_said(show: Show) -> None:
    shown = said(show())
    assert "Of 1\u202f000\u202f000 rows, 50\u202f000 were sampled" in shown
    assert "Only the first 200 of 300 columns are charted." in shown


def test_the_column_that_goes_with_the_target_most_comes_first(show: Show) -> None:
    page = show()
    assert named(page, "selectbox", "Column").value == "city"
    assert "mood by city" in said(page)
    assert "Not shown: 4 other values in 10 rows." in said(page)
    assert charts(page) == 2


def test_another_column_can_be_chosen_without_asking_again(show: Show, fake: FakeGateway) -> None:
    page = show()
    named(page, "selectbox", "Column").set_value("age")
    page.run()
    assert "Not shown: 0 smaller values and 5 larger values" in said(page)
    assert "18.25" in said(page)
    assert reads(fake) == 1


def test_the_target_has_no_chart_by_itself(show: Show) -> None:
    page = show()
    named(page, "selectbox", "Column").set_value("mood")
    page.run()
    assert charts(page) == 1


def test_associations_are_shown_by_either_measure(show: Show) -> None:
    page = section(show(), "Associations")
    assert charts(page) == 2
    assert "2 weaker columns left out" in said(page)
    assert charts(section(page, "Pearson")) == 2


def test_texts_are_shown_by_class(show: Show) -> None:
    page = section(show(), "Texts")
    assert "calm: 12.2 words on average" in said(page)
    # Lengths, parts of speech, and the words and the cloud of each class.
    assert charts(page) == 6
    assert said(section(page, "Triples")).count("There are none.") == 2


def test_a_regression_is_shown_with_means(show: Show) -> None:
    page = show("rents", None)
    assert "rent by age" in said(page)
    assert "The pale part is the 95 % confidence interval of the mean." in said(page)
    assert [one.options for one in page.button_group] == [["Columns", "Associations"]]
    assert "No associations" in said(section(page, "Associations"))


def test_what_is_being_computed_says_how_far_it_is(show: Show, fake: FakeGateway) -> None:
    fake.profiles["comments"] = canned_profile.COMPUTING
    page = show()
    assert "Profiling the data" in said(page)
    assert page.get("progress")[0].proto.value == 40
    fake.profiles["comments"] = canned_profile.PROFILE
    page.run()
    assert "were sampled" in said(page)


def test_one_that_failed_can_be_computed_again(show: Show, fake: FakeGateway) -> None:
    fake.profiles["comments"] = {"state": "failed"}
    page = show()
    assert "could not be profiled: no memory" in said(page)
    press(page, "Compute again")
    assert [path for method, path, *_ in fake.requests if method == "POST"] == [
        "/v1/datasets/comments/profile?version=2"
    ]
    assert "Profiling the data" in said(page)


def test_without_a_version_there_is_nothing_to_explore(show: Show) -> None:
    page = show("nothing", None)
    assert "Nothing to explore yet" in said(page)
    assert "no version yet" in said(page)


def test_a_gateway_that_fails_is_told(show: Show, fake: FakeGateway) -> None:
    fake.trouble("/v1/datasets", 503, "It is being restarted.")
    assert "It is being restarted." in said(show())


def test_the_overview_has_a_line_for_each_column() -> None:
    shown = overview(canned_profile.PROFILE)  # type: ignore[arg-type]  # canned
    assert list(shown["Column"]) == ["age", "city", "since", "said", "mood"]
    assert list(shown["Missing"]) == [0.25, 0, 0, 0, 0]
    assert list(shown["Kind"])[-1] == "Target"


def test_a_column_without_numbers_has_no_figures() -> None:
    assert figures(canned_profile.PROFILE["columns"][1]) == {}
    assert figures(canned_profile.PROFILE["columns"][0])["Mean"] == "18.25"
