from streamlit.testing.v1 import AppTest

from acting import press, said
from conftest import Open
from fake_gateway import FakeGateway
from streamlit_ui.sessions import sessions


def fill_in(page: AppTest, username: str, password: str) -> AppTest:
    page.text_input[0].set_value(username)
    page.text_input[1].set_value(password)
    page.button[0].click()
    return page.run()


def test_the_right_password_leads_to_the_first_page(open_page: Open) -> None:
    page = fill_in(open_page(role=None), "erin", "e")
    assert [title.value for title in page.title] == ["Predict"]
    assert any("erin · engineer" in caption.value for caption in page.sidebar.caption)


def test_a_wrong_password_is_a_sentence(open_page: Open) -> None:
    page = fill_in(open_page(role=None), "erin", "nonsense")
    assert "Wrong username or password" in said(page)


def test_nothing_is_sent_without_a_password(open_page: Open, fake: FakeGateway) -> None:
    page = fill_in(open_page(role=None), "erin", "")
    assert "Please enter your username and password" in said(page)
    assert not fake.requests


def test_too_many_tries_say_when_to_come_back(open_page: Open, fake: FakeGateway) -> None:
    page = open_page(role=None)
    fake.trouble("/v1/auth/token", 429, "Too many failed attempts.", headers={"Retry-After": "90"})
    fill_in(page, "erin", "e")
    assert "Too many failed attempts" in said(page)
    assert "1 min 30 s" in said(page)


def test_signing_out_revokes_the_token_and_forgets_what_was_entered(
    open_page: Open, fake: FakeGateway
) -> None:
    page = fill_in(open_page(role=None), "erin", "e")
    page.number_input[0].set_value(77)
    page.run()
    press(page, "Sign out")
    assert fake.tokens == {}
    assert "You are signed out." in said(page)
    fill_in(page, "uma", "u")
    assert page.number_input[0].value == 37


def test_signing_out_works_when_the_gateway_is_away(open_page: Open, fake: FakeGateway) -> None:
    page = fill_in(open_page(role=None), "erin", "e")
    fake.trouble("/v1", 502)
    press(page, "Sign out")
    assert "You are signed out." in said(page)


def test_an_expired_session_says_so(open_page: Open, fake: FakeGateway) -> None:
    fake.expires_in = 0
    page = fill_in(open_page(role=None), "erin", "e")
    assert "Your session has ended" in said(page)


def test_a_session_closed_elsewhere_is_closed_here(open_page: Open) -> None:
    page = fill_in(open_page(role=None), "erin", "e")
    sessions().close(page.session_state["session"])
    page.run()
    assert "Your session has ended" in said(page)


def test_without_a_session_no_page_is_listed_and_none_is_asked_for(
    open_page: Open, fake: FakeGateway
) -> None:
    page = open_page("model", role=None)
    assert [field.label for field in page.text_input] == ["Username", "Password"]
    assert not fake.requests
