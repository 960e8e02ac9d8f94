"""The header that tells the data-processor who is calling, signed so that nobody else can forge it.

`v1.<base64url of {"sub","role","exp"}>.<base64url of HMAC-SHA-256 over everything before the last dot>`,
without padding; `exp` is in Unix seconds, at most two minutes ahead: a leaked header is soon worthless. A key
whose labels are trusted carries `"trusted":true` as well.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode

from pipeline_api.roles import Role

CALLER_HEADER = "X-Loopkeeper-Caller"
VALID_S = 120
"""How long a signed header is valid."""
RENEW_S = 60
"""How old a signed header gets before it is signed again: the rest covers the wait before it is sent."""


class CallerSigner:
    """Sign who is calling with the key that the gateway and the data-processor share."""

    def __init__(self, key: bytes) -> None:
        """Keep the key."""
        self._key = key

    def sign(self, subject: str, role: Role, now: float, *, trusted: bool = False) -> str:
        """Return the header's value for a caller, `now` in Unix seconds; `trusted`: the key was marked so."""
        claims: dict[str, object] = {"sub": subject, "role": role.value, "exp": int(now) + VALID_S}
        if trusted:
            claims["trusted"] = True
        signed = f"v1.{_encode(json.dumps(claims, separators=(',', ':')).encode())}"
        signature = hmac.digest(self._key, signed.encode(), hashlib.sha256)
        return f"{signed}.{_encode(signature)}"


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
