"""A bucket of an S3-compatible server as an `ObjectStore`."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from data_processor.adapters.object_store import ObjectStoreError, ObjectTooLargeError, Stored

if TYPE_CHECKING:
    from minio import Minio

AMAZON = "https://s3.amazonaws.com"
USUAL_REGION = "us-east-1"
"""Of servers that have no regions. Asked for theirs, not all answer in a way that the client understands."""
LONGEST = 200
"""Characters of a client's error that are repeated."""
MISSING = ("NoSuchKey", "NoSuchBucket")


class Access(NamedTuple):
    """How a server is reached, and with which key."""

    endpoint: str | None
    """Its URL; None: Amazon."""
    access_key: str | None
    secret_key: str | None
    region: str | None
    public_url: str | None = None
    """The URL under which others reach it, for which presigned URLs are signed; None: the same."""


class S3Store:
    """Keeps objects in a bucket, which is made when the first one is stored."""

    def __init__(self, access: Access, bucket: str, prefix: str, *, remedy: str) -> None:
        """Keep them in this bucket below a prefix, which may be empty.

        `remedy` is a sentence that says what to check when the server does not do what it is asked for.
        """
        self._endpoint = access.endpoint or AMAZON
        self._access = access
        self._bucket = bucket
        self._prefix = prefix
        self._remedy = remedy
        self._clients: dict[str, Minio] = {}
        self._is_made = False

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store an object."""
        with self._telling(f"store {key!r}"):
            self._make_bucket()
            self._client().put_object(
                bucket_name=self._bucket,
                object_name=self._name(key),
                data=io.BytesIO(content),
                length=len(content),
                content_type=content_type,
            )

    def get(self, key: str, max_bytes: int | None = None) -> bytes | None:
        """Return an object, or None if there is none; raises `ObjectTooLargeError`."""
        size = self.size(key)
        if size is None:
            return None
        if max_bytes is not None and size > max_bytes:
            raise ObjectTooLargeError(key, max_bytes)
        with self._telling(f"read {key!r}"):
            answer = self._client().get_object(bucket_name=self._bucket, object_name=self._name(key))
            try:
                # Another object may have taken its place meanwhile.
                content = answer.read() if max_bytes is None else answer.read(max_bytes + 1)
            finally:
                answer.close()
                answer.release_conn()
        if max_bytes is not None and len(content) > max_bytes:
            raise ObjectTooLargeError(key, max_bytes)
        return content

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has, or None if there is none."""
        from minio.error import S3Error  # noqa: PLC0415  # see _client

        with self._telling(f"read {key!r}"):
            try:
                # Without a body, an answer is understood of servers too that call their errors `text/xml`.
                found = self._client().stat_object(bucket_name=self._bucket, object_name=self._name(key))
            except S3Error as error:
                if error.code in MISSING:
                    return None
                raise
        return found.size

    def listed(self, prefix: str) -> Iterator[Stored]:
        """Yield the objects below a prefix."""
        with self._telling(f"list {prefix!r}"):
            if not self._client().bucket_exists(bucket_name=self._bucket):
                return
            start = len(self._name(""))
            for found in self._client().list_objects(
                bucket_name=self._bucket, prefix=self._name(prefix), recursive=True
            ):
                if found.object_name is not None and found.last_modified is not None and not found.is_dir:
                    yield Stored(found.object_name[start:], found.last_modified)

    def delete(self, key: str) -> None:
        """Delete an object if there is one."""
        with self._telling(f"delete {key!r}"):
            self._client().remove_object(bucket_name=self._bucket, object_name=self._name(key))

    def presigned_put(self, key: str, expires: timedelta) -> str | None:
        """Return a URL of the server to which anybody may PUT this object until it expires."""
        with self._telling(f"accept {key!r}"):
            self._make_bucket()
            signing = self._client(self._access.public_url or self._endpoint)
            return signing.presigned_put_object(
                bucket_name=self._bucket, object_name=self._name(key), expires=expires
            )

    def _name(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    def _make_bucket(self) -> None:
        """Make the bucket if there is none; nobody deletes one while a process runs."""
        if not self._is_made:
            client = self._client()
            if not client.bucket_exists(bucket_name=self._bucket):
                client.make_bucket(bucket_name=self._bucket)
            self._is_made = True

    def _client(self, url: str | None = None) -> "Minio":
        """Return the client for a URL; a process imports it only when it first needs one."""
        url = url or self._endpoint
        if url not in self._clients:
            from minio import Minio  # noqa: PLC0415
            from urllib3 import PoolManager, Retry, Timeout  # noqa: PLC0415

            parts = urlsplit(url)
            self._clients[url] = Minio(
                endpoint=parts.netloc,
                secure=parts.scheme == "https",
                access_key=self._access.access_key,
                secret_key=self._access.secret_key,
                region=self._access.region or (USUAL_REGION if self._access.endpoint else None),
                http_client=PoolManager(
                    timeout=Timeout(connect=5, read=30), retries=Retry(2, backoff_factor=0.2)
                ),
            )
        return self._clients[url]

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
                f"{self._remedy}"
            ) from error
