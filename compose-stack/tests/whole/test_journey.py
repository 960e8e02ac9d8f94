"""The journey in a real browser: predict → wrong → score → retrain → promoted → rolled back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from browser import browser_page
from compose_stack.client import Client
from compose_stack.instance import Instance, admin_password
from compose_stack.loop import Fall, Loop
from compose_stack.people import People
from compose_stack.traffic import MODEL, sample_rows
from pages import call_an_answer_wrong, sign_in
from pictures import notify_somebody, take_pictures

RUN_MS = 300_000
SHIFTED_ROWS = 3000
PEOPLE = 12
ENOUGH_LABELS = 400
"""Labels that the run waits for: on fewer, the first gate may hold, and a second run doubles the journey."""


@pytest.fixture(scope="module")
def instance(shared: Instance) -> Instance:
    return shared


@pytest.fixture
def page() -> Iterator[Page]:
    with browser_page() as opened:
        yield opened


def let_the_score_fall(instance: Instance) -> Fall:
    """Give feedback from a changed world through the API, faster than anyone clicks."""
    with instance.sign_in() as admin, People(admin, PEOPLE) as people:
        admin.set_policy(MODEL, min_new_labels=ENOUGH_LABELS)
        loop = Loop(admin, people, tell=lambda _: None)
        rows = sample_rows(SHIFTED_ROWS, seed=5, drift=1.0)
        return loop.fall_and_recover(rows, loop.answering_version(rows[0]))


def open_page(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebar").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def open_model(page: Page, name: str) -> None:
    open_page(page, "Models")
    page.get_by_test_id("stMain").locator(f'a[href$="model?model={name}"]').click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


@pytest.mark.timeout(900)
def test_predict_wrong_score_retrain_promoted_rolled_back(
    instance: Instance, admin: Client, page: Page, request: pytest.FixtureRequest
) -> None:
    page.goto(instance.settings.ui_url)
    sign_in(page, admin_password(instance.settings))
    call_an_answer_wrong(page)

    open_model(page, "census-income")
    model = admin.model("census-income")
    expect(page.get_by_text(model["score"]["reason"]).first).to_be_visible()

    served = str(model["version"])
    pictures = request.config.getoption("--pictures")
    if pictures is not None:
        notify_somebody(admin)
    with ThreadPoolExecutor(1) as crowd:
        falling = crowd.submit(let_the_score_fall, instance)
        open_page(page, "Runs")
        expect(page.get_by_text("score", exact=False).first).to_be_visible(timeout=RUN_MS)
        fall = falling.result()
    promoted = str(fall.run.run["version"])
    expect(page.get_by_text(f"made version {promoted}").first).to_be_visible()

    open_model(page, "census-income")
    page.get_by_role("tab", name="Ledger").click()
    expect(page.get_by_text("loopkeeper", exact=False).first).to_be_visible()
    page.get_by_role("tab", name="Score").click()
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    if pictures is not None:
        take_pictures(page, pictures)
        open_model(page, "census-income")

    page.get_by_role("button", name="Roll back").click()
    page.get_by_label("Reason").fill("the journey's end")
    page.get_by_role("button", name="Yes, roll back").click()
    expect(page.get_by_text("goes back to the version before")).to_be_visible()
    assert admin.model("census-income")["version"] == served
    assert admin.ledger("census-income")[0]["kind"] == "rollback"
