import json
import time

from hypothesis import given
from hypothesis import strategies as st

from fake_processor import CALLER_KEY, SERVICE_TOKEN, unpadded, verified_caller
from pipeline_api.caller import VALID_S, CallerSigner
from pipeline_api.roles import Role

signer = CallerSigner(CALLER_KEY.encode())


@given(st.text(min_size=1, max_size=100), st.sampled_from(Role))
def test_what_is_signed_is_verified_and_read_back(subject: str, role: Role) -> None:
    header = signer.sign(subject, role, time.time())

    claims = verified_caller({"authorization": f"Bearer {SERVICE_TOKEN}", "x-loopkeeper-caller": header})

    assert claims is not None
    assert (claims["sub"], claims["role"]) == (subject, role.value)


@given(st.text(max_size=100))
def test_a_signed_header_is_plain_ascii_without_padding(subject: str) -> None:
    header = signer.sign(subject, Role.USER, 0)

    assert header.isascii()
    assert header.isprintable()
    assert "=" not in header
    assert header.count(".") == 2


def test_a_header_is_good_for_two_minutes() -> None:
    claims = json.loads(unpadded(signer.sign("alice", Role.USER, 1000.5).split(".")[1]))

    assert claims == {"sub": "alice", "role": "user", "exp": 1000 + VALID_S}


def test_only_a_trusted_key_says_so() -> None:
    claims = json.loads(unpadded(signer.sign("key:robot", Role.USER, 1000.5, trusted=True).split(".")[1]))

    assert claims == {"sub": "key:robot", "role": "user", "exp": 1000 + VALID_S, "trusted": True}


@given(st.integers(0, 200), st.sampled_from("ABCxyz019-_"))
def test_a_changed_header_is_not_verified(position: int, character: str) -> None:
    header = signer.sign("alice", Role.USER, time.time())
    position %= header.rindex(".")
    changed = header[:position] + character + header[position + 1 :]

    claims = verified_caller({"authorization": f"Bearer {SERVICE_TOKEN}", "x-loopkeeper-caller": changed})

    assert changed == header or claims is None
