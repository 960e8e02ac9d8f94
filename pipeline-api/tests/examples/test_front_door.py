"""What somebody sees who runs the program, with a real broker between it and the gateway."""

import base64
import gc
import threading
import time
from pathlib import Path

import pytest

from broker import WAYS
from doors import FACE, UPLOADS, Door, Platform
from fake_processor import Call, FakeProcessor, Reply, as_json, problem

TRAINING = "/v1/models/faces/training-pictures"
FEEDBACK = "/v1/predictions/p-1/feedback"


@pytest.mark.services
def test_a_person_is_recognised(door: Door, platform: Platform, picture: Path) -> None:
    code, said, _ = door("recognise", picture)

    assert (code, said) == (0, "Ann (distance 0.210, threshold 0.400, confidence 0.93).")
    (image,) = platform.pictures
    assert image.startswith("query-images/")
    assert platform.pictures[image] == picture.read_bytes()
    assert platform.asked == [[{"image": image}]]


@pytest.mark.services
@pytest.mark.parametrize("way", WAYS)
def test_a_broker_is_reached_in_every_way(door: Door, platform: Platform, picture: Path, way: str) -> None:
    trusting = {"CA_FILE": str(platform.broker.certificate)} if way in ("mqtts", "wss") else {}

    code, said, besides = door("recognise", picture, MQTT_URL=platform.broker.url(way), **trusting)

    assert (code, said[:5]) == (0, "Ann ("), besides


@pytest.mark.services
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")  # paho's
@pytest.mark.parametrize("way", ["mqtts", "wss"])
def test_a_broker_whose_authority_is_not_trusted_is_not_spoken_to(
    door: Door, platform: Platform, picture: Path, way: str
) -> None:
    code, said, besides = door("recognise", picture, MQTT_URL=platform.broker.url(way), PATIENCE="2")
    assert (code, said) == (1, "")
    assert "CERTIFICATE_VERIFY_FAILED" in besides
    gc.collect()


@pytest.mark.services
def test_who_is_not_known_is_nobody(door: Door, platform: Platform, picture: Path) -> None:
    platform.face = {**FACE, "label": None, "faces": 2}
    code, said, besides = door("recognise", picture)
    assert (code, said) == (3, "Nobody who is known (distance 0.210, threshold 0.400).")
    assert "there are 2 faces in the picture" in besides

    platform.face = {**FACE, "label": None, "distance": None}
    _, said, _ = door("recognise", picture)
    assert said == "Nobody who is known (nobody comes into question, threshold 0.400)."


@pytest.mark.services
def test_a_wrong_answer_is_told(
    door: Door, platform: Platform, processor: FakeProcessor, picture: Path
) -> None:
    processor.on("POST", FEEDBACK, as_json({"id": "f-1", "correct": False}, 201))
    door("recognise", picture)

    assert door("wrong")[:2] == (0, "Learned: this is not Ann.")

    assert platform.said(FEEDBACK) == [{"correct": False}]


@pytest.mark.services
def test_a_picture_that_is_refused_does_not_keep_a_person_from_being_known_by_others(
    door: Door, platform: Platform, processor: FakeProcessor, picture: Path
) -> None:
    answers = iter(
        [
            as_json({"score": None, "person": "a", "picture": "1"}),
            problem(
                422,
                "The picture 'x' cannot be used: the face is blurred.",
                errors=[{"message": "the face is blurred"}],
            ),
            as_json({"score": 0.5, "person": "a", "picture": "2"}),
        ]
    )
    processor.on("POST", TRAINING, lambda _: next(answers))

    code, said, besides = door("register", "Ann", picture, picture, picture)

    assert (code, said) == (1, "Ann is known by 2 more pictures.")
    assert besides.splitlines() == [
        f"1 of 3: {picture} is learned",
        f"2 of 3: {picture} was not taken: The picture 'x' cannot be used: the face is blurred.",
        f"3 of 3: {picture} is learned; 50% of the pictures of Ann are recognised",
    ]
    assert [told["label"] for told in platform.said(TRAINING)] == ["Ann"] * 3
    assert [told["image"] for told in platform.said(TRAINING)] == list(platform.pictures)


@pytest.mark.services
def test_a_face_is_found_in_a_picture_that_the_message_carries(
    door: Door, platform: Platform, processor: FakeProcessor, picture: Path
) -> None:
    found = {"box": {"x": 4, "y": 2, "width": 90, "height": 90}, "faces": 1}
    processor.on("POST", "/v1/face-box", as_json(found))

    assert door("box", picture)[:2] == (0, "90 by 90 pixels at 4, 2.")

    (told,) = platform.said("/v1/face-box")
    assert base64.b64decode(told["data_base64"]) == picture.read_bytes()
    assert platform.pictures == {}
    processor.on("POST", "/v1/face-box", as_json({"box": None, "faces": 0}))
    assert door("box", picture)[:2] == (3, "There is no face.")


