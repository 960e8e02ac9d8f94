"""Where reports are kept: a folder of this machine, or a bucket of any S3-compatible server.

ObjectStoreError    the server did not take or give an object; a 503 to whoever asked over HTTP
"""

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from data_processor.service.errors import NotReady
from data_processor.settings import Settings

if TYPE_CHECKING:
    from minio import Minio

AMAZON = "https://s3.amazonaws.com"
USUAL_REGION = "us-east-1"
"""Of servers that have no regions. Asked for theirs, not all answer in a way that the client understands."""
SCHEME = "s3://"
LONGEST = 200
"""Characters of a client's error that are repeated."""


class ObjectStoreError(NotReady):
    """An object could not be stored, read or deleted."""


class ObjectStore(Protocol):
    """Keeps objects by key: relative paths of letters, digits, `-`, `_`, `.` and `/`."""

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store an object, whole or not at all; raises `ObjectStoreError`."""

    def get(self, key: str) -> bytes | None:
        """Return an object, or None if there is none; raises `ObjectStoreError`."""

    def delete(self, key: str) -> None:
        """Delete an object if there is one; raises `ObjectStoreError`."""


def open_object_store(settings: Settings) -> ObjectStore:
    """Open the store that `REPORT_STORE` names; nothing is connected yet. Raises `ValueError`."""
    place = settings.report_store
    if not place.startswith(SCHEME):
        return FolderStore(Path(place))
    bucket, _, prefix = place.removeprefix(SCHEME).partition("/")
    if not bucket:
        raise ValueError(f"REPORT_STORE={place!r} names no bucket: write s3://BUCKET or s3://BUCKET/PREFIX.")
    secret = settings.aws_secret_access_key
    endpoint = settings.aws_endpoint_url_s3
    return S3Store(
        endpoint or AMAZON,
        bucket,
        prefix.strip("/"),
        access_key=settings.aws_access_key_id,
        secret_key=secret.get_secret_value() if secret else None,
        region=settings.aws_region or (USUAL_REGION if endpoint else None),
    )


class FolderStore:
    """Keeps objects as files below a folder, which processes of one machine share."""

    def __init__(self, folder: Path) -> None:
        """Keep them here; the folder is made when it is needed."""
        self._folder = folder

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store an object: its file appears complete and on disk, or not at all."""
        del content_type
        target = self._path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(target)
        finally:
            Path(temporary).unlink(missing_ok=True)

    def get(self, key: str) -> bytes | None:
        """Return an object, or None if there is none."""
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            return None

    def delete(self, key: str) -> None:
        """Delete an object if there is one."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        parts = PurePosixPath(key)
        if not key or parts.is_absolute() or ".." in parts.parts:
            raise ValueError(f"{key!r} is not the key of an object.")
        return self._folder / parts


class S3Store:
    """Keeps objects in a bucket, which is made when the first one is stored."""

    def __init__(
        self,
        endpoint: str,
        bucket: str,
        prefix: str,
        *,
        access_key: str | None,
        secret_key: str | None,
        region: str | None,
    ) -> None:
        """Keep them in this bucket below a prefix, which may be empty."""
        self._endpoint = endpoint
        self._bucket = bucket
        self._prefix = prefix
        self._access = access_key, secret_key, region
        self._connected: Minio | None = None

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store an object."""
        with self._telling(f"store {key!r}"):
            client = self._client()
            if not client.bucket_exists(bucket_name=self._bucket):
                client.make_bucket(bucket_name=self._bucket)
            client.put_object(
                bucket_name=self._bucket,
                object_name=self._name(key),
                data=io.BytesIO(content),
                length=len(content),
                content_type=content_type,
            )

    def get(self, key: str) -> bytes | None:
        """Return an object, or None if there is none."""
        from minio.error import S3Error  # noqa: PLC0415  # see _client

        with self._telling(f"read {key!r}"):
            bucket, name = self._bucket, self._name(key)
            try:
                # Without a body, an answer is understood of servers too that call their errors `text/xml`.
                self._client().stat_object(bucket_name=bucket, object_name=name)
            except S3Error as error:
                if error.code in ("NoSuchKey", "NoSuchBucket"):
                    return None
                raise
            answer = self._client().get_object(bucket_name=bucket, object_name=name)
            try:
                return answer.read()
            finally:
                answer.close()
                answer.release_conn()

    def delete(self, key: str) -> None:
        """Delete an object if there is one."""
        with self._telling(f"delete {key!r}"):
            self._client().remove_object(bucket_name=self._bucket, object_name=self._name(key))

    def _name(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    def _client(self) -> "Minio":
        """Return the client; a process that serves predictions imports it with the first report it reads."""
        if self._connected is None:
            from minio import Minio  # noqa: PLC0415
            from urllib3 import PoolManager, Retry, Timeout  # noqa: PLC0415

            parts = urlsplit(self._endpoint)
            access_key, secret_key, region = self._access
            self._connected = Minio(
                endpoint=parts.netloc,
                secure=parts.scheme == "https",
                access_key=access_key,
                secret_key=secret_key,
                region=region,
                http_client=PoolManager(
                    timeout=Timeout(connect=5, read=30), retries=Retry(2, backoff_factor=0.2)
                ),
            )
        return self._connected

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """Turn what the client raises into a sentence."""
        from minio.error import MinioException  # noqa: PLC0415  # see _client
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        try:
            yield
        except (MinioException, HTTPError) as error:
            why = " ".join(str(error).split())[:LONGEST]
            raise ObjectStoreError(
                f"The object store at {self._endpoint} (bucket {self._bucket!r}) did not {what}: {why} "
                "Check REPORT_STORE and the AWS settings."
            ) from error
