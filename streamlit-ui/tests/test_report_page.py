import asyncio
import time
from collections.abc import Callable

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from fake_gateway import FakeGateway
from streamlit_ui.report_page import PATH, show_report
from streamlit_ui.sessions import COOKIE, Session, sessions

Ask = Callable[[str, str | None], httpx.Response]


@pytest.fixture
def ask(fake: FakeGateway) -> Ask:
    """Ask for a report as whoever a cookie names."""
    app = Starlette(routes=[Route(PATH, show_report)])
    fake.tokens["token"] = "erin"
    sessions().open(Session("erin", "engineer", "token", time.time() + 100, id="of-erin"))

    def get(report: str, cookie: str | None) -> httpx.Response:
        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            cookies = {COOKIE: cookie} if cookie else {}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://pages.test", cookies=cookies
            ) as http:
                return await http.get(f"/drift-reports/census-income/{report}")

        return asyncio.run(call())

    return get


def test_who_is_signed_in_sees_the_charts_and_their_scripts_reach_nothing(ask: Ask) -> None:
    answer = ask("drift-1", "of-erin")
    assert (answer.status_code, answer.text) == (200, "<h1>drift-1</h1>")
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("cookie", [None, "guessed"])
def test_nobody_else_sees_them(ask: Ask, fake: FakeGateway, cookie: str | None) -> None:
    answer = ask("drift-1", cookie)
    assert answer.status_code == 401
    assert "Nobody is signed in here." in answer.text
    assert fake.requests == []


def test_what_the_gateway_refuses_is_a_sentence_and_no_page(ask: Ask) -> None:
    answer = ask("<script>", "of-erin")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/plain")
