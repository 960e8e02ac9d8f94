import pytest

from streamlit_ui.sessions import TICKET_LIFE_S, Session, Sessions, includes


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def session(until: float = 2000.0) -> Session:
    return Session("uma", "user", "token", until)


def test_a_session_is_found_until_it_ends(clock: Clock) -> None:
    sessions = Sessions(clock)
    opened = session()
    sessions.open(opened)
    assert sessions.find(opened.id) == opened
    assert sessions.seconds_left(opened) == 1000
    clock.now = 2000.0
    assert sessions.find(opened.id) is None
    assert sessions.seconds_left(opened) == 0


def test_a_closed_session_is_gone(clock: Clock) -> None:
    sessions = Sessions(clock)
    opened = session()
    ticket = sessions.open(opened)
    sessions.close(opened.id)
    assert sessions.find(opened.id) is None
    assert sessions.claim(ticket) is None


def test_a_ticket_is_good_once(clock: Clock) -> None:
    sessions = Sessions(clock)
    opened = session()
    ticket = sessions.open(opened)
    assert sessions.claim(ticket) == opened
    assert sessions.claim(ticket) is None


def test_a_ticket_is_good_for_seconds(clock: Clock) -> None:
    sessions = Sessions(clock)
    ticket = sessions.open(session())
    clock.now += TICKET_LIFE_S
    assert sessions.claim(ticket) is None


@pytest.mark.parametrize("wrong", [None, "", "guessed"])
def test_a_guess_finds_nothing(clock: Clock, wrong: str | None) -> None:
    sessions = Sessions(clock)
    sessions.open(session())
    assert sessions.find(wrong) is None
    assert sessions.claim(wrong or "") is None


def test_what_has_ended_is_not_kept(clock: Clock) -> None:
    sessions = Sessions(clock)
    for _ in range(10):
        sessions.open(session(clock.now + 1))
        clock.now += 100
    assert len(sessions._open) == 1
    assert len(sessions._tickets) == 1


def test_a_session_does_not_print_its_secrets() -> None:
    opened = session()
    assert "token" not in repr(opened).replace("username", "")
    assert opened.id not in repr(opened)


def test_each_role_includes_the_ones_before() -> None:
    assert includes("maintainer", "user")
    assert includes("engineer", "engineer")
    assert not includes("user", "engineer")
