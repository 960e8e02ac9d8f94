"""Tokens and keys: how they are created, read from a request and compared.

A credential is a prefix that tells its kind (and lets secret scanners find it) and 256 random bits. Only its
SHA-256 digest is stored or kept in memory: with that much randomness a slow hash would not protect it better.
"""

import hashlib
import re
import secrets
from enum import StrEnum

MAX_HEADER_BYTES = 256
"""No credential is longer; longer headers are not even parsed."""

_BEARER = re.compile(rb"(?i:bearer) +(lk[tk]_[A-Za-z0-9_-]{43})")


class CredentialKind(StrEnum):
    """Who a credential is for: a person (token), a program (key), or a thing that speaks MQTT (device)."""

    TOKEN = "token"  # noqa: S105  # the name of a kind, not a secret
    KEY = "key"
    DEVICE = "device"


_PREFIX = {CredentialKind.TOKEN: "lkt_", CredentialKind.KEY: "lkk_", CredentialKind.DEVICE: "lkd_"}
_KIND = {prefix.encode(): kind for kind, prefix in _PREFIX.items()}


def mint(kind: CredentialKind) -> str:
    """Return a new credential."""
    return _PREFIX[kind] + secrets.token_urlsafe(32)


def new_id() -> str:
    """Return the public id of a new credential, which grants nothing."""
    return secrets.token_hex(8)


def digest(credential: bytes) -> bytes:
    """Return what is stored of a credential: 32 bytes."""
    return hashlib.sha256(credential).digest()


def bearer(authorization: bytes | None) -> bytes | None:
    """Return the credential in an `Authorization` header, None when it does not contain one."""
    if authorization is None or len(authorization) > MAX_HEADER_BYTES:
        return None
    found = _BEARER.fullmatch(authorization.strip(b" \t"))
    return None if found is None else found.group(1)


def kind_of(credential: bytes) -> CredentialKind:
    """Return the kind of a credential that `bearer` returned."""
    return _KIND[credential[:4]]
