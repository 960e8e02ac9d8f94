"""Faces over MQTT: devices with an MQTT client and an S3 client alone, a real broker, a real S3 server."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from compose_stack.client import Client
from compose_stack.instance import Instance
from front_doors import (
    FrontDoor,
    bucket_keys,
    draw_persons,
    ended,
    new_door,
    picture_settings,
    predictions_of,
    s3_server,
)

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

MODEL = "faces"
LEARNT = 4
"""Pictures by which a person is registered; the next ones are asked about."""
NAMES = ("Ann", "Ben", "Cleo", "Dan")
STRANGER, EVE, FAY = range(len(NAMES), len(NAMES) + 3)
"""Somebody who is never registered, and two who are when their test says so."""
SERVED_S = 300
DEVICES = 20


@dataclass(frozen=True)
class House:
    """A platform that recognises faces, its persons, and the folder of their pictures."""

    instance: Instance
    admin: Client
    pictures: Path
    folder: Path
    s3: str

    def door(self, name: str, *, with_key: bool = False) -> FrontDoor:
        """Return a new device that the broker knows."""
        keys = bucket_keys(self.s3) if with_key else None
        made = new_door(self.admin, self.instance.settings.mqtt_url, self.folder, name, keys)
        made.wait_until_known()
        return made

    def picture(self, person: int, number: int) -> Path:
        return self.pictures / f"{person}-{number}.jpg"

    def learnt(self, person: int) -> list[Path]:
        return [self.picture(person, number) for number in range(LEARNT)]


@pytest.fixture(scope="module")
def house(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Start a platform with an S3 server; its model for faces is served, and knows nobody yet."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copytree(trained, folder / "var")
    draw_persons(folder / "drawn", len(NAMES) + 3, LEARNT + 6)
    with (
        s3_server(folder / "s3") as address,
        Instance(folder / "var", environment=picture_settings(address)) as instance,
        instance.sign_in() as admin,
    ):
        admin.call("POST", "/v1/models", json={"name": MODEL, "task": "face-recognition"})
        deadline = time.monotonic() + SERVED_S
        while not (seen := admin.model(MODEL))["ready"]:
            assert time.monotonic() < deadline, seen
            time.sleep(0.25)
        yield House(instance, admin, folder / "drawn", folder, address)


@pytest.fixture(scope="module")
def known(house: House) -> House:
    """Register everybody but the stranger, at a door that has a key of the bucket."""
    reception = house.door("reception", with_key=True)
    for person, name in enumerate(NAMES):
        said = reception.do("register", name, *house.learnt(person))
        assert (said.code, said.text) == (0, f"{name} is known by {LEARNT} more pictures."), said
    return house


def test_who_is_registered_is_recognised_from_the_next_picture_on_and_a_stranger_is_not(house: House) -> None:
    door = house.door("hall-door", with_key=True)
    before = door.do("recognise", house.picture(EVE, LEARNT))
    assert (before.code, before.text[:7]) == (3, "Nobody "), before

    said = door.do("register", "Eve", *house.learnt(EVE))
    assert said.code == 0, said

    after = door.do("recognise", house.picture(EVE, LEARNT))
    assert (after.code, after.text[:5]) == (0, "Eve ("), after
    stranger = door.do("recognise", house.picture(STRANGER, 0))
    assert (stranger.code, stranger.text[:7]) == (3, "Nobody "), stranger
    # What the store has is what the messages named: each picture under its own name, the person's by label.
    stored = house.folder / "s3" / "pictures"
    assert len(list((stored / "train-images" / "Eve").iterdir())) == LEARNT
    assert list((stored / "query-images").iterdir())


def test_a_place_to_upload_to_is_asked_for_over_mqtt(known: House) -> None:
    door = known.door("without-a-key")
    said = door.do("recognise", known.picture(0, LEARNT))
    assert (said.code, said.text[:5]) == (0, "Ann ("), said
    face = door.do("box", known.picture(0, LEARNT))
    assert face.code == 0, face
    assert " pixels at " in face.text


def test_what_is_no_face_is_answered_in_words(known: House) -> None:
    door = known.door("back-door")
    nothing = door.do("recognise", known.pictures / "nobody.jpg")
    assert (nothing.code, "no face was found" in nothing.besides) == (1, True), nothing
    two = door.do("register", "Both", known.pictures / "two.jpg")
    assert (two.code, "there are 2 faces" in two.besides) == (1, True), two
    assert door.do("box", known.pictures / "nobody.jpg").code == 3
    assert "Both" not in [
        person["label"] for person in known.admin.call("GET", f"/v1/models/{MODEL}/persons")
    ]


def test_a_correction_is_learned(known: House) -> None:
    """Somebody is registered under a wrong name: what is said to be wrong is not answered again."""
    door = known.door("side-door")
    seen = known.picture(FAY, LEARNT)
    assert door.do("register", "Fay", *known.learnt(FAY)).code == 0
    said = door.do("recognise", seen)
    assert (said.code, said.text[:5]) == (0, "Fay ("), said

    assert door.do("wrong").text == "Learned: this is not Fay."

    again = door.do("recognise", seen)
    assert again.code == 3, again
    assert door.do("recognise", known.picture(0, LEARNT)).text.startswith("Ann ("), (
        "the others are known as before"
    )


def test_a_device_cannot_read_the_answers_of_another(known: House) -> None:
    door, spy = known.door("vault"), known.door("garden-gate")
    listening = spy.listen(
        "#", "+/results/+/vault", "replies/vault/#", "replies/#", "replies/garden-gate/#", within_s=20
    )
    time.sleep(1)

    assert door.do("recognise", known.picture(0, LEARNT)).code == 0
    own = spy.do("recognise", known.picture(1, LEARNT))

    assert own.text.startswith("Ben ("), own
    heard, _ = listening.communicate(timeout=60)
    lines = heard.strip().splitlines()
    assert {line.split("/")[1] for line in lines} == {"garden-gate"}, heard
    assert "Ben" in heard
    assert "Ann" not in heard


def test_twenty_devices_at_once_get_each_its_own_answer(known: House) -> None:
    doors = [known.door(f"door-{number}", with_key=number % 2 == 0) for number in range(DEVICES)]
    asked = [(number % (len(NAMES)), LEARNT + number % 6) for number in range(DEVICES)]

    started = [door.start("recognise", known.picture(*who)) for door, who in zip(doors, asked, strict=True)]
    said = [ended(one) for one in started]

    assert [one.text.split(" (")[0] for one in said] == [NAMES[person] for person, _ in asked]


def test_a_broker_that_is_killed_under_load_costs_no_answer_and_doubles_none(known: House) -> None:
    doors = [known.door(f"busy-{number}") for number in range(6)]
    before = {one["id"] for one in predictions_of(known.admin, MODEL)}
    started = []
    for turn in range(5):
        started += [
            door.start("recognise", known.picture(number % len(NAMES), LEARNT + turn))
            for number, door in enumerate(doors)
        ]
        time.sleep(1)
        if turn in (1, 3):
            assert any(one.poll() is None for one in started), "nobody is asking"
            known.instance.process("mosquitto").kill()

    said = [ended(one) for one in started]

    names = [NAMES[number % len(NAMES)] for _ in range(5) for number in range(len(doors))]
    assert [one.text.split(" (")[0] for one in said] == names, said
    recorded = [one for one in predictions_of(known.admin, MODEL) if one["id"] not in before]
    images = [one["inputs"]["image"] for one in recorded]
    assert len(images) == len(set(images)) == len(started)
