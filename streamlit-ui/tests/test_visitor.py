from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.runtime.context import StreamlitHeaders

from conftest import Open
from fake_gateway import FakeGateway
from streamlit_ui import visitor
from streamlit_ui.settings import settings
from streamlit_ui.telemetry import VISITOR_HEADER

TOKEN = "token-of-the-pages-in-tests"
BROWSER, EDGE = "203.0.113.7", "10.0.0.1"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return the address of a visitor, by how they are connected and what their headers say."""

    def visited(peer: str | None, *forwarded: str, proxies: str = "") -> str:
        monkeypatch.setenv("TRUSTED_PROXIES", proxies)
        settings.cache_clear()
        sent = StreamlitHeaders([("X-Forwarded-For", value) for value in forwarded])
        context = SimpleNamespace(ip_address=peer, headers=sent)
        monkeypatch.setattr(st, "context", context)
        return visitor.address()

    return visited


def test_a_visitor_is_where_their_connection_comes_from(visit: Callable[..., str]) -> None:
    assert visit(BROWSER) == BROWSER
    assert visit(None) == "127.0.0.1"  # as Streamlit says it of this machine


def test_what_a_header_claims_is_believed_of_a_configured_proxy_only(visit: Callable[..., str]) -> None:
    assert visit(EDGE, BROWSER, proxies=EDGE) == BROWSER
    assert visit(EDGE, f"198.51.100.1, {BROWSER}", proxies=f"{EDGE}, 10.1.0.0/16") == BROWSER
    assert visit(EDGE, BROWSER) == EDGE
    assert visit(None, BROWSER) == "127.0.0.1"


def test_the_place_is_named_with_the_token_of_the_pages(
    visit: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGES_TOKEN", TOKEN)
    visit(BROWSER)
    assert visitor.headers() == {VISITOR_HEADER: f"{TOKEN} {BROWSER}"}


def test_without_a_token_nothing_is_claimed(visit: Callable[..., str]) -> None:
    visit(BROWSER)
    assert visitor.headers() == {}


def test_a_sign_in_says_where_the_visitor_is(
    monkeypatch: pytest.MonkeyPatch, fake: FakeGateway, open_page: Open
) -> None:
    monkeypatch.setenv("PAGES_TOKEN", TOKEN)
    monkeypatch.setattr(visitor, "address", lambda: BROWSER)
    settings.cache_clear()
    page = open_page(role=None)
    page.text_input[0].set_value("erin")
    page.text_input[1].set_value("e")
    page.button[0].click()
    page.run()

    (sent,) = [headers for _, target, headers, _ in fake.requests if target == "/v1/auth/token"]
    assert sent[VISITOR_HEADER.lower()] == f"{TOKEN} {BROWSER}"
