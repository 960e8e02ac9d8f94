"""Faces on both stages, through the edge: devices with an MQTT client and a signed URL, and a page."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from browser import browser_page
from compose_stack.client import Client
from compose_stack.stack.edge import edge_transport
from compose_stack.stack.layout import STAGES, Stage, read_env
from front_doors import draw_persons
from pages import sign_in
from stack.conftest import Stack
from stack.edge_doors import Edge

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

MODEL = "faces"
LEARNT = 4
"""Pictures by which a person is registered; the next ones are asked about."""
NAMES = ("Ann", "Ben")
STRANGER, EVE = range(len(NAMES), len(NAMES) + 2)
SERVED_S = 300
TOO_LARGE = 10 * 1024 * 1024 + 1


@dataclass(frozen=True)
class House(Edge):
    """A stage that recognises faces, and pictures of persons."""

    pictures: Path

    def picture(self, person: int, number: int) -> Path:
        return self.pictures / f"{person}-{number}.jpg"

    def learnt(self, person: int) -> list[Path]:
        return [self.picture(person, number) for number in range(LEARNT)]

    def upload_url(self) -> httpx.URL:
        """Return the signed URL that a new picture may be uploaded to."""
        offer = self.admin.call("POST", "/v1/pictures", json={"folder": "query-images"})
        return httpx.URL(offer["upload"]["url"])


@pytest.fixture(scope="module")
def houses(running: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Stage, House]]:
    """Have a model for faces in staging, which main takes over, and which knows Ann and Ben on both."""
    pictures = tmp_path_factory.mktemp("drawn") / "pictures"
    draw_persons(pictures, len(NAMES) + 2, LEARNT + 2)
    with ExitStack() as opened:
        found: dict[Stage, House] = {}
        for stage in STAGES:
            admin = opened.enter_context(running.sign_in(stage))
            folder = tmp_path_factory.mktemp(stage)
            house = found[stage] = House(running, stage, admin, folder, pictures)
            if stage == "staging":
                admin.call("POST", "/v1/models", json={"name": MODEL, "task": "face-recognition"})
            deadline = time.monotonic() + SERVED_S
            while MODEL not in (served := [one["name"] for one in models(admin) if one["version"]]):
                assert time.monotonic() < deadline, served
                time.sleep(0.25)
            reception = house.door("reception")
            for person, name in enumerate(NAMES):
                said = reception.do("register", name, *house.learnt(person))
                assert (said.code, said.text) == (0, f"{name} is known by {LEARNT} more pictures."), said
        yield found


def models(admin: Client) -> list[Any]:
    found: list[Any] = admin.call("GET", "/v1/models")
    return found


@pytest.fixture(params=STAGES)
def house(request: pytest.FixtureRequest, houses: dict[Stage, House]) -> House:
    stage: Stage = request.param
    return houses[stage]


def other_stage(house: House) -> Stage:
    return next(stage for stage in STAGES if stage != house.stage)


@pytest.fixture
def outside(house: House) -> Iterator[httpx.Client]:
    """Somebody without a credential, at the edge."""
    layout = house.stack.layout
    transport = edge_transport(layout, house.stack.platform)
    with httpx.Client(transport=transport, base_url=layout.url(house.stage), timeout=30) as client:
        yield client


def test_a_device_registers_somebody_who_is_recognised_and_a_stranger_is_not(house: House) -> None:
    door = house.door("hall-door")
    before = door.do("recognise", house.picture(EVE, LEARNT))
    assert (before.code, before.text[:7]) == (3, "Nobody "), before

    assert door.do("register", "Eve", *house.learnt(EVE)).code == 0

    after = door.do("recognise", house.picture(EVE, LEARNT))
    assert (after.code, after.text[:5]) == (0, "Eve ("), after
    stranger = door.do("recognise", house.picture(STRANGER, 0))
    assert (stranger.code, stranger.text[:7]) == (3, "Nobody "), stranger

    door.do("recognise", house.picture(EVE, LEARNT))
    assert door.do("wrong").text == "Learned: this is not Eve."
    again = door.do("recognise", house.picture(EVE, LEARNT))
    assert again.code == 3, again


def test_a_device_reads_the_answers_to_it_and_to_nobody_else(house: House) -> None:
    door, spy = house.door("vault"), house.door("garden-gate")
    topics = ("#", "+/results/+/vault", "replies/vault/#", "replies/#", "replies/garden-gate/#")
    listening = house.listen(spy, *topics, within_s=15)

    assert door.do("recognise", house.picture(0, LEARNT)).text.startswith("Ann (")
    assert spy.do("recognise", house.picture(1, LEARNT)).text.startswith("Ben (")

    heard = listening.heard()
    assert {line.split("/")[1] for line in heard} == {"garden-gate"}
    assert any("Ben" in line for line in heard)
    assert not any("Ann" in line for line in heard)


def test_a_device_is_known_in_its_stage_alone_and_until_it_is_revoked(houses: dict[Stage, House]) -> None:
    here, there = houses["staging"], houses["main"]
    door = here.door("side-door")
    assert not here.refuses(door)
    assert there.refuses(door)

    made = {device["name"]: device["id"] for device in here.admin.call("GET", "/v1/auth/devices")}
    here.admin.call("DELETE", f"/v1/auth/devices/{made[door.name]}")

    deadline = time.monotonic() + 10
    while not here.refuses(door):
        assert time.monotonic() < deadline, "the broker still lets it in"


def test_only_a_signed_url_of_a_picture_reaches_the_server_of_pictures(
    house: House, outside: httpx.Client
) -> None:
    url = house.upload_url()
    picture, signed = url.path, url.query.decode()
    assert outside.put(url, content=house.picture(0, 0).read_bytes()).status_code == httpx.codes.OK

    for method, target in (
        ("GET", picture),
        ("PUT", picture),
        ("HEAD", f"{picture}?{signed}"),
        ("DELETE", f"{picture}?{signed}"),
        ("POST", f"{picture}?{signed}"),
        ("GET", "/pictures?list-type=2"),
        ("GET", f"/pictures/?list-type=2&{signed}"),
        ("GET", f"/pictures/query-images?list-type=2&{signed}"),
        ("GET", f"/pictures/query-images/../?list-type=2&{signed}"),
        ("GET", f"/%70ictures/?list-type=2&{signed}"),
        ("GET", f"/pictures/backups/x.jpg?{signed}"),
    ):
        answer = outside.request(method, target)
        assert (answer.status_code, answer.content) == (httpx.codes.NOT_FOUND, b""), target
    # Another bucket is no address of the edge: the pages answer, as they do everywhere else.
    for target in (f"/datasets/query-images/x.jpg?{signed}", f"/datasets/?list-type=2&{signed}"):
        assert outside.get(target).headers.get("server") == "uvicorn", target


def test_a_signed_url_is_for_one_picture_one_method_and_one_stage(
    house: House, houses: dict[Stage, House], outside: httpx.Client
) -> None:
    url, other = house.upload_url(), house.upload_url()
    signed = url.query.decode()
    content = house.picture(0, 0).read_bytes()

    refused = {
        "to read": outside.get(url),
        "to list": outside.get(f"/pictures/query-images/?list-type=2&{signed}"),
        "another picture": outside.put(f"{other.path}?{signed}", content=content),
        "another signature": outside.put(f"{url}0", content=content),
        "more in the query": outside.put(f"{url}&acl", content=content),
        "a copy of another": outside.put(url, headers={"x-amz-copy-source": other.path}),
    }
    elsewhere = houses[other_stage(house)].upload_url()
    refused["of another stage"] = outside.put(elsewhere.raw_path.decode(), content=content)
    assert {what: answer.status_code for what, answer in refused.items()} == dict.fromkeys(refused, 403)
    assert outside.put(url, content=bytes(TOO_LARGE)).status_code == 413


def test_a_page_from_elsewhere_uploads_with_a_signed_url(house: House) -> None:
    upload = """async url => (await fetch(
        url, {method: "PUT", headers: {"Content-Type": "image/jpeg"}, body: new Uint8Array(100)}
    )).status"""
    with browser_page(any_authority=True) as page:
        page.goto(house.stack.layout.url(other_stage(house)))
        assert page.evaluate(upload, str(house.upload_url())) == httpx.codes.OK


def test_who_a_device_registered_is_recognised_on_the_page(house: House) -> None:
    layout = house.stack.layout
    with browser_page(any_authority=True) as page:
        page.goto(layout.url(house.stage))
        sign_in(page, read_env(layout.secrets(house.stage))["ADMIN_PASSWORD"])
        page.get_by_test_id("stSidebar").get_by_role("link", name="Faces", exact=True).click()
        page.get_by_test_id("stMain").get_by_role("button", name=MODEL).click()
        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(house.picture(0, LEARNT))
        expect(page.get_by_role("heading", name="Ann", exact=True)).to_be_visible()
