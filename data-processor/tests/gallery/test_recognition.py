import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from data_processor.tasks.faces.extractors import Extractors
from data_processor.tasks.faces.recogniser import Recogniser
from data_processor.tasks.faces.sface_net import WeightsRejectedError
from data_processor.wiring.work import wire_worker
from gallery.conftest import DOOR, Door, add_face_model
from tasks.faces import networks
from tasks.faces.drawn import drawn_face, drawn_scene
from tasks.faces.networks import write_networks

PATH = f"/v1/models/{DOOR}/predictions"


def test_a_model_says_that_it_takes_pictures(door: Door) -> None:
    assert door.call("GET", f"/v1/models/{DOOR}").json()["takes"] == "pictures"


def test_nobody_is_recognised_while_nobody_is_enrolled(door: Door) -> None:
    answer = door.ask(door.picture(1))
    assert (answer["label"], answer["person"], answer["distance"], answer["faces"]) == (None, None, None, 1)


def test_who_is_enrolled_is_recognised_at_once_with_distance_and_confidence(door: Door) -> None:
    ann, bob = door.knows("Ann", 1), door.knows("Bob", 2)
    answer = door.ask(door.picture(2, 7))
    assert (answer["label"], answer["person"]) == ("Bob", bob)
    assert 0 < answer["distance"] < answer["threshold"]
    assert 0.5 < answer["confidence"] < 1
    assert door.ask(door.picture(1, 7))["person"] == ann


def test_a_stranger_gets_no_name_and_a_distance_beyond_the_threshold(door: Door) -> None:
    door.knows("Ann", 1)
    answer = door.ask(door.picture(3))
    assert answer["label"] is None
    assert answer["distance"] > answer["threshold"]
    assert answer["confidence"] < 0.5


def test_a_correction_is_learned_and_can_be_taken_back(door: Door) -> None:
    door.knows("Ann", 1)
    image = door.picture(1, 7)
    answer = door.ask(image)
    door.say(answer["id"], correct=False)
    assert door.ask(image)["label"] is None
    assert door.ask(door.picture(1, 8))["label"] == "Ann"  # others of her are still hers
    door.say(answer["id"], correct=True)
    assert door.ask(image)["label"] == "Ann"


def test_every_bad_picture_of_a_request_is_named_and_nothing_is_recorded(door: Door) -> None:
    wall, good = door.store(drawn_scene()), door.picture(1)
    inputs = [{"image": good}, {"image": wall}, {"image": "query-images/../../etc/passwd"}]
    answer = door.call("POST", PATH, json={"inputs": inputs})
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["errors"]] == [
        ["body", "inputs", 1, "image"],
        ["body", "inputs", 2, "image"],
    ]
    assert "no face" in answer.json()["errors"][0]["message"]
    assert door.call("GET", PATH).json() == []


def test_the_largest_of_several_faces_is_taken_and_that_is_said(door: Door) -> None:
    answer = door.ask(door.store(drawn_scene(1, 2)))
    assert answer["faces"] == 2
    assert answer["flags"] == ["image: several faces (2), the largest was taken"]


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"inputs": []}',
        b'{"inputs": [{"picture": "query-images/a.jpg"}]}',
        b'{"inputs": [{"image": 3}]}',
        b'{"inputs": [{"image": "x"}], "more": 1}',
        b'{"inputs": [' + b'{"image": "query-images/a.jpg"},' * 16 + b'{"image": "query-images/a.jpg"}]}',
        b"not json",
        b"\xff",
    ],
)
def test_a_request_that_names_no_picture_is_refused_in_words(door: Door, body: bytes) -> None:
    answer = door.call("POST", PATH, content=body)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["detail"]


def test_a_picture_that_was_never_uploaded_is_not_found(door: Door) -> None:
    answer = door.call("POST", PATH, json={"inputs": [{"image": f"query-images/{'0' * 32}.jpg"}]})
    assert answer.status_code == 404
    assert "upload it" in answer.json()["detail"]