@pytest.mark.services
def test_a_large_picture_is_uploaded_to_find_the_face(
    door: Door, platform: Platform, processor: FakeProcessor, picture: Path
) -> None:
    processor.on("POST", "/v1/face-box", as_json({"box": None, "faces": 0}))
    picture.write_bytes(picture.read_bytes() + bytes(1_000_000))

    door("box", picture)

    assert platform.said("/v1/face-box") == [{"image": image} for image in platform.pictures]


@pytest.mark.services
def test_an_offered_address_needs_no_key(door: Door, platform: Platform, picture: Path) -> None:
    door.environment = {**door.environment, "API_URL": "", "API_KEY": ""}
    code, _, besides = door("recognise", picture)
    assert code == 1
    assert "say where it is with --api" in besides

    platform.offers = platform.elsewhere

    assert door("recognise", picture)[0] == 0
    assert list(platform.pictures.values()) == [picture.read_bytes()]


@pytest.mark.services
def test_an_upload_that_is_refused_is_told(door: Door, processor: FakeProcessor, picture: Path) -> None:
    processor.on("PUT", UPLOADS, problem(413, "A picture may have at most 10 bytes."))
    code, _, besides = door("recognise", picture)
    assert code == 1
    assert besides.startswith("The picture could not be uploaded: 413,")


@pytest.mark.services
def test_a_wrong_password_is_told_at_once(door: Door, picture: Path) -> None:
    code, _, besides = door("recognise", picture, DEVICE_PASSWORD="lkd_wrong")
    assert code == 1
    assert besides.startswith("The broker does not let 'front-door' in")


@pytest.mark.services
def test_a_broker_that_restarts_costs_no_answer(
    door: Door, platform: Platform, processor: FakeProcessor, picture: Path
) -> None:
    asked: list[str] = []

    def slow(call: Call) -> Reply:
        asked.append(call.headers["idempotency-key"])
        if len(asked) == 1:
            threading.Thread(target=restart).start()
        predictions = {"predictions": [platform.face]}
        return Reply(as_json(predictions).status, as_json(predictions).body, delay_s=1)

    def restart() -> None:
        platform.broker.kill()
        time.sleep(2)
        platform.broker.start()

    processor.on("POST", "/v1/models/faces/predictions", slow)

    assert door("recognise", picture)[0] == 0

    assert len(set(asked)) == 1


def test_without_a_broker_it_says_so_in_time(alone: Door, picture: Path) -> None:
    code, _, besides = alone("recognise", picture, MQTT_URL="mqtt://127.0.0.1:1")
    assert code == 1
    assert besides.startswith("There was no answer from mqtt://127.0.0.1:1 within 2 s:")
    assert "Connection refused" in besides


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"DEVICE_PASSWORD": ""}, "DEVICE_PASSWORD is not set"),
        ({"MQTT_URL": "localhost"}, "The broker's address is mqtt://HOST[:PORT]"),
        ({"CA_FILE": "/nowhere"}, "The certificates in /nowhere"),
        ({"PATIENCE": "long"}, "--patience is a number of seconds, not 'long'."),
        ({"S3_URL": "http://localhost"}, "S3_ACCESS_KEY and S3_SECRET_KEY must be set"),
        (
            {"S3_URL": "localhost", "S3_ACCESS_KEY": "key", "S3_SECRET_KEY": "secret"},
            "The S3 server's address",
        ),
    ],
)
def test_what_is_set_wrongly_is_named(alone: Door, picture: Path, changed: dict[str, str], told: str) -> None:
    code, said, besides = alone("recognise", picture, **changed)
    assert (code, said) == (1, "")
    assert told in besides


def test_a_bucket_that_is_away_is_named(alone: Door, picture: Path) -> None:
    keys = {"S3_URL": "http://127.0.0.1:1", "S3_ACCESS_KEY": "key", "S3_SECRET_KEY": "secret"}
    code, _, besides = alone("recognise", picture, **keys)
    assert code == 1
    assert besides.startswith("The picture could not be uploaded to the bucket 'pictures'")


def test_a_file_that_is_no_picture_is_named(alone: Door, tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("hello")
    assert alone("recognise", text)[2] == f"{text} is no picture: give a JPEG, PNG or WebP file."
    missing = tmp_path / "b.jpg"
    assert alone("register", "Ann", missing)[2] == f"{missing} cannot be read: No such file or directory."


def test_there_must_be_an_answer_before_it_is_wrong(alone: Door) -> None:
    assert "recognise somebody first" in alone("wrong")[2]


def test_its_commands_are_listed(capsys: pytest.CaptureFixture[str], alone: Door) -> None:
    with pytest.raises(SystemExit, match="0"):
        alone("--help")
    listed = capsys.readouterr().out
    assert all(f"    {command} " in listed for command in ("recognise", "register", "wrong", "box"))
