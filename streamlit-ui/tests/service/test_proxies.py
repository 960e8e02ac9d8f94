import socket
from typing import Any

import pytest

from streamlit_ui.service import proxies
from streamlit_ui.service.proxies import TrustedProxies

EDGE = "10.0.0.1"
VISITOR = "203.0.113.7"


def test_nobody_is_believed_by_default() -> None:
    assert TrustedProxies([]).client("127.0.0.1", [VISITOR]) == "127.0.0.1"


def test_a_trusted_proxy_says_where_a_request_comes_from() -> None:
    assert TrustedProxies([EDGE]).client(EDGE, [VISITOR]) == VISITOR


def test_another_machine_is_not_believed() -> None:
    assert TrustedProxies([EDGE]).client("10.0.0.2", [VISITOR]) == "10.0.0.2"


def test_a_trusted_proxy_that_says_nothing_is_where_it_comes_from() -> None:
    assert TrustedProxies([EDGE]).client(EDGE) == EDGE


def test_what_a_visitor_claims_before_the_proxy_adds_to_it_is_not_believed() -> None:
    assert TrustedProxies([EDGE]).client(EDGE, [f"198.51.100.1, {VISITOR}"]) == VISITOR
    assert TrustedProxies([EDGE]).client(EDGE, ["198.51.100.1", VISITOR]) == VISITOR


def test_a_chain_of_trusted_proxies_is_followed() -> None:
    chain = [f"198.51.100.1, {VISITOR}, 10.0.0.9"]
    assert TrustedProxies(["10.0.0.0/24"]).client(EDGE, chain) == VISITOR


@pytest.mark.parametrize(
    "said", ["", "unknown", "_hidden", "1.2.3", "999.1.1.1", "x" * 10_000, f"{VISITOR}, "]
)
def test_what_is_no_address_is_not_believed(said: str) -> None:
    assert TrustedProxies([EDGE]).client(EDGE, [said]) == EDGE


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("203.0.113.7:4711", VISITOR),
        ("::ffff:203.0.113.7", VISITOR),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8:0::1", "2001:db8::1"),
    ],
)
def test_an_address_has_one_form(said: str, meant: str) -> None:
    assert TrustedProxies([EDGE]).client("::ffff:10.0.0.1", [said]) == meant


def test_a_host_name_stands_for_its_addresses_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = {"caddy": "172.18.0.3"}

    def look_up(host: str, *_: Any, **__: Any) -> list[Any]:
        if host not in addresses:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (addresses[host], 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(proxies, "LOOKED_UP_S", 0)
    trusted = TrustedProxies(["caddy"])
    assert trusted.client("172.18.0.3", [VISITOR]) == VISITOR
    addresses["caddy"] = "172.18.0.4"
    assert trusted.client("172.18.0.3", [VISITOR]) == "172.18.0.3"
    assert trusted.client("172.18.0.4", [VISITOR]) == VISITOR
    del addresses["caddy"]
    assert trusted.client("172.18.0.4", [VISITOR]) == "172.18.0.4"


@pytest.mark.parametrize("name", ["*", "10.0.0.1/8", "10.0.0", "caddy:80", "http://caddy", "a b"])
def test_what_names_no_proxy_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not an address, a network"):
        TrustedProxies([name])
