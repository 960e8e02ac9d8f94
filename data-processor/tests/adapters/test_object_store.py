from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from data_processor.adapters.object_store import FolderStore, ObjectStoreError
from data_processor.adapters.s3_store import S3Store
from data_processor.adapters.stores import open_report_store
from data_processor.settings import Settings

SECRET = SecretStr("s" * 16)


def settings(tmp_path: Path, **fields: Any) -> Settings:
    keys: dict[str, Any] = {"service_token": SECRET, "caller_key": SECRET, "signing_key": SECRET}
    return Settings(**keys, state_dir=tmp_path, **fields)


def test_what_is_stored_is_there_until_it_is_deleted(tmp_path: Path, store_settings: dict[str, Any]) -> None:
    opened = settings(tmp_path, **store_settings)
    key = "drift/census income/1.html"
    assert open_report_store(opened).get(key) is None
    open_report_store(opened).put(key, b"a page", "text/html")
    open_report_store(opened).put(key, b"a longer page", "text/html")
    store = open_report_store(opened)  # another process has another client
    assert store.get(key) == b"a longer page"
    assert store.get("drift/census income/2.html") is None
    store.delete(key)
    store.delete(key)
    assert store.get(key) is None


def test_a_folder_is_the_default(tmp_path: Path) -> None:
    store = open_report_store(settings(tmp_path))
    store.put("drift/census/1.html", b"page", "text/html")
    assert (tmp_path / "reports/drift/census/1.html").read_bytes() == b"page"
    assert store.get("drift/census/1.html") == b"page"


def test_no_folder_is_left_that_tells_what_was_in_it(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "pictures")
    for key in ("train-images/Ann/1.jpg", "train-images/Ann/2.jpg", "train-images/Bob/1.jpg"):
        store.put(key, b"", "image/jpeg")
    store.delete("train-images/Ann/1.jpg")
    assert store.get("train-images/Ann/2.jpg") == b""
    store.delete("train-images/Ann/2.jpg")
    assert [path.name for path in (tmp_path / "pictures").rglob("*")] == ["train-images", "Bob", "1.jpg"]
    store.delete("train-images/Bob/1.jpg")
    assert list((tmp_path / "pictures").iterdir()) == []
    store.delete("train-images/Bob/1.jpg")


def test_objects_are_stored_while_the_last_ones_of_their_folder_are_deleted(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)

    def put_and_delete(name: int) -> None:
        for turn in range(200):
            key = f"train-images/Ann/{name}-{turn}.jpg"
            store.put(key, b"picture", "image/jpeg")
            assert store.get(key) == b"picture"
            store.delete(key)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put_and_delete, range(4)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../secret", "drift/../../secret"])
def test_a_key_never_leaves_the_folder(tmp_path: Path, key: str) -> None:
    store = FolderStore(tmp_path / "reports")
    with pytest.raises(ValueError, match="not the key of an object"):
        store.put(key, b"", "text/html")
    with pytest.raises(ValueError, match="not the key of an object"):
        store.get(key)


def test_a_bucket_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'s3://' names no bucket: write s3://BUCKET"):
        open_report_store(settings(tmp_path, report_store="s3://"))


def test_a_server_that_does_not_answer_is_told_with_the_remedy(tmp_path: Path) -> None:
    fields: dict[str, Any] = {
        "aws_access_key_id": "someone",
        "aws_secret_access_key": SecretStr("secret-key"),
    }
    opened = settings(
        tmp_path, report_store="s3://reports/drift", aws_endpoint_url_s3="http://127.0.0.1:9", **fields
    )
    store = open_report_store(opened)
    assert isinstance(store, S3Store)
    with pytest.raises(ObjectStoreError, match=r"did not store 'one'.*Check REPORT_STORE") as told:
        store.put("one", b"page", "text/html")
    assert told.value.status == 503
    assert "secret-key" not in told.value.detail
