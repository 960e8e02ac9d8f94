"""The relay between a page and a gateway that speaks WebSocket, each over the real thing."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Origin

from streamlit_ui.live_relay import PATH, relay_events
from streamlit_ui.sessions import COOKIE, Session, sessions
from streamlit_ui.settings import settings

RUN = "run-1"
EVENTS = [f'{{"seq": {seq}}}' for seq in (1, 2, 3)]


class Events:
    """A gateway that sends some events, and does what it is told after them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        """Path, and who asked."""
        self.refusal: HTTPStatus | None = None
        self.then: Callable[[ServerConnection], Any] = lambda _: None
        self.left = threading.Event()

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.asked.append((request.path, request.headers.get("Authorization")))
        return connection.respond(self.refusal, "no") if self.refusal else None

    def send(self, connection: ServerConnection) -> None:
        after = int(parse_qs(urlsplit(self.asked[-1][0]).query)["after"][0])
        try:
            for event in EVENTS[after:]:
                connection.send(event)
            self.then(connection)
        except ConnectionClosed:
            self.left.set()


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Events]:
    events = Events()
    with serve(events.send, "127.0.0.1", 0, process_request=events.admit) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("GATEWAY_URL", f"http://127.0.0.1:{server.socket.getsockname()[1]}")
        settings.cache_clear()
        sessions.cache_clear()
        sessions().open(Session("erin", "engineer", "token", time.time() + 100, id="of-erin"))
        yield events
        server.shutdown()
        thread.join()
    settings.cache_clear()
    sessions.cache_clear()


class Browser:
    """What a page's script does: it opens a WebSocket, with what the browser adds."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.cookie, self.origin = "of-erin", f"http://{address}"

    def open(self, run: str = RUN, after: str = "0") -> ClientConnection:
        query = urlencode({"run": run, "after": after})
        headers = {"Cookie": f"{COOKIE}={self.cookie}"}
        origin = Origin(self.origin) if self.origin else None
        url = f"ws://{self._address}{PATH}?{query}"
        return connect(url, origin=origin, additional_headers=headers, proxy=None)

    def hear(self, run: str = RUN, after: str = "0") -> tuple[list[str], int | None]:
        """Return what a page hears, and the code that it is closed with."""
        heard: list[str] = []
        with self.open(run, after) as websocket:
            try:
                while True:
                    heard.append(websocket.recv(timeout=20, decode=True))
            except ConnectionClosed:
                return heard, websocket.close_code


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The relay, served in this process, where its sessions are."""
    app = Starlette(routes=[WebSocketRoute(PATH, relay_events)])
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def browser(address: str) -> Browser:
    return Browser(address)


def test_a_page_hears_the_events_that_it_does_not_know_until_the_run_is_finished(
    gateway: Events, browser: Browser
) -> None:
    assert browser.hear() == (EVENTS, 1000)
    assert browser.hear(after="2") == (EVENTS[2:], 1000)
    assert gateway.asked == [(f"/v1/runs/{RUN}/events?after={n}", "Bearer token") for n in (0, 2)]


@pytest.mark.parametrize("code", [1013, 4401, 4403])
def test_it_is_closed_with_the_gateways_code(gateway: Events, browser: Browser, code: int) -> None:
    gateway.then = lambda connection: connection.close(code)
    assert browser.hear() == (EVENTS, code)


def test_a_gateway_that_dies_is_to_be_asked_again(gateway: Events, browser: Browser) -> None:
    gateway.then = lambda connection: connection.socket.shutdown(2)
    assert browser.hear() == (EVENTS, 1013)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (HTTPStatus.UNAUTHORIZED, 4401),
        (HTTPStatus.FORBIDDEN, 4403),
        (HTTPStatus.NOT_FOUND, 4403),
        (HTTPStatus.UNPROCESSABLE_ENTITY, 4403),
        (HTTPStatus.TOO_MANY_REQUESTS, 1013),
        (HTTPStatus.SERVICE_UNAVAILABLE, 1013),
    ],
)
def test_a_refusal_says_whether_to_ask_again(
    gateway: Events, browser: Browser, status: HTTPStatus, code: int
) -> None:
    gateway.refusal = status
    assert browser.hear() == ([], code)


def test_a_gateway_that_is_away_is_to_be_asked_again(
    gateway: Events, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_URL", "http://127.0.0.1:9")
    settings.cache_clear()
    assert browser.hear() == ([], 1013)
    assert gateway.asked == []


def test_the_gateway_is_left_with_the_page(gateway: Events, browser: Browser) -> None:
    gateway.then = lambda connection: connection.recv()
    with browser.open() as websocket:
        websocket.recv()
    assert gateway.left.wait(10)


@pytest.mark.parametrize("cookie", ["", "guessed"])
def test_nobody_hears_anything_without_a_session(gateway: Events, browser: Browser, cookie: str) -> None:
    browser.cookie = cookie
    assert browser.hear() == ([], 4401)
    assert gateway.asked == []


@pytest.mark.parametrize("origin", ["", "http://elsewhere.test"])
def test_a_page_elsewhere_is_refused(gateway: Events, browser: Browser, origin: str) -> None:
    browser.origin = origin
    with pytest.raises(InvalidStatus, match="403"):
        browser.open()
    assert gateway.asked == []


def test_no_run_leads_to_another_path(gateway: Events, browser: Browser) -> None:
    browser.hear(run="../../auth/keys?x", after="0&b=1#")
    assert gateway.asked[0][0] == "/v1/runs/..%2F..%2Fauth%2Fkeys%3Fx/events?after=0%26b%3D1%23"
