"""Faces in a real browser with a camera: an engineer's model, from nobody known to somebody forgotten."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser import browser_page
from camera import Camera
from compose_stack.client import Client
from compose_stack.instance import Instance
from front_doors import picture_settings, s3_server
from pictures import take_picture_of_faces

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

ANN = 0
MODEL = "front-door"
SERVED_MS = 300_000
SHOWS_SOMETHING = "document.querySelector('video')?.currentTime > 0.2"


@pytest.fixture(scope="module")
def instance(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    folder = tmp_path_factory.mktemp("faces")
    shutil.copytree(trained, folder / "var")
    with (
        s3_server(folder / "s3") as address,
        Instance(folder / "var", environment=picture_settings(address)) as started,
    ):
        yield started


@pytest.fixture
def camera(tmp_path: Path) -> Camera:
    made = Camera(tmp_path)
    made.draw(ANN, 2)
    made.see(ANN, 0)
    return made


@pytest.fixture
def page(camera: Camera) -> Iterator[Page]:
    with browser_page(camera=camera.film) as opened:
        yield opened


def take_photo(page: Page) -> None:
    """Take the first photo, or the next one instead of the last."""
    again = page.get_by_role("button", name="Clear photo")
    if again.is_visible():
        again.click()
    page.wait_for_function(SHOWS_SOMETHING)  # a camera that has just been opened sees black
    page.get_by_role("button", name="Take Photo").click()
    expect(again).to_be_visible()


def test_who_is_registered_is_recognised_corrected_and_forgotten(
    instance: Instance, admin: Client, page: Page, camera: Camera, request: pytest.FixtureRequest
) -> None:
    admin.create_user("greta", "a garden of one's own", "engineer")
    page.goto(instance.settings.ui_url)
    page.get_by_label("Username").fill("greta")
    page.get_by_label("Password", exact=True).fill("a garden of one's own")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Predict")).to_be_visible()

    page.get_by_test_id("stSidebar").get_by_role("link", name="Faces", exact=True).click()
    expect(page.get_by_text("No model recognises faces yet")).to_be_visible()
    page.get_by_label("Name of the model", exact=True).fill(MODEL)
    page.get_by_role("button", name="Create a model").click()
    page.get_by_role("radio", name="Camera").click(timeout=SERVED_MS)

    take_photo(page)
    expect(page.get_by_text("Nobody who is enrolled comes into question")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("Ann")
    page.get_by_label("Contact", exact=True).fill("ann@example.org")
    page.get_by_label("Details", exact=True).fill("Department: Sales")
    page.get_by_text("The person agrees to be recognised").click()
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_text("Ann is known from the next picture on")).to_be_visible()

    camera.see(ANN, 1)
    take_photo(page)
    expect(page.get_by_role("heading", name="Ann", exact=True)).to_be_visible()
    near = re.compile(r"Distance [1-9]\S*, within the threshold of")  # not 0: it is another photo
    expect(page.get_by_text(near)).to_be_visible()
    expect(page.get_by_text("ann@example.org")).to_be_visible()
    expect(page.get_by_text("Department: Sales")).to_be_visible()
    expect(page.get_by_text("agreed on")).to_be_visible()
    pictures = request.config.getoption("--pictures")
    if pictures is not None:
        take_picture_of_faces(page, pictures)

    page.get_by_role("button", name="Wrong").click()
    page.get_by_role("button", name="This is not Ann").click()
    expect(page.get_by_text("Thank you. You said")).to_be_visible()
    take_photo(page)
    expect(page.get_by_role("button", name="Register")).to_be_visible()
    expect(page.get_by_role("heading", name="Ann", exact=True)).to_have_count(0)

    page.get_by_role("tab", name="Persons").click()
    page.get_by_label("Find", exact=True).fill("an")
    page.get_by_label("Find", exact=True).press("Enter")
    expect(page.get_by_text("1 person, 1 picture")).to_be_visible()
    expect(page.get_by_role("img", name="Not Ann")).to_be_visible()
    page.get_by_role("button", name="Forget…").click()
    page.get_by_role("button", name="Yes, forget").click()
    expect(page.get_by_text("Nobody is enrolled", exact=True)).to_be_visible()
    assert admin.call("GET", f"/v1/models/{MODEL}/persons") == []
    page.get_by_role("tab", name="Recognise").click()
    camera.see(ANN, 0)
    take_photo(page)
    expect(page.get_by_text("Nobody who is enrolled comes into question")).to_be_visible()
