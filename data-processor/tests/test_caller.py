import json
import time
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from data_processor.caller import REMEMBERED, Caller, Callers, sign
from data_processor.service.errors import Unauthenticated

TOKEN, KEY = "the-service-token", "the-caller-key"
BEARER = f"Bearer {TOKEN}".encode()


@pytest.fixture
def callers() -> Callers:
    return Callers(TOKEN, KEY)


def signed(subject: str = "ann", role: Any = "user", in_s: float = 60, key: str = KEY) -> bytes:
    return sign(Caller(subject, role), key, time.time() + in_s).encode()


def test_a_signed_caller_is_known_by_subject_and_role(callers: Callers) -> None:
    assert callers.check(BEARER, signed("ann", "engineer")) == Caller("ann", "engineer")
    assert callers.check(BEARER, signed("key:robot")) == Caller("key:robot", "user")


def test_labels_are_trusted_by_role_or_because_a_key_was_marked(callers: Callers) -> None:
    marked = sign(Caller("key:robot", "user", marked=True), KEY, time.time() + 60).encode()
    assert callers.check(BEARER, marked) == Caller("key:robot", "user", marked=True)
    assert callers.check(BEARER, marked).trusted
    roles: list[Any] = ["user", "engineer", "maintainer"]
    assert [callers.check(BEARER, signed("a", role)).trusted for role in roles] == [False, True, True]


def test_engineers_see_everything_and_users_their_own() -> None:
    assert [Caller("a", role).sees_everything for role in ("user", "engineer", "maintainer")] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("token", [b"", b"Bearer", b"Bearer wrong", TOKEN.encode(), b"Bearer \xff"])
def test_a_wrong_service_token_is_refused_even_with_a_good_caller(callers: Callers, token: bytes) -> None:
    header = signed()
    callers.check(BEARER, header)
    with pytest.raises(Unauthenticated, match="service token"):
        callers.check(token, header)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"v1",
        b"v1..",
        b"v1.e30.",
        b"\xff.\xff.\xff",
        signed(key="another-key"),
        signed()[:-1],
        b"v2" + signed()[2:],
        signed().replace(b".", b".A", 1),
    ],
)
def test_a_wrong_signature_is_refused(callers: Callers, header: bytes) -> None:
    with pytest.raises(Unauthenticated, match="signature is missing or wrong"):
        callers.check(BEARER, header)


def test_a_forged_role_is_refused(callers: Callers) -> None:
    version, _, signature = signed().split(b".")
    claims = {"sub": "ann", "role": "maintainer", "exp": int(time.time()) + 60}
    forged = urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    with pytest.raises(Unauthenticated):
        callers.check(BEARER, b".".join([version, forged, signature]))


def test_an_expired_signature_is_refused_also_when_it_was_known(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = signed(in_s=60)
    assert callers.check(BEARER, header).subject == "ann"
    later = time.time() + 100
    monkeypatch.setattr("time.time", lambda: later)
    for _ in range(2):
        with pytest.raises(Unauthenticated, match="expired"):
            callers.check(BEARER, header)


def test_a_signature_may_not_be_valid_for_long(callers: Callers) -> None:
    with pytest.raises(Unauthenticated, match="more than 120 s"):
        callers.check(BEARER, signed(in_s=3600))


@pytest.mark.parametrize(
    "claims", [{"role": "user"}, {"sub": "", "role": "user"}, {"sub": "a", "role": "root"}]
)
def test_claims_that_make_no_caller_are_refused(callers: Callers, claims: dict[str, Any]) -> None:
    import hashlib  # noqa: PLC0415
    import hmac  # noqa: PLC0415

    body = {"exp": int(time.time()) + 60, **claims}
    part = b"v1." + urlsafe_b64encode(json.dumps(body).encode()).rstrip(b"=")
    mac = urlsafe_b64encode(hmac.digest(KEY.encode(), part, hashlib.sha256)).rstrip(b"=")
    with pytest.raises(Unauthenticated):
        callers.check(BEARER, part + b"." + mac)


def test_what_is_remembered_is_bounded(callers: Callers) -> None:
    for number in range(REMEMBERED + 10):
        callers.check(BEARER, signed(f"person {number}"))
    assert len(callers._known) <= REMEMBERED
