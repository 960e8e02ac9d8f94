"""The journey of the loop on both stages, through the edge: by its API, and by its pages in a browser."""

import time

import pytest

from browser import browser_page
from compose_stack.client import Refused
from compose_stack.stack.journey import travel
from compose_stack.stack.layout import STAGES, Stage, read_env
from compose_stack.traffic import MODEL, Labelled
from pages import call_an_answer_wrong, sign_in
from stack.conftest import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]


def test_a_version_reaches_main_by_its_receipt_and_after_staging_served_it(stack: Stack) -> None:
    version = stack.until_main_serves()
    served = {}
    for stage in STAGES:
        with stack.sign_in(stage) as admin:
            entries = [entry for entry in admin.ledger(MODEL) if entry["version"] == version]
        served[stage] = next(entry for entry in entries if entry["stage"] == stage)
    assert served["main"]["receipt"]["verdict"] == "promote"
    assert served["staging"]["at"] < served["main"]["at"]


def test_main_refuses_what_staging_did_not_serve(stack: Stack) -> None:
    with stack.sign_in("main") as admin:
        admin.set_policy(MODEL, auto_promote=False, budget_s=2)
        run = admin.start_run(MODEL)["id"]
        deadline = time.monotonic() + 300
        while (seen := admin.run(run))["status"] in ("queued", "running"):
            assert time.monotonic() < deadline, seen
            time.sleep(1)
        assert seen["status"] == "succeeded", seen["error"]
        with pytest.raises(Refused, match=r"no receipt|not been served in staging"):
            admin.promote(MODEL, seen["version"], "It was trained here.")


@pytest.mark.parametrize("stage", STAGES)
def test_the_journey_leads_through_the_edge(stack: Stack, stage: Stage, rows: list[Labelled]) -> None:
    travelled = travel(stack.layout, stack.platform, stage, rows[:5])
    assert travelled.stage == stage
    assert len(travelled.predictions) == 5


@pytest.mark.parametrize("stage", STAGES)
def test_the_pages_lead_a_person_through_the_edge(stack: Stack, stage: Stage) -> None:
    with stack.sign_in(stage) as admin, browser_page(any_authority=True) as page:
        before = admin.score(MODEL)["n"]
        page.goto(stack.layout.url(stage))
        sign_in(page, read_env(stack.layout.secrets(stage))["ADMIN_PASSWORD"])
        call_an_answer_wrong(page)
        assert admin.score(MODEL)["n"] == before + 1
