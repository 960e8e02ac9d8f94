"""A user who cannot program, in a real browser: from their own file to answers that get feedback."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser import browser_page
from compose_stack.client import Client
from compose_stack.instance import Instance

pytestmark = pytest.mark.services

STORED_MS, TRAINED_MS = 180_000, 300_000
ROWS = 1500


@pytest.fixture
def page() -> Iterator[Page]:
    with browser_page() as opened:
        yield opened


@pytest.fixture
def plants(tmp_path: Path) -> Path:
    """A table as people have it: semicolons, a decimal comma, gaps, one column too many."""
    random.seed(7)
    lines = ["Height;Soil;Number;Survived"]
    for number in range(ROWS):
        height = random.uniform(2, 80)  # noqa: S311  # plants, not secrets
        soil = random.choice(["sand", "clay", "peat", "?"])  # noqa: S311
        survives = random.random() < (0.97 if height > 40 else 0.05)  # noqa: S311
        shown = f"{height:.1f}".replace(".", ",")
        lines.append(f"{shown};{soil};p-{number};{'yes' if survives else 'no'}")
    file = tmp_path / "My plants.csv"
    file.write_text("\n".join(lines))
    return file


def open_page(page: Page, name: str) -> None:
    page.get_by_test_id("stSidebar").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


@pytest.mark.timeout(900)
def test_a_new_user_goes_from_a_file_to_answers_with_feedback(
    instance: Instance, admin: Client, page: Page, plants: Path
) -> None:
    admin.create_user("greta", "a garden of one's own", "engineer")
    page.goto(instance.settings.ui_url)
    page.get_by_label("Username").fill("greta")
    page.get_by_label("Password", exact=True).fill("a garden of one's own")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Predict")).to_be_visible()

    open_page(page, "Data")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(plants)
    expect(page.get_by_label("Name of the dataset", exact=True)).to_have_value("my-plants")
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_role("heading", name="Columns", exact=True)).to_be_visible()
    expect(page.get_by_text("2 classes")).to_be_visible()
    page.get_by_role("button", name="Confirm and store").click()
    page.get_by_role("link", name="Train a model on it").click(timeout=STORED_MS)

    expect(page.get_by_label("Name of the model", exact=True)).to_have_value("my-plants")
    page.get_by_test_id("stMain").get_by_text("seconds", exact=True).click()
    budget = page.get_by_label("The search may take", exact=True)
    expect(budget).to_have_value("60")
    budget.fill("2")
    budget.press("Tab")
    page.get_by_role("button", name="Find the best model").click()
    expect(page.get_by_text("Succeeded").first).to_be_visible(timeout=TRAINED_MS)
    expect(page.get_by_text("Gate: promote").first).to_be_visible()

    page.get_by_role("button", name="Predict with it").click()
    expect(page.get_by_text("What is Survived?")).to_be_visible()
    page.get_by_label("Height", exact=True).fill("75")
    page.get_by_label("Height", exact=True).press("Tab")
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("heading", name="yes")).to_be_visible()
    page.get_by_role("button", name="Right").click()
    expect(page.get_by_text("Thank you. You said")).to_be_visible()
    assert admin.model("my-plants")["score"]["n"] == 1

    open_page(page, "Models")
    expect(page.get_by_test_id("stMain").get_by_text("my-plants", exact=True)).to_be_visible()
