"""A hundred watchers of one live run: each sees each event once and soon, whatever dies meanwhile."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import jsonschema_rs
import psutil
import pytest
import yaml
from playwright.sync_api import Page, expect
from websockets.sync.client import connect

from browser import browser_page
from compose_stack.benchmarks.watchers import Seen
from compose_stack.benchmarks.watching import PERCENTILE, WATCHERS, job, percentile, watchers
from compose_stack.client import Client, Refused
from compose_stack.instance import Instance
from compose_stack.settings import ROOT
from compose_stack.traffic import MODEL

pytestmark = pytest.mark.services

WITHIN_MS = 300
LEARNS_S = 6.0
EPOCHS_DRAWN = 60
PATIENCE_S = 120.0
ENGINEER, PASSWORD = "walter", "at the edge of one's seat"
HEARD = "window.loopkeeperLive.stream?.drawn > 0"
"""The page is open: something that its WebSocket told was drawn."""
NOTE_WHAT_IS_DRAWN = """() => {
    window.drawn = {};
    const shown = () => window.loopkeeperLive.curves?.data.runs[0].epoch ?? [];
    let last = shown().at(-1);
    const look = () => {
        for (const epoch of shown().filter((one) => one > last)) window.drawn[last = epoch] = Date.now();
        requestAnimationFrame(look);
    };
    look();
}"""
DOCUMENT = yaml.safe_load((ROOT / "pipeline-api" / "asyncapi.yaml").read_text())


@pytest.fixture
def run(admin: Client) -> Iterator[str]:
    """A live run that learns as long as the test needs."""
    started = admin.call("POST", f"/v1/models/{MODEL}/live-runs", json={"epochs": 100_000})["id"]
    yield started
    if admin.run(started)["status"] in ("queued", "running"):
        admin.call("POST", f"/v1/runs/{started}/cancel")


def live(admin: Client, run: str) -> Any:
    return admin.call("GET", f"/v1/runs/{run}/live")


def until(admin: Client, run: str, so: Callable[[Any], bool]) -> Any:
    """Wait until a live run is as it should be; return it."""
    deadline = time.monotonic() + PATIENCE_S
    while not so(found := live(admin, run)):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


def events_of(admin: Client, run: str, after: int = 0) -> list[dict[str, Any]]:
    """Return the events of an ended run, over the WebSocket."""
    url = job(admin, run, after)["open"]["url"]
    with connect(
        f"{url}?after={after}", additional_headers={"Authorization": admin.authorization}
    ) as websocket:
        return [json.loads(message) for message in websocket]


def wrong(event: dict[str, Any]) -> list[str]:
    """Return how an event differs from the document of messages."""
    payload = DOCUMENT["components"]["messages"][event["type"]]["payload"]
    schema = {**payload, "components": DOCUMENT["components"]}
    return [error.message for error in jsonschema_rs.validator_for(schema).iter_errors(event)]


@pytest.mark.timeout(600)
def test_a_hundred_watchers_see_every_event_once_and_soon(
    admin: Client, run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with watchers() as ask:
        ask(job(admin, run, after=0))
        until(admin, run, lambda found: found["epoch"] >= 3)
        admin.call("PATCH", f"/v1/runs/{run}/hyperparameters", json={"learning_rate": 0.002})
        time.sleep(LEARNS_S)
        admin.call("POST", f"/v1/runs/{run}/pause")
        until(admin, run, lambda found: found["state"] == "paused")
        admin.call("POST", f"/v1/runs/{run}/step", json={"epochs": 2})
        admin.call("POST", f"/v1/runs/{run}/stop")
        ended = until(admin, run, lambda found: found["status"] == "succeeded")
        seen = Seen(**ask({"end": True}))

    assert seen.gaps == 0
    assert seen.last == [ended["last_seq"]] * WATCHERS
    late = percentile(seen.late_ms, PERCENTILE)
    with capsys.disabled():
        print(f"\n{len(seen.late_ms)} events reached {WATCHERS} watchers, 95 % within {late:.0f} ms")
    assert late <= WITHIN_MS
    events = events_of(admin, run)
    assert [event["seq"] for event in events] == list(range(1, ended["last_seq"] + 1))
    assert [problem for event in events for problem in wrong(event)] == []
    assert {"status", "step", "metric", "log", "hyperparameters"} == {event["type"] for event in events}


@pytest.mark.timeout(600)
def test_watchers_see_every_event_once_when_the_processor_is_killed(
    instance: Instance, admin: Client, run: str
) -> None:
    until(admin, run, lambda found: found["epoch"] >= 1)
    with watchers() as ask:
        ask(job(admin, run, after=0, count=10))
        serve: psutil.Process = instance.process("data-processor", "serve")
        serve.kill()
        time.sleep(LEARNS_S)  # it learns on: the worker is another process
        until_it_answers(admin, run)
        admin.call("POST", f"/v1/runs/{run}/stop")
        ended = until(admin, run, lambda found: found["status"] == "succeeded")
        seen = Seen(**ask({"end": True}))

    assert (seen.gaps, seen.last) == (0, [ended["last_seq"]] * 10)


@pytest.mark.timeout(600)
def test_an_epoch_is_drawn_in_a_browser_soon_while_a_hundred_watch(
    instance: Instance, admin: Client, run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    admin.create_user(ENGINEER, PASSWORD, "engineer")
    until(admin, run, lambda found: found["epoch"] >= 1)
    with watchers() as ask, browser_page() as page:
        ask(job(admin, run, after=0))
        open_live(page, instance.settings.ui_url, run)
        page.wait_for_function(HEARD)
        page.evaluate(NOTE_WHAT_IS_DRAWN)
        page.wait_for_function(
            f"Object.keys(window.drawn).length >= {EPOCHS_DRAWN}", timeout=1000 * PATIENCE_S
        )
        drawn = {int(epoch): at for epoch, at in page.evaluate("window.drawn").items()}
        admin.call("POST", f"/v1/runs/{run}/stop")
        until(admin, run, lambda found: found["status"] == "succeeded")
        seen = Seen(**ask({"end": True}))

    measured = {
        event["epoch"]: datetime.fromisoformat(event["at"]).timestamp() * 1000
        for event in events_of(admin, run)
        if event["type"] == "metric"
    }
    late = [at - measured[epoch] for epoch, at in drawn.items()]
    with capsys.disabled():
        print(f"\n{len(late)} epochs were drawn, 95 % within {percentile(late, PERCENTILE):.0f} ms, and had")
        print(f"reached {WATCHERS} programs, 95 % within {percentile(seen.late_ms, PERCENTILE):.0f} ms")
    assert sorted(drawn) == list(range(min(drawn), max(drawn) + 1))
    assert percentile(late, PERCENTILE) <= WITHIN_MS


def open_live(page: Page, url: str, run: str) -> None:
    """Sign in, and open the page of a live run."""
    page.goto(url)
    page.get_by_label("Username").fill(ENGINEER)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    with page.expect_response("**/session"):  # the cookie, which outlives the page
        page.get_by_role("button", name="Sign in").click()
    page.goto(f"{url}/live?run={run}")
    expect(page.locator(".panel.large path").first).to_be_visible()


def until_it_answers(admin: Client, run: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            live(admin, run)
        except Refused:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        else:
            return
