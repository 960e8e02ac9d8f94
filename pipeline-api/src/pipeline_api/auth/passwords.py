"""Passwords: which are accepted, and Argon2id, off the event loop and a few at a time."""

import secrets
import unicodedata
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pipeline_api.service.errors import TooManyRequests

_T = TypeVar("_T")

MIN_CHARACTERS = 10
MAX_CHARACTERS = 1024
"""Enough for any sentence, and a bound on what a stranger can make the gateway hash."""
MIN_DISTINCT = 5

_AT_ONCE = 2
"""Hashes computed at the same time: each takes 64 MiB and briefly all the machine's cores."""
_WAITING = 64
"""Hashes waiting for their turn; any more are refused with 429."""

# The most common passwords that are long enough for the rule above; shorter ones fail it anyway.
_COMMON = frozenset(
    """
    1234567890 0123456789 12345678910 123456789a 1q2w3e4r5t 1qaz2wsx3edc q1w2e3r4t5 qwertyuiop qwerty12345
    qwerty123456 password12 password123 password1234 password12345 password123456 passw0rd123 p@ssword123
    p@ssw0rd123 administrator admin12345 admin123456 adminadmin administrator1 letmein123 letmein1234
    welcome123 welcome1234 changeme123 changeme1234 iloveyou123 abcdefghij abcdefghijk abcd123456
    asdfghjkl123 zaq12wsxcde3 football123 basketball superman123 loopkeeper loopkeeper1 loopkeeper123
    """.split()  # noqa: SIM905  # a list literal of forty lines is no easier to read
)


class Passwords:
    """Hash and verify passwords with Argon2id (RFC 9106, its parameters for low memory)."""

    def __init__(self) -> None:
        """Prepare the hash that stands in for users who do not exist."""
        self._hasher = PasswordHasher()
        self._limiter = CapacityLimiter(_AT_ONCE)
        self._begun = 0
        self._nobody = self._hasher.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        """Return the encoded hash of a password, salt and parameters included."""
        return await self._run(partial(self.hash_now, password))

    def hash_now(self, password: str) -> str:
        """Hash in this thread: for start-up, when nothing else runs yet."""
        return self._hasher.hash(normalised(password))

    async def verify(self, encoded: str | None, password: str) -> bool:
        """Tell whether a password matches; without a hash (no such user) it takes just as long."""
        return await self._run(partial(self._verify, encoded, password))

    def outdated(self, encoded: str) -> bool:
        """Tell whether a hash was made with parameters other than today's."""
        return self._hasher.check_needs_rehash(encoded)

    def _verify(self, encoded: str | None, password: str) -> bool:
        try:
            matches = self._hasher.verify(encoded or self._nobody, normalised(password))
        except (VerificationError, InvalidHashError):
            return False
        return matches and encoded is not None

    async def _run(self, work: Callable[[], _T]) -> _T:
        if self._begun >= _AT_ONCE + _WAITING:
            raise TooManyRequests(
                "Too many people are signing in at the same time; try again.", retry_after=1
            )
        self._begun += 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._begun -= 1


def normalised(password: str) -> bytes:
    """Return what is hashed: one form (NFKC) of what different keyboards produce differently."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "replace")


def why_refused(password: str, username: str) -> str | None:
    """Return, as a sentence, what is wrong with a new password, None when nothing is.

    Length matters (NIST SP 800-63B): no rules about digits or symbols, but none of the most common ones.
    """
    candidate = unicodedata.normalize("NFKC", password)
    folded = candidate.casefold()
    if len(candidate) < MIN_CHARACTERS:
        return f"A password must have at least {MIN_CHARACTERS} characters; this one has {len(candidate)}."
    if len(candidate) > MAX_CHARACTERS:
        return f"A password may have at most {MAX_CHARACTERS} characters; this one has {len(candidate)}."
    if len(set(folded)) < MIN_DISTINCT:
        return f"A password must have at least {MIN_DISTINCT} different characters."
    if username.casefold() in folded:
        return "A password must not contain the username."
    if folded in _COMMON:
        return "This is one of the most common passwords; choose another."
    return None
