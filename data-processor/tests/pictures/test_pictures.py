"""Pictures are announced, uploaded, read and forgotten: in a folder, and in a bucket of a real S3 server."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

from data_processor.adapters.object_store import FolderStore
from data_processor.adapters.stores import open_picture_store
from data_processor.app import create_app
from data_processor.pictures.expiry import Expiry
from data_processor.pictures.service import MAX_BYTES, Pictures, open_pictures
from data_processor.service.errors import Invalid, NotFound

JPEG = b"\xff\xd8\xff\xe0 and so on"
PNG = b"\x89PNG\r\n\x1a\n and so on"
QUERY = f"query-images/{'0' * 32}.jpg"
ANN = f"train-images/Ann/{'0' * 32}.jpg"
NAMES = ["Ann", "Ann Łukasiewicz-O'Neill", "李小龍", "a?b#c%d+e&f=g;h:i@j$k!l*m(n)o,p~q"]


@pytest.fixture
def world(new_world: Callable[..., Any], picture_settings: dict[str, Any]) -> Any:
    return new_world(**picture_settings)


@pytest.fixture
def user(world: Any, acting_as: Any) -> Iterator[TestClient]:
    with TestClient(create_app(world.settings)) as client:
        client.auth = acting_as("ann", "user")
        yield client


@pytest.fixture
def pictures(world: Any) -> Pictures:
    return open_pictures(world.settings)


def upload(client: TestClient, content: bytes, **asked: Any) -> str:
    """Announce a picture and upload it as the answer says; return its name."""
    answer = client.post("/v1/pictures", json=asked)
    assert answer.status_code == 201, answer.text
    offer = answer.json()
    how = offer["upload"]
    send = httpx.request if urlsplit(how["url"]).netloc else client.request
    done = send(how["method"], how["url"], headers=how["headers"], content=content)
    assert done.status_code in (200, 201), done.text
    name: str = offer["image"]
    return name


@pytest.mark.parametrize("label", NAMES)
def test_a_training_picture_is_uploaded_where_the_answer_says(
    user: TestClient, pictures: Pictures, label: str
) -> None:
    name = upload(user, JPEG, folder="train-images", label=label)
    assert name.startswith(f"train-images/{label}/")
    assert pictures.read(name) == JPEG
    pictures.delete_label(label)
    with pytest.raises(NotFound, match="no picture"):
        pictures.read(name)


def test_a_query_picture_has_the_type_that_was_announced(user: TestClient, pictures: Pictures) -> None:
    name = upload(user, PNG, folder="query-images", content_type="image/png")
    assert name.startswith("query-images/")
    assert name.endswith(".png")
    answer = user.get(f"/v1/pictures/{name}")
    assert answer.content == PNG
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    pictures.delete(name)
    pictures.delete(name)
    assert user.get(f"/v1/pictures/{name}").status_code == 404


def test_pictures_can_be_uploaded_through_the_api_to_any_store(user: TestClient) -> None:
    for name in (QUERY, ANN):
        answer = user.put(f"/v1/pictures/{name}", content=JPEG)
        assert (answer.status_code, answer.json()) == (201, {"image": name})
        assert user.get(f"/v1/pictures/{name}").content == JPEG


def test_a_picture_is_not_replaced_by_another(user: TestClient) -> None:
    assert user.put(f"/v1/pictures/{QUERY}", content=JPEG).status_code == 201
    assert user.put(f"/v1/pictures/{QUERY}", content=JPEG).status_code == 201
    refused = user.put(f"/v1/pictures/{QUERY}", content=JPEG + b"!")
    assert refused.status_code == 409
    assert "ask for a new name" in refused.json()["detail"]


@pytest.mark.parametrize("content", [b"", b"<html>", PNG, b"RIFF    WAVE"])
def test_what_is_not_the_image_that_the_name_says_is_refused(user: TestClient, content: bytes) -> None:
    refused = user.put(f"/v1/pictures/{QUERY}", content=content)
    assert refused.status_code == 422
    assert "must be uploaded as image/jpeg" in refused.json()["detail"]


@pytest.mark.parametrize("chunked", [False, True])
def test_more_than_ten_mebibytes_are_refused(user: TestClient, chunked: bool) -> None:
    content = JPEG + bytes(MAX_BYTES)
    refused = user.put(f"/v1/pictures/{QUERY}", content=iter([content, content]) if chunked else content)
    assert refused.status_code == 413
    assert "smaller" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"folder": "train-images"}, "needs the label"),
        ({"folder": "query-images", "label": "Ann"}, "takes no label"),
        ({"folder": "train-images", "label": "../Ann"}, "cannot be a label"),
        ({"folder": "elsewhere"}, "query-images"),
        ({"folder": "query-images", "content_type": "image/svg+xml"}, "image/jpeg"),
    ],
)
def test_what_cannot_be_announced_is_told(user: TestClient, asked: dict[str, Any], told: str) -> None:
    refused = user.post("/v1/pictures", json=asked)
    assert refused.status_code == 422
    assert told in str(refused.json()["errors"])


@pytest.mark.parametrize("name", ["query-images/x.jpg", "train-images/.Ann/x.jpg", "query-images/%2e%2e"])
def test_what_is_no_name_is_not_found(user: TestClient, name: str) -> None:
    assert user.get(f"/v1/pictures/{name}").status_code == 404
    assert user.put(f"/v1/pictures/{name}", content=JPEG).status_code == 404


def test_a_name_in_a_request_is_refused_with_its_value(pictures: Pictures) -> None:
    with pytest.raises(Invalid, match=r"'\.\./secret' is not the name of a picture"):
        pictures.read("../secret")
    with pytest.raises(NotFound, match=r"no picture 'query-images/.*upload it first"):
        pictures.read(QUERY)
    pictures.delete("../secret")
    pictures.delete_label("../secret")


def test_no_more_of_a_picture_is_read_than_one_may_have(world: Any, pictures: Pictures) -> None:
    open_picture_store(world.settings).put(QUERY, JPEG + bytes(MAX_BYTES), "image/jpeg")
    with pytest.raises(Invalid, match=f"more than {MAX_BYTES} bytes: upload a smaller one"):
        pictures.read(QUERY)


def test_forgetting_a_label_leaves_the_labels_that_begin_like_it(pictures: Pictures, world: Any) -> None:
    store = open_picture_store(world.settings)
    names = [f"train-images/{label}/{digit * 32}.jpg" for label in ("Ann", "Anna", "An") for digit in "01"]
    for name in names:
        store.put(name, JPEG, "image/jpeg")
    pictures.delete_label("Ann")
    kept = [name for name in names if store.size(name) is not None]
    assert kept == names[2:]


def test_old_query_pictures_expire(world: Any, pictures: Pictures) -> None:
    new = pictures.add(JPEG, "image/jpeg")
    Expiry(world.settings, world.database, pictures).sweep()
    assert pictures.read(new) == JPEG
    assert pictures.expire(datetime.now(UTC) - timedelta(minutes=1)) == 0
    time.sleep(1.1)  # some servers know the second of a change, and no part of it
    assert pictures.expire(datetime.now(UTC)) == 1
    with pytest.raises(NotFound):
        pictures.read(new)
    assert pictures.expire(datetime.now(UTC)) == 0


def test_old_training_pictures_expire_but_for_those_that_somebody_is_known_by(
    world: Any, pictures: Pictures
) -> None:
    store = open_picture_store(world.settings)
    unknown = ANN.replace("000.jpg", "001.jpg")
    for name in (ANN, unknown, QUERY):
        store.put(name, JPEG, "image/jpeg")
    assert pictures.expire_training(datetime.now(UTC) - timedelta(minutes=1), lambda _: set()) == 0
    time.sleep(1.1)  # some servers know the second of a change, and no part of it
    assert pictures.expire_training(datetime.now(UTC), lambda names: {ANN} & set(names)) == 1
    assert [store.size(name) is not None for name in (ANN, unknown, QUERY)] == [True, False, True]


def test_pictures_are_kept_as_many_days_as_the_settings_say(tmp_path: Path, new_world: Any) -> None:
    world = new_world(picture_store=str(tmp_path), query_pictures_keep_days=2)
    settings = world.settings
    pictures = Pictures(FolderStore(tmp_path))
    old, new = (pictures.add(JPEG, "image/jpeg") for _ in range(2))
    for name, days in ((old, 2.01), (new, 1.99)):
        then = time.time() - days * 86_400
        os.utime(tmp_path / name, (then, then))
    Expiry(settings, world.database, pictures).sweep()
    assert not (tmp_path / old).exists()
    assert (tmp_path / new).exists()


@pytest.mark.services
def test_a_url_to_upload_to_is_good_for_one_picture_and_a_while(
    picture_bucket: dict[str, Any], new_world: Any
) -> None:
    settings = new_world(**picture_bucket).settings
    store = open_picture_store(settings)
    url = store.presigned_put(QUERY, timedelta(seconds=1))
    assert url is not None
    assert httpx.put(url.replace("000.jpg", "001.jpg"), content=JPEG).status_code == 403
    assert httpx.get(url).status_code == 403
    assert httpx.put(url.partition("?")[0], content=JPEG).status_code in (400, 403)
    time.sleep(2)
    assert httpx.put(url, content=JPEG).status_code in (400, 403)
    assert store.size(QUERY) is None


@pytest.mark.services
def test_a_url_is_signed_for_the_host_under_which_devices_reach_the_server(
    picture_bucket: dict[str, Any], new_world: Any
) -> None:
    settings = new_world(
        **picture_bucket, pictures_public_url="https://loopkeeper.example.org:8443/"
    ).settings
    store = open_picture_store(settings)
    url = store.presigned_put(QUERY, timedelta(minutes=1))
    assert url is not None
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("https", "loopkeeper.example.org:8443")
    inside = f"{settings.pictures_endpoint_url}{parts.path}?{parts.query}"
    assert httpx.put(inside, content=JPEG).status_code == 403
    assert httpx.put(inside, content=JPEG, headers={"Host": parts.netloc}).status_code == 200
    assert store.get(QUERY) == JPEG
