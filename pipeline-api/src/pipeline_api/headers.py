"""Which headers pass between client and data-processor: all others stay on their own side."""

from collections.abc import Iterable, Mapping

from pipeline_api.service.errors import BadRequest, UpstreamUnreachable

IDEMPOTENCY_KEY = "Idempotency-Key"
MAX_KEY_BYTES = 255

_SERVER_ERROR = 500
_JSON = (b"application/json", b"application/problem+json")
_REQUEST_HEADERS = {b"content-type": "Content-Type", b"accept": "Accept", b"if-none-match": "If-None-Match"}
_RESPONSE_HEADERS = (
    b"content-type",
    b"content-disposition",
    b"retry-after",
    b"location",
    b"link",
    b"etag",
    b"last-modified",
    b"cache-control",
)


def request_headers(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes | None, dict[str, str]]:
    """Return the credential and the headers to pass on; raise 400 for an invalid one."""
    authorization: bytes | None = None
    passed: dict[str, str] = {}
    for name, value in headers:
        if name == b"authorization":
            authorization = value if authorization is None else b"twice"
        elif name == b"idempotency-key":
            if not 0 < len(value) <= MAX_KEY_BYTES:
                raise BadRequest(f"The Idempotency-Key must have 1 to {MAX_KEY_BYTES} characters.")
            key = _plain(name, value)
            if passed.setdefault(IDEMPOTENCY_KEY, key) != key:
                raise BadRequest("The request has two different Idempotency-Keys; send one.")
        elif name in _REQUEST_HEADERS:
            passed[_REQUEST_HEADERS[name]] = _plain(name, value)
    return authorization, passed


def _plain(name: bytes, value: bytes) -> str:
    """Return a header's value as text; raise 400 when it contains anything but printable ASCII."""
    text = value.decode("latin-1")
    if not (text.isascii() and text.isprintable()):
        raise BadRequest(f"The header '{name.decode()}' may contain printable ASCII characters only.")
    return text


def response_headers(status: int, found: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """Return the headers to pass to the client; raise 502 for an error page that is not JSON."""
    if status >= _SERVER_ERROR and not found.get(b"content-type", b"").startswith(_JSON):
        raise UpstreamUnreachable(f"The data-processor failed with status {status}.")
    return [(name, found[name]) for name in _RESPONSE_HEADERS if name in found]
