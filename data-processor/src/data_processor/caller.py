"""Who is calling: the gateway's token proves the gateway, its signature proves the person behind the call."""

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Annotated, Literal, cast

from fastapi import Depends, Request

from data_processor.service.errors import Unauthenticated

Role = Literal["user", "engineer", "maintainer"]
ROLES: tuple[Role, ...] = ("user", "engineer", "maintainer")
PLATFORM = "loopkeeper"
"""The subject of everything the platform does automatically."""

CALLER_HEADER = b"x-loopkeeper-caller"
LIFETIME_S = 120
CLOCK_SKEW_S = 10
REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Caller:
    """The person or program behind a call."""

    subject: str
    role: Role
    marked: bool = False
    """An engineer or a maintainer marked the key as trusted."""

    @property
    def sees_everything(self) -> bool:
        """Whether the caller may read what others asked and said."""
        return self.role != "user"

    @property
    def trusted(self) -> bool:
        """Whether the labels that the caller gives are trusted."""
        return self.marked or self.role != "user"


class Callers:
    """Checks every call; a signature seen before costs one look-up until it expires."""

    def __init__(self, service_token: str, caller_key: str) -> None:
        """Trust calls with this token whose caller is signed with this key."""
        self._authorization = f"Bearer {service_token}".encode()
        self._key = caller_key.encode()
        self._known: dict[bytes, tuple[Caller, float]] = {}

    def check(self, authorization: bytes, signed: bytes) -> Caller:
        """Return the caller of a request, given two of its headers; raises `Unauthenticated`."""
        if not hmac.compare_digest(authorization, self._authorization):
            raise Unauthenticated("The service token is missing or wrong.")
        now = time.time()
        known = self._known.get(signed)
        if known is None:
            known = self._verify(signed, now)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[signed] = known
        caller, expires = known
        if now > expires:
            self._known.pop(signed, None)
            raise Unauthenticated("The caller's signature has expired.")
        return caller

    def _verify(self, signed: bytes, now: float) -> tuple[Caller, float]:
        version, _, rest = signed.partition(b".")
        claims, _, signature = rest.partition(b".")
        expected = _b64(hmac.digest(self._key, version + b"." + claims, hashlib.sha256))
        if version != b"v1" or not hmac.compare_digest(signature, expected):
            raise Unauthenticated("The caller's signature is missing or wrong.")
        fields = json.loads(urlsafe_b64decode(claims + b"=" * (-len(claims) % 4)))
        subject, role = fields.get("sub"), fields.get("role")
        expires = float(fields.get("exp", 0))
        if not isinstance(subject, str) or not subject or role not in ROLES:
            raise Unauthenticated(f"A caller needs a subject and one of the roles {', '.join(ROLES)}.")
        if expires > now + LIFETIME_S + CLOCK_SKEW_S:
            raise Unauthenticated(f"The caller's signature is valid for more than {LIFETIME_S} s.")
        # A gateway of before says nothing of trust: then the role alone decides.
        return Caller(subject, role, marked=fields.get("trusted") is True), expires + CLOCK_SKEW_S


def sign(caller: Caller, key: str, expires: float) -> str:
    """Return the header that names a caller until a time (Unix seconds), as the gateway makes it."""
    claims: dict[str, object] = {"sub": caller.subject, "role": caller.role, "exp": int(expires)}
    if caller.marked:
        claims["trusted"] = True
    signed = b"v1." + _b64(json.dumps(claims).encode())
    return (signed + b"." + _b64(hmac.digest(key.encode(), signed, hashlib.sha256))).decode()


def _b64(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")


async def _current_caller(request: Request) -> Caller:  # not `def`: a thread costs more than this
    headers = dict(request.scope["headers"])
    callers = cast("Callers", request.app.state.loopkeeper.callers)
    return callers.check(headers.get(b"authorization", b""), headers.get(CALLER_HEADER, b""))


CallerDep = Annotated[Caller, Depends(_current_caller)]
