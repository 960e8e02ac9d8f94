"""The started process, over HTTP: health, headers, and the session's cookie."""

import asyncio
import os
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from fake_gateway import serving
from streamlit_ui.server import SCRIPT, keep_session
from streamlit_ui.sessions import COOKIE, Session, sessions


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def pages(logs: Path) -> Iterator[httpx.Client]:
    """The pages as they are started by whoever runs them."""
    port = free_port()
    with serving() as gateway:
        environment = {**os.environ, "GATEWAY_URL": gateway.url, "PORT": str(port)}
        environment |= {"LOG_DIR": str(logs), "LOG_LEVEL": "debug"}
        command = [str(Path(sys.executable).with_name("streamlit-ui"))]
        with subprocess.Popen(command, env=environment) as process:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
                _wait(http, process)
                yield http
            process.terminate()
            assert process.wait(60) in (0, -15)


def _wait(http: httpx.Client, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        assert process.poll() is None
        try:
            http.get("/healthz").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("The pages did not start within 30 seconds.")


def test_the_process_is_alive_and_ready(pages: httpx.Client) -> None:
    assert pages.get("/healthz").json() == {"status": "ok", "checks": {}}
    assert pages.get("/readyz").json() == {"status": "ok", "checks": {"gateway": "ok"}}


def test_what_streamlit_says_is_in_the_log_file_too(pages: httpx.Client, logs: Path) -> None:
    said = (logs / "streamlit-ui-1.log").read_text()
    assert pages.base_url.port
    assert f"Starting uvicorn runner on 127.0.0.1:{pages.base_url.port}" in said


def test_the_process_can_be_scraped(pages: httpx.Client) -> None:
    pages.get("/readyz")
    shown = pages.get("/metrics").text
    assert 'target_info{service_instance_id="' in shown
    assert "process_resident_memory_bytes" in shown
    assert 'url_template="/healthz"' in shown


def test_every_answer_keeps_others_from_embedding_it(pages: httpx.Client) -> None:
    for path in ("/", "/healthz", "/model", "/session"):
        headers = pages.get(path).headers
        assert headers["content-security-policy"] == "frame-ancestors 'self'"
        assert headers["x-content-type-options"] == "nosniff"


def test_a_guessed_ticket_opens_nothing(pages: httpx.Client) -> None:
    answer = pages.post("/session", content="guess", headers={"Origin": str(pages.base_url).rstrip("/")})
    assert answer.status_code == 404
    assert "set-cookie" not in answer.headers


def test_a_page_shows_only_what_it_is_told_to() -> None:
    """Streamlit's magic would show the docstrings of a page's constants to whoever opens it."""
    chosen = tomllib.loads((SCRIPT.parent / ".streamlit/config.toml").read_text())
    assert chosen["runner"]["magicEnabled"] is False


def test_no_table_is_exported_with_its_formulas_alive() -> None:
    """The pages' own downloads defuse formulas; Streamlit's own, at every table, does not, and is off."""
    script = (
        "from streamlit import config; from streamlit.proto.NewSession_pb2 import Config;"
        "from streamlit.runtime.app_session import _populate_config_msg;"
        "from streamlit_ui.server import SCRIPT;"
        "config._main_script_path = str(SCRIPT); config.get_config_options(force_reparse=True);"
        "sent = Config(); _populate_config_msg(sent); print(sent.disable_data_export)"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True"]


def test_what_a_visitor_claims_of_their_address_is_not_streamlits_to_believe() -> None:
    script = (
        "import os; from streamlit_ui import server; from streamlit_ui.settings import settings;"
        "server.create_app = lambda: type('App', (), {'run': lambda self, config: None})();"
        "server.run(settings()); import uvicorn;"
        "print(uvicorn.Config(app=None).forwarded_allow_ips == '')"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True"]


def test_the_first_page_does_not_wait_for_imports() -> None:
    """What the first person would wait seconds for is imported while the server starts."""
    script = "import sys; from streamlit_ui import server; server.warm_up(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert {"pandas", "altair", "streamlit_ui.charts"} <= set(loaded.stdout.split())


def test_what_was_imported_is_not_collected_after_every_run_of_a_page() -> None:
    """Every page and every live event would wait for it."""
    script = (
        "import gc; from streamlit_ui import server; server.warm_up();"
        "print(len(gc.get_objects()) < gc.get_freeze_count() / 10)"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True"]


def test_usage_is_not_reported_to_anybody(pages: httpx.Client) -> None:
    config = pages.get("/_stcore/host-config").json()
    assert config["allowedOrigins"] == []


@pytest.fixture
def claim() -> Iterator[Callable[..., httpx.Response]]:
    """The route of the cookie alone, in this process, where its sessions are."""
    sessions.cache_clear()
    app = Starlette(routes=[Route("/session", keep_session, methods=["POST"])])

    def post(content: str, **headers: str) -> httpx.Response:
        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://pages.test") as http:
                return await http.post("/session", content=content, headers=headers)

        return asyncio.run(call())

    yield post
    sessions.cache_clear()


def ticket() -> str:
    return sessions().open(Session("uma", "user", "token", time.time() + 100, id="session-id"))


def test_a_ticket_buys_a_cookie_that_no_script_can_read(claim: Callable[..., httpx.Response]) -> None:
    answer = claim(ticket(), origin="http://pages.test")
    assert answer.status_code == 204
    parts = set(answer.headers["set-cookie"].split("; "))
    assert parts >= {f"{COOKIE}=session-id", "HttpOnly", "SameSite=strict", "Path=/"}
    assert "Secure" not in parts


def test_behind_https_the_cookie_stays_there(claim: Callable[..., httpx.Response]) -> None:
    answer = claim(ticket(), origin="https://pages.test")
    assert "Secure" in answer.headers["set-cookie"].split("; ")


def test_a_ticket_is_traded_once(claim: Callable[..., httpx.Response]) -> None:
    once = ticket()
    answers = [claim(once, origin="http://pages.test") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 404]


@pytest.mark.parametrize("origin", ["http://evil.test", "null", "http://pages.test.evil.test"])
def test_no_other_site_signs_a_visitor_in(claim: Callable[..., httpx.Response], origin: str) -> None:
    assert claim(ticket(), origin=origin).status_code == 403


def test_a_request_without_an_origin_is_refused(claim: Callable[..., httpx.Response]) -> None:
    assert claim(ticket()).status_code == 403
