"""Where a device puts its pictures: into a bucket that it has a key of, or where the platform offers it."""

import asyncio
import io
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, Self
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import urllib3
from minio import Minio
from minio.error import MinioException

from platform_line import Line, Trouble

KINDS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
LAST_SUCCESS = 299
TIMEOUT_S = 30.0


class Picture(NamedTuple):
    """A picture, as it is in its file."""

    content: bytes
    content_type: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file; raise Trouble for one that is no picture."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise Trouble(f"{path} cannot be read: {error.strerror}.") from error
        return cls(content, _kind_of(content, path))


class Storage(Protocol):
    """Where pictures are put."""

    async def put(self, picture: Picture, folder: str, label: str | None = None) -> str:
        """Upload a picture and return its name; raise Trouble."""


class Bucket:
    """A bucket that the device has a key of."""

    def __init__(
        self, endpoint: str, bucket: str, access_key: str, secret_key: str, trusted: ssl.SSLContext
    ) -> None:
        """Use `bucket`, BUCKET[/PREFIX], of the S3 server at `endpoint`."""
        address = urlsplit(endpoint)
        if address.scheme not in {"http", "https"} or not address.netloc:
            raise Trouble(f"The S3 server's address is http://HOST[:PORT] or https://…, not {endpoint!r}.")
        self._bucket, _, self._prefix = bucket.partition("/")
        self._client = Minio(
            address.netloc,
            access_key=access_key,
            secret_key=secret_key,
            secure=address.scheme == "https",
            region="us-east-1",
            http_client=urllib3.PoolManager(ssl_context=trusted, timeout=TIMEOUT_S),
        )

    async def put(self, picture: Picture, folder: str, label: str | None = None) -> str:
        """Upload a picture under a name that nobody else can guess."""
        file = f"{uuid4().hex}.{KINDS[picture.content_type]}"
        name = "/".join(part for part in (folder, label, file) if part)
        await asyncio.to_thread(self._put, "/".join(filter(None, (self._prefix, name))), picture)
        return name

    def _put(self, key: str, picture: Picture) -> None:
        size, content = len(picture.content), io.BytesIO(picture.content)
        try:
            self._client.put_object(self._bucket, key, content, size, content_type=picture.content_type)
        except (MinioException, urllib3.exceptions.HTTPError) as error:
            raise Trouble(
                f"The picture could not be uploaded to the bucket {self._bucket!r}: {error}"
            ) from error


class Offered:
    """A place that the platform offers for each picture: a URL of its S3 server, or of its own."""

    def __init__(self, line: Line, api: str | None, key: str | None, trusted: ssl.SSLContext) -> None:
        """Ask on a line; `api` and `key` are only needed where pictures are in a folder."""
        self._line, self._api, self._key = line, api, key
        self._http = urllib3.PoolManager(ssl_context=trusted, timeout=TIMEOUT_S)

    async def put(self, picture: Picture, folder: str, label: str | None = None) -> str:
        """Ask where a picture may go, and upload it there."""
        about = {
            "folder": folder,
            "content_type": picture.content_type,
            **({"label": label} if label else {}),
        }
        offer = await self._line.ask("pictures", "upload", **about)
        url, headers = offer["upload"]["url"], dict(offer["upload"]["headers"])
        if not urlsplit(url).netloc:
            if not (self._api and self._key):
                raise Trouble(
                    "The platform keeps pictures in a folder, and takes them over HTTP: say where it is with "
                    "--api, and give a key of it in API_KEY."
                )
            url, headers["Authorization"] = urljoin(self._api, url), f"Bearer {self._key}"
        await asyncio.to_thread(self._put, url, picture.content, headers)
        name: str = offer["image"]
        return name

    def _put(self, url: str, content: bytes, headers: Mapping[str, str]) -> None:
        try:
            answer = self._http.request("PUT", url, body=content, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise Trouble(f"The picture could not be uploaded: {error}") from error
        if answer.status > LAST_SUCCESS:
            raise Trouble(f"The picture could not be uploaded: {answer.status}, {answer.data.decode()[:500]}")


def _kind_of(content: bytes, path: Path) -> str:
    """Return the content type of a picture by its first bytes; raise Trouble for anything else."""
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    raise Trouble(f"{path} is no picture: give a JPEG, PNG or WebP file.")