def test_a_picture_with_exif_rotation_is_recognised_as_upright(door: Door) -> None:
    door.knows("Ann", 1)
    exif = Image.Exif()
    exif[0x0112] = 8  # to be turned by 90 degrees anticlockwise to stand upright
    turned = io.BytesIO()
    with Image.open(io.BytesIO(drawn_face(1, 7))) as upright:
        upright.transpose(Image.Transpose.ROTATE_270).save(turned, "JPEG", quality=95, exif=exif)
    assert door.ask(door.store(turned.getvalue()))["label"] == "Ann"


def test_another_process_knows_within_two_seconds_who_was_enrolled_here(
    door: Door, open_door: Callable[[Any], Door], wait_until: Any
) -> None:
    other = open_door(door.world)
    wait_until(lambda: other.state.manager.find(DOOR) is not None)
    door.knows("Ann", 1)
    image = door.picture(1, 7)
    wait_until(lambda: other.ask(image)["label"] == "Ann", 2)


def test_answers_are_counted_without_anybodys_name(door: Door, wait_until: Any) -> None:
    door.knows("Ann", 1)
    door.ask(door.picture(1, 7))
    door.ask(door.picture(4))
    told = ""

    def counted() -> bool:
        nonlocal told
        told = door.client.get("/metrics").text
        named = [f'answer="{name}",model="{DOOR}"}} 1.0' for name in ("recognised", "not recognised")]
        return all(f"loopkeeper_answers_total{{{one}" in told for one in named)

    wait_until(counted)  # answers are counted after they were given
    assert "Ann" not in told


def test_an_answer_is_read_again_with_everything(door: Door) -> None:
    door.knows("Ann", 1)
    answer = door.ask(door.picture(1, 7))
    again = door.call("GET", f"/v1/predictions/{answer['id']}").json()
    assert {name: again[name] for name in answer} == answer


def test_faces_are_described_by_the_networks_that_are_configured(
    new_world: Callable[..., Any], open_door: Callable[[Any], Door], wait_until: Any, tmp_path: Path
) -> None:
    detector, embedding = write_networks(tmp_path / "networks")
    world = new_world(face_detector_onnx=detector, face_embedding_onnx=embedding)
    sface = Extractors.of(world.settings).named("sface")
    add_face_model(world, Recogniser(sface, None, threshold=0.05))
    door = open_door(world)
    wait_until(lambda: door.state.manager.find(DOOR) is not None)
    ann = door.knows("Ann", 1)
    assert door.ask(door.picture(1, 1))["person"] == ann
    answer = door.ask(door.picture(2))
    assert answer["person"] is None
    assert 0.05 < answer["distance"] <= 2


def test_a_version_of_other_weights_than_are_configured_is_not_served_and_it_is_said_why(
    new_world: Callable[..., Any], open_door: Callable[[Any], Door], wait_until: Any, tmp_path: Path
) -> None:
    detector, embedding = write_networks(tmp_path / "networks")
    world = new_world(face_detector_onnx=detector, face_embedding_onnx=embedding)
    sface = Extractors.of(world.settings).named("sface")
    add_face_model(world, Recogniser(sface, None, threshold=0.05))
    embedding.write_bytes(networks.sface(seed=2))
    door = open_door(world)

    def said() -> str:
        return str(door.call("GET", f"/v1/models/{DOOR}").json())

    wait_until(lambda: sface.weights[1] in said())
    assert "other weights of its extractor 'sface'" in said()
    assert "configure those again, or train anew" in said()


def test_a_process_does_not_start_with_weights_that_it_cannot_use(
    new_world: Callable[..., Any], open_door: Callable[[Any], Door], tmp_path: Path
) -> None:
    detector, embedding = write_networks(tmp_path / "networks")
    embedding.write_bytes(b"<html>")
    world = new_world(face_detector_onnx=detector, face_embedding_onnx=embedding)
    with pytest.raises(WeightsRejectedError, match="FACE_EMBEDDING_ONNX"):
        open_door(world)
    with pytest.raises(WeightsRejectedError, match="FACE_EMBEDDING_ONNX"):
        wire_worker(world.settings)
