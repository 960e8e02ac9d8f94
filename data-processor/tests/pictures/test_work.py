"""Services on a single picture, over HTTP as the gateway asks for them."""

import asyncio
import base64
import io
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from data_processor.app import create_app
from data_processor.pictures import pool, work
from data_processor.pictures.pool import PicturePool
from data_processor.pictures.service import Pictures, open_pictures
from data_processor.pictures.work import PictureWork
from data_processor.service.errors import NotReady
from tasks.faces.drawn import drawn_face, drawn_scene

GONE = f"query-images/{'0' * 32}.jpg"


@pytest.fixture
def user(world: Any, acting_as: Any) -> Iterator[TestClient]:
    with TestClient(create_app(world.settings)) as client:
        client.auth = acting_as("ann", "user")
        yield client


@pytest.fixture
def pictures(world: Any) -> Pictures:
    return open_pictures(world.settings)


def test_a_face_is_found_in_a_picture_that_is_sent_and_in_one_of_the_store(
    user: TestClient, pictures: Pictures
) -> None:
    content = drawn_face(1)
    sent = user.post("/v1/face-box", json={"data_base64": base64.b64encode(content).decode()})
    stored = user.post("/v1/face-box", json={"image": pictures.add(content, "image/jpeg")})
    assert sent.status_code == stored.status_code == 200
    assert sent.json() == stored.json()
    assert sent.json()["faces"] == 1
    box = sent.json()["box"]
    assert box.keys() == {"x", "y", "width", "height"}
    assert box["width"] > 80


def test_without_a_face_the_box_is_null(user: TestClient) -> None:
    sent = user.post("/v1/face-box", json={"data_base64": base64.b64encode(drawn_scene()).decode()})
    assert sent.json() == {"box": None, "faces": 0}


def test_a_crop_and_its_black_and_white_are_new_pictures(user: TestClient, pictures: Pictures) -> None:
    image = pictures.add(drawn_face(1), "image/jpeg")
    asked = {"image": image, "x": 20, "y": 30, "width": 100, "height": 80}
    crop = user.post("/v1/image-processing/crop", json=asked).json()["image"]
    grey = user.post("/v1/image-processing/black-and-white", json={"image": crop}).json()["image"]
    assert len({image, crop, grey}) == 3
    made = Image.open(io.BytesIO(pictures.read(grey)))
    assert (made.mode, made.size) == ("L", (100, 80))


@pytest.mark.parametrize("path", ["face-box", "image-processing/crop", "image-processing/black-and-white"])
def test_a_picture_that_cannot_be_used_is_told_with_its_field(
    user: TestClient, pictures: Pictures, path: str
) -> None:
    box = {"x": 0, "y": 0, "width": 9, "height": 9} if path.endswith("crop") else {}

    def ask(**fields: str) -> Any:
        return user.post(f"/v1/{path}", json={**fields, **box})

    damaged = ask(image=pictures.add(drawn_face(1)[:600], "image/jpeg"))
    assert damaged.status_code == 422
    assert damaged.json()["reason"] == "not-an-image"
    assert damaged.json()["errors"][0]["loc"] == ["body", "image"]
    assert "save it again" in damaged.json()["detail"]
    named = ask(image="../secret")
    assert named.status_code == 422
    assert named.json()["errors"][0]["loc"] == ["body", "image"]
    assert "'../secret' is not the name of a picture" in named.json()["detail"]
    assert ask(image=GONE).status_code == 404


@pytest.mark.parametrize("data", ["no base64!", base64.b64encode(b"<html>").decode(), ""])
def test_what_is_sent_and_is_no_picture_is_refused(user: TestClient, data: str) -> None:
    refused = user.post("/v1/face-box", json={"data_base64": data})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["loc"] == ["body", "data_base64"]


@pytest.mark.parametrize("asked", [{}, {"image": GONE, "data_base64": "AAAA"}])
def test_a_face_is_looked_for_in_one_picture(user: TestClient, asked: dict[str, str]) -> None:
    refused = user.post("/v1/face-box", json=asked)
    assert refused.status_code == 422
    assert "either image or data_base64" in str(refused.json()["errors"])


def test_a_box_beside_the_picture_is_refused(user: TestClient, pictures: Pictures) -> None:
    asked = {"image": pictures.add(drawn_face(1), "image/jpeg"), "x": 900, "y": 0, "width": 9, "height": 9}
    refused = user.post("/v1/image-processing/crop", json=asked)
    assert refused.status_code == 422
    assert "beside the picture" in refused.json()["detail"]


def test_when_too_much_waits_more_is_refused_at_once_and_later_taken(
    pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = threading.Event()

    def slow(content: bytes) -> tuple[None, int]:
        assert going.wait(30)
        return None, len(content)

    monkeypatch.setattr(work, "largest_face_box", slow)
    threads = PicturePool(threads=1)
    done = PictureWork(pictures, threads)

    async def ask() -> tuple[Any, int]:
        return await done.face_box(image=None, data_base64="AAAA")

    async def ask_often() -> None:
        waiting = [asyncio.ensure_future(ask()) for _ in range(pool.WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(NotReady) as refused:
            await ask()
        assert refused.value.headers["Retry-After"] == "1"
        waiting[-1].cancel()  # whoever hung up still has a place until it is their turn
        going.set()
        assert await asyncio.gather(*waiting[:-1]) == [(None, 3)] * (pool.WAITING - 1)
        assert await ask() == (None, 3)

    try:
        asyncio.run(ask_often())
    finally:
        threads.close()
