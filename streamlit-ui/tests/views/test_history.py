from streamlit.testing.v1 import AppTest

from acting import press, said
from conftest import Open
from fake_gateway import FakeGateway


def entries(page: AppTest) -> int:
    return len([link for link in page.get("page_link") if link.proto.label == "Details"])


def test_pages_are_appended(open_page: Open) -> None:
    page = open_page("history")
    seen = [entries(page)]
    while older := [found for found in page.button if found.label == "Show older"]:
        older[0].click()
        page.run()
        seen.append(entries(page))
    assert seen == [25, 50, 60]


def test_a_filter_narrows_what_is_shown(open_page: Open) -> None:
    page = open_page("history")
    shown = {}
    for name in ("No feedback", "Right", "Wrong", "Unusual input", "All"):
        page.button_group[0].set_value(name)
        page.run()
        shown[name] = entries(page)
    assert shown == {"No feedback": 23, "Right": 1, "Wrong": 1, "Unusual input": 3, "All": 25}


def test_a_user_sees_only_their_own(open_page: Open, fake: FakeGateway) -> None:
    for prediction in fake.predictions[:50]:
        prediction["subject"] = "erin"
    assert entries(open_page("history", "user")) == 10


def test_feedback_can_be_given_later(open_page: Open, fake: FakeGateway) -> None:
    page = open_page("prediction", "user", id="prediction-000005")
    assert "Please give feedback on this one" in said(page)
    press(page, "Right")
    assert fake.predictions[4]["feedback"][0]["correct"] is True
    assert "Thank you" in said(page)


def test_what_i_said_is_remembered_and_what_others_said_is_not_mine(open_page: Open) -> None:
    mine = open_page("prediction", "user", id="prediction-000002")
    assert "You said: **Wrong" in said(mine)
    others = open_page("prediction", "engineer", id="prediction-000002")
    assert not others.success


def test_a_prediction_shows_its_trace_and_lineage(open_page: Open) -> None:
    page = open_page("prediction", id="prediction-000002")
    shown = [markdown.value for markdown in page.markdown]
    assert "4bf92f3577b34da6a3ce929d0e0e4736" in shown
    assert "9f3c1d2e4b5a69788796a5b4c3d2e1f001122334" in shown


def test_above_its_title_a_page_says_nothing(open_page: Open) -> None:
    """Streamlit's magic shows a bare string of a page, such as the docstring of a constant."""
    assert not open_page("history").markdown[0].value.startswith("As many")
