import hashlib

from hypothesis import given
from hypothesis import strategies as st

from pipeline_api.auth.credentials import (
    MAX_HEADER_BYTES,
    CredentialKind,
    bearer,
    digest,
    kind_of,
    mint,
)

kinds = st.sampled_from([CredentialKind.TOKEN, CredentialKind.KEY])
"""What comes in a header; the password of a device is for the broker alone."""


@given(kinds, st.sampled_from(["Bearer", "bearer", "BEARER", "bEaReR"]), st.integers(1, 20))
def test_a_minted_credential_is_read_back_from_its_header(
    kind: CredentialKind, scheme: str, spaces: int
) -> None:
    credential = mint(kind).encode()

    read = bearer(scheme.encode() + b" " * spaces + credential)

    assert read == credential
    assert kind_of(credential) is kind


@given(st.binary(max_size=2 * MAX_HEADER_BYTES))
def test_no_other_header_is_taken_for_a_credential(header: bytes) -> None:
    read = bearer(header)

    assert read is None or (len(read) == 47 and read in header and read[:4] in {b"lkt_", b"lkk_"})


@given(kinds, st.binary(min_size=1, max_size=10))
def test_nothing_may_follow_a_credential(kind: CredentialKind, rest: bytes) -> None:
    header = b"Bearer " + mint(kind).encode() + rest

    assert bearer(header) is None or not rest.strip(b" \t")


def test_a_missing_header_holds_no_credential() -> None:
    assert bearer(None) is None


def test_two_credentials_in_one_header_are_none() -> None:
    one = b"Bearer " + mint(CredentialKind.KEY).encode()

    assert bearer(one + b", " + one) is None


def test_credentials_never_repeat() -> None:
    assert len({mint(CredentialKind.TOKEN) for _ in range(1000)}) == 1000


def test_what_is_stored_is_the_sha256_of_a_credential() -> None:
    assert digest(b"lkt_x") == hashlib.sha256(b"lkt_x").digest()
