import asyncio
import time
from collections.abc import Callable

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from fake_gateway import FakeGateway
from streamlit_ui.files import EPOCHS, REPORT, send_epochs, show_report
from streamlit_ui.sessions import COOKIE, Session, sessions

Ask = Callable[[str, str | None], httpx.Response]
REPORTS = "/drift-reports/census-income"


@pytest.fixture
def ask(fake: FakeGateway) -> Ask:
    """Ask for a file as whoever a cookie names."""
    app = Starlette(routes=[Route(REPORT, show_report), Route(EPOCHS, send_epochs)])
    fake.tokens["token"] = "erin"
    sessions().open(Session("erin", "engineer", "token", time.time() + 100, id="of-erin"))

    def get(address: str, cookie: str | None) -> httpx.Response:
        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            cookies = {COOKIE: cookie} if cookie else {}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://pages.test", cookies=cookies
            ) as http:
                return await http.get(address)

        return asyncio.run(call())

    return get


def test_who_is_signed_in_sees_the_charts_and_their_scripts_reach_nothing(ask: Ask) -> None:
    answer = ask(f"{REPORTS}/drift-1", "of-erin")
    assert (answer.status_code, answer.text) == (200, "<h1>drift-1</h1>")
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy


def test_every_epoch_of_a_live_run_is_a_row(ask: Ask, fake: FakeGateway) -> None:
    run = fake.add_live()["id"]
    fake.learn(run, 1000)
    answer = ask(f"/live-epochs/{run}", "of-erin")
    assert answer.headers["content-type"].startswith("text/csv")
    head, *rows = answer.text.splitlines()
    assert head.startswith("epoch,at,seconds,training_loss,validation_loss")
    assert [int(row.split(",")[0]) for row in rows] == list(range(1, 1001))


@pytest.mark.parametrize("cookie", [None, "guessed"])
@pytest.mark.parametrize("address", [f"{REPORTS}/drift-1", "/live-epochs/live-1"])
def test_nobody_else_sees_them(ask: Ask, fake: FakeGateway, address: str, cookie: str | None) -> None:
    answer = ask(address, cookie)
    assert answer.status_code == 401
    assert "Nobody is signed in here." in answer.text
    assert fake.requests == []


@pytest.mark.parametrize("address", [f"{REPORTS}/<script>", "/live-epochs/<script>"])
def test_what_the_gateway_refuses_is_a_sentence_and_no_page(ask: Ask, address: str) -> None:
    answer = ask(address, "of-erin")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/plain")
