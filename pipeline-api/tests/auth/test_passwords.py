import anyio
import pytest

from pipeline_api.auth import passwords
from pipeline_api.auth.passwords import Passwords, why_refused
from pipeline_api.service.errors import TooManyRequests


@pytest.fixture
def hasher() -> Passwords:
    return Passwords()


def test_a_password_matches_its_hash_and_no_other(hasher: Passwords) -> None:
    async def check() -> tuple[bool, bool]:
        encoded = await hasher.hash("correct horse battery")
        return await hasher.verify(encoded, "correct horse battery"), await hasher.verify(encoded, "other")

    assert anyio.run(check) == (True, False)


@pytest.mark.usefixtures("real_hashes")
def test_hashes_are_argon2id_with_the_parameters_of_rfc_9106() -> None:
    encoded = Passwords().hash_now("correct horse battery")

    assert encoded.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_user_who_does_not_exist_is_verified_as_well_and_refused(hasher: Passwords) -> None:
    seen = []
    verify = hasher._hasher.verify

    class Spy:
        def verify(self, encoded: str, password: bytes) -> bool:
            seen.append(encoded)
            return verify(encoded, password)

    hasher._hasher = Spy()  # type: ignore[assignment]  # only what is called here

    assert anyio.run(hasher.verify, None, "whatever it is") is False
    assert seen == [hasher._nobody]


def test_different_keyboards_give_the_same_password() -> None:
    hasher = Passwords()
    composed, decomposed = "caf\u00e9 au lait", "cafe\u0301 au lait"

    assert anyio.run(hasher.verify, hasher.hash_now(composed), decomposed)


def test_a_damaged_hash_matches_nothing() -> None:
    assert anyio.run(Passwords().verify, "no hash at all", "correct horse battery") is False


def test_more_attempts_than_can_be_hashed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_WAITING", 2)
    hasher = Passwords()
    refused = 0

    async def attempt() -> None:
        nonlocal refused
        try:
            await hasher.hash("correct horse battery")
        except TooManyRequests:
            refused += 1

    async def many() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(6):
                group.start_soon(attempt)

    anyio.run(many)

    assert refused == 2  # two are hashed, two wait


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "at least 10 characters"),
        ("x" * 1025, "at most 1024 characters"),
        ("aaaaaaaaaaaa", "different characters"),
        ("alice-in-wonderland", "must not contain the username"),
        ("ALICE-in-wonderland", "must not contain the username"),
        ("Password123", "most common"),
    ],
)
def test_weak_passwords_are_refused_in_words(password: str, reason: str) -> None:
    refusal = why_refused(password, "alice")

    assert refusal is not None
    assert reason in refusal


def test_a_long_sentence_is_a_good_password() -> None:
    assert why_refused("correct horse battery", "alice") is None
