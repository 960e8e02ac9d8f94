from collections.abc import Callable

import pytest
from pydantic import SecretStr, ValidationError
from starlette.requests import Request

from pipeline_api.auth.throttle import FREE_FAILURES
from pipeline_api.auth.visitors import VISITOR_HEADER, Visitors
from pipeline_api.service.database import now
from pipeline_api.service.proxies import TrustedProxies
from pipeline_api.settings import Settings
from running import PASSWORD, Gateway

TOKEN = "token-of-the-pages-in-tests"
EDGE, PAGES, BROWSER = "10.0.0.1", "10.0.0.2", "203.0.113.7"


def request(peer: str, **headers: str) -> Request:
    sent = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "client": (peer, 4711), "headers": sent})


@pytest.fixture
def visitors() -> Visitors:
    return Visitors(TrustedProxies([EDGE]), TOKEN)


def test_the_place_is_the_other_end_of_the_connection(visitors: Visitors) -> None:
    assert visitors.place(request(BROWSER)) == BROWSER


def test_a_configured_proxy_says_who_asked_it(visitors: Visitors) -> None:
    assert visitors.place(request(EDGE, X_Forwarded_For=BROWSER)) == BROWSER
    assert visitors.place(request(PAGES, X_Forwarded_For=BROWSER)) == PAGES


def test_the_pages_name_the_browser_wherever_they_run(visitors: Visitors) -> None:
    assert visitors.place(request(PAGES, X_Loopkeeper_Visitor=f"{TOKEN} {BROWSER}")) == BROWSER


@pytest.mark.parametrize(
    "said", [f"guess {BROWSER}", BROWSER, f" {BROWSER}", TOKEN, f"{TOKEN} somewhere", ""]
)
def test_nobody_else_names_a_place(visitors: Visitors, said: str) -> None:
    assert visitors.place(request(PAGES, X_Loopkeeper_Visitor=said)) == PAGES


def test_without_a_token_nobody_is_the_pages() -> None:
    visitors = Visitors(TrustedProxies([]), None)
    assert visitors.place(request(PAGES, X_Loopkeeper_Visitor=f"None {BROWSER}")) == PAGES


def wrong(gateway: Gateway, **headers: str) -> int:
    form = {"username": "admin", "password": "a wrong password"}
    return gateway.client.post("/v1/auth/token", data=form, headers=headers).status_code


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass for the throttle: on a busy machine, attempts take longer than the first wait."""
    instant = now()
    monkeypatch.setattr("pipeline_api.auth.throttle.now", lambda: instant)


@pytest.mark.usefixtures("frozen")
def test_a_hundred_addresses_in_a_header_are_one_place(gateway: Gateway) -> None:
    answers = [wrong(gateway, **{"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(100)]

    assert answers.count(401) == FREE_FAILURES + 1
    assert answers.count(429) == 100 - FREE_FAILURES - 1


@pytest.mark.usefixtures("frozen")
def test_wrong_passwords_at_one_browser_do_not_keep_the_owner_out_at_another(
    open_gateway: Callable[..., Gateway],
) -> None:
    gateway = open_gateway(pages_token=SecretStr(TOKEN))

    def at(browser: str) -> dict[str, str]:
        return {VISITOR_HEADER: f"{TOKEN} {browser}"}

    assert [wrong(gateway, **at("198.51.100.1")) for _ in range(10)][-1] == 429

    form = {"username": "admin", "password": PASSWORD}
    assert gateway.client.post("/v1/auth/token", data=form, headers=at(BROWSER)).status_code == 200
    assert gateway.client.post("/v1/auth/token", data=form, headers=at("198.51.100.1")).status_code == 429


def test_proxies_are_separated_by_commas(
    gateway_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.1, 10.1.0.0/16,caddy")
    assert gateway_settings().trusted_proxies == ("10.0.0.1", "10.1.0.0/16", "caddy")
    monkeypatch.setenv("TRUSTED_PROXIES", "everybody!")
    with pytest.raises(ValidationError, match="'everybody!' is not an address, a network"):
        gateway_settings()
