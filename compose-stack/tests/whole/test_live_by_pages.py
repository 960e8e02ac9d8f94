"""Steering a model while it learns, in a real browser: a change that bends the curve, a fork, the gate."""

import csv
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from browser import browser_page
from compose_stack.client import Client
from compose_stack.instance import Instance
from compose_stack.traffic import MODEL
from pictures import take_picture_of_curves

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

EPOCHS = 20_000
"""More than it will learn: the test stops it."""
SLOW_EPOCHS = 8
"""Then a rate that is too low is no longer mistaken for one that suits."""
ENGINEER, PASSWORD = "lena", "a curve of one's own"
PHONE = {"width": 390, "height": 844}
BEGUN_MS, GATE_MS = 300_000, 300_000
MARKS = ".panel.large line.mark"
OF_THE_PAGE = "document.querySelector('[data-testid=stMain]')"


@pytest.fixture
def page() -> Iterator[Page]:
    with browser_page() as opened:
        yield opened


def losses(page: Page) -> list[float]:
    """Return the heights of the drawn validation loss, in pixels from the top, epoch after epoch."""
    drawn = page.locator(".panel.large path:not([stroke-dasharray])").first.get_attribute("d") or ""
    return [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", drawn)]


def fall(heights: list[float], epoch: int) -> float:
    """Return how far a curve that shows each epoch falls in the two epochs after one, in pixels."""
    return heights[epoch + 1] - heights[epoch - 1]


def learnt(page: Page, epochs: int) -> None:
    """Wait until a run has learnt so many epochs."""
    page.wait_for_function(
        f"/Epoch ([\\d\\s\\u202f]+) of/.exec({OF_THE_PAGE}.innerText)?.[1].replace(/\\D/g, '') >= {epochs}",
        timeout=BEGUN_MS,
    )


def begin(page: Page, instance: Instance) -> None:
    """Sign in as an engineer, and start a live run that learns too slowly."""
    page.goto(instance.settings.ui_url)
    page.get_by_label("Username").fill(ENGINEER)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Predict")).to_be_visible()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Live", exact=True).click()
    expect(page.get_by_text("Watch a model learn epoch by epoch")).to_be_visible()
    enter(page.get_by_role("spinbutton", name="Learning rate"), "0.00001")
    enter(page.get_by_role("spinbutton", name="Epochs"), str(EPOCHS))
    page.get_by_role("button", name="Start", exact=True).click()
    learnt(page, SLOW_EPOCHS)


def change_the_rate(page: Page) -> int:
    """Change the learning rate while the run learns, and return after which epoch that was."""
    expect(page.locator(MARKS)).to_have_count(0)
    page.get_by_label("Learning rate, exactly").fill("0.01")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(MARKS)).to_have_count(2)  # on the loss and on the metric
    expect(page.get_by_text(f"Learning rate 1e-5 → 0.01, by {ENGINEER}")).to_be_visible()
    page.locator(MARKS).first.hover(force=True)
    told = page.get_by_text(re.compile(rf"Change 1 by {ENGINEER}, .*, after epoch \d"))
    expect(told).to_be_visible()
    return int(re.findall(r"after epoch (\d+)", told.inner_text())[0])


def save_every_epoch(page: Page) -> list[dict[str, str]]:
    """Save what was measured as CSV while the run learns, and return its rows."""
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV").click()
    with saved.value.path().open(newline="") as file:
        return list(csv.DictReader(file))


def fork_before_the_change(page: Page) -> None:
    """Fork the run just before its first change, with another rate, and go there."""
    page.get_by_role("button", name="Fork from here…").click()
    page.get_by_text("Just before a change").click()
    page.get_by_role("combobox", name="Change").click()
    page.get_by_role("option", name=re.compile("^1: ")).click()
    dialog = page.get_by_role("dialog")
    rate = dialog.get_by_role("spinbutton", name="Learning rate")
    expect(rate).to_have_value("0.00001")
    enter(rate, "0.003")
    original = page.url
    dialog.get_by_role("button", name="Fork").first.click()
    page.wait_for_url(lambda url: url != original)
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("(its origin)")).to_be_visible()


def fits_a_phone(page: Page) -> bool:
    """Say whether nothing of the page is wider than a phone."""
    before = page.viewport_size
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a TypedDict
    expect(page.get_by_role("button", name="Keep this version…")).to_be_visible()
    fits = bool(page.evaluate(f"{OF_THE_PAGE}.scrollWidth <= {OF_THE_PAGE}.clientWidth"))
    if before is not None:
        page.set_viewport_size(before)
    return fits


def enter(field: Locator, value: str) -> None:
    field.fill(value)
    field.press("Enter")


def test_a_rate_is_changed_the_curve_bends_and_the_fork_before_it_is_kept(
    instance: Instance, admin: Client, page: Page, request: pytest.FixtureRequest
) -> None:
    admin.create_user(ENGINEER, PASSWORD, "engineer")
    begin(page, instance)
    changed = change_the_rate(page)
    learnt(page, changed + 2)
    heights = losses(page)
    assert fall(heights, changed) > 3 * fall(heights, changed - 2), (changed, heights)

    epochs = [int(row["epoch"]) for row in save_every_epoch(page)]
    assert epochs == list(range(1, len(epochs) + 1))
    assert len(epochs) >= changed + 2

    run = re.findall(r"run=([\w-]+)", page.url)[0]
    admin.call("PATCH", f"/v1/runs/{run}/hyperparameters", json={"alpha": 0.001})
    expect(page.get_by_text("by admin")).to_be_visible()

    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("It is kept paused until")).to_be_visible()
    fork_before_the_change(page)
    learnt(page, changed + 4)
    board = page.get_by_role("table")
    expect(board.get_by_text("(this one)")).to_be_visible()
    expect(board.get_by_text(re.compile(r"^0\.\d+ at epoch \d+$"))).to_have_count(2)
    pictures = request.config.getoption("--pictures")
    if pictures is not None:
        enter(page.get_by_label("Learning rate, exactly"), "0.0003")
        page.get_by_role("button", name="Apply").click()
        learnt(page, changed + 20)
        take_picture_of_curves(page, pictures)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("It has ended")).to_be_visible()
    assert fits_a_phone(page)

    page.get_by_role("button", name="Keep this version…").click()
    page.get_by_role("button", name="Yes, keep it").click()
    expect(page.get_by_text("is on its way to the gate")).to_be_visible()
    page.get_by_role("link", name="Follow it").click()
    expect(page.get_by_role("heading", name="Gate")).to_be_visible()
    expect(page.get_by_text("Succeeded")).to_be_visible(timeout=GATE_MS)
    newest = admin.call("GET", "/v1/runs", params={"kind": "training", "model": MODEL})[0]
    assert newest["reason"].startswith(f"{ENGINEER} keeps epoch")
    assert newest["version"]
