"""Who a credential belongs to, cached for a few seconds.

A request costs no query as long as its credential is cached. The cache is trusted only for a while after a
poll of the revision row: this process empties it in the call that takes power away, other replicas do so
within `MAX_AGE_S`, and without the database nothing cached is trusted.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

from anyio import CapacityLimiter, to_thread
from cachetools import LRUCache
from sqlalchemy.exc import SQLAlchemyError

from pipeline_api.auth import devices, keys, tokens
from pipeline_api.auth.credentials import CredentialKind, bearer, digest, kind_of
from pipeline_api.caller import RENEW_S, CallerSigner
from pipeline_api.database import Database, KeyRow, TokenRow
from pipeline_api.limits import RateLimit, RateLimits
from pipeline_api.roles import Role
from pipeline_api.service.database import now
from pipeline_api.service.errors import NotReady, Unauthenticated

MAX_AGE_S = 4.0
"""How long the cache is trusted after the last poll of the revision row."""
POLL_S = 1.0
"""How often the revision row is polled."""

_CACHED = 8_192
_LOOKUPS = 8
"""Queries at the same time, so that a flood of made-up tokens leaves threads for everything else."""


class Verified:
    """A credential that was found good: whose it is, until when, and what it may still ask for."""

    __slots__ = (
        "expires_at",
        "header",
        "header_until",
        "id",
        "kind",
        "marked",
        "public_topics",
        "rate_limit",
        "role",
        "subject",
    )

    def __init__(
        self,
        *,
        credential: str,
        kind: CredentialKind,
        subject: str,
        role: Role,
        expires_at: float,
        rate_limit: RateLimit,
        marked: bool = False,
        public_topics: bool = False,
    ) -> None:
        """Keep what the database said; `expires_at` in Unix seconds, `marked` is a key's mark as trusted.

        `public_topics`: a device that also uses the topics without its name.
        """
        self.id = credential
        self.kind = kind
        self.subject = subject
        self.role = role
        self.expires_at = expires_at
        self.rate_limit = rate_limit
        self.marked = marked
        self.public_topics = public_topics
        self.header = ""
        self.header_until = 0.0

    @property
    def name(self) -> str:
        """The name without its kind: `door` of `device:door`."""
        return self.subject.rpartition(":")[2]

    @property
    def trusted(self) -> bool:
        """Whether labels given with this credential are trusted, by its role or because its key is marked."""
        return self.marked or self.role.includes(Role.ENGINEER)


class Verifier:
    """Turn the `Authorization` header of a request into who is calling."""

    def __init__(
        self,
        database: Database,
        signer: CallerSigner,
        rate_limits: RateLimits,
        rates: dict[Role, float],
    ) -> None:
        """Start with an empty cache; `rates` are requests per second by role."""
        self._database = database
        self._signer = signer
        self._rate_limits = rate_limits
        self._rates = rates
        # Only the event loop uses a cache; other threads replace it.
        self._cache: LRUCache[bytes, Verified] = LRUCache(_CACHED)
        self._lock = threading.Lock()
        self._generation = object()
        self._revision: int | None = None
        self._trusted_until = 0.0
        self._limiter = CapacityLimiter(_LOOKUPS)

    async def verify(self, authorization: bytes | None) -> Verified:
        """Return whose credential a header holds; raise 401 for none, or one unknown, expired or revoked."""
        credential = bearer(authorization)
        if credential is None:
            raise _refused(authorization)
        key = digest(credential)
        trusted: Mapping[bytes, Verified] = self._cache if time.monotonic() < self._trusted_until else {}
        verified: Verified | None
        try:
            verified = trusted[key]
        except KeyError:
            verified = await self._look_up(partial(self._find, credential, key), key)
        if verified is None or verified.expires_at <= time.time():
            raise _refused(authorization)
        return verified

    async def device(self, name: str) -> Verified | None:
        """Return a device, whom the broker has already asked for its password; None if there is none."""
        key = f"device:{name}".encode()
        trusted: Mapping[bytes, Verified] = self._cache if time.monotonic() < self._trusted_until else {}
        return trusted.get(key) or await self._look_up(partial(self._find_device, name), key)

    def signed(self, verified: Verified) -> str:
        """Return the header that tells the processor who is calling, signed again every minute."""
        current = time.time()
        if current >= verified.header_until:
            verified.header = self._signer.sign(
                verified.subject, verified.role, current, trusted=verified.marked
            )
            verified.header_until = current + RENEW_S
        return verified.header

    def forget(self) -> None:
        """Empty the cache: power was taken away somewhere. Callable from any thread."""
        with self._lock:
            self._generation = object()
            self._cache = LRUCache(_CACHED)

    def poll(self) -> None:
        """Read the revision row and empty the cache if it has changed; call it in a thread."""
        asked_at = time.monotonic()
        revision = self._database.revision()
        if revision != self._revision:
            self._revision = revision
            self.forget()
        self._trusted_until = asked_at + MAX_AGE_S

    async def _look_up(self, find: Callable[[], Verified | None], key: bytes) -> Verified | None:
        generation = self._generation
        try:
            verified = await to_thread.run_sync(find, limiter=self._limiter)
        except SQLAlchemyError as error:
            raise NotReady("The gateway's database cannot be reached; try again.") from error
        with self._lock:
            # Made-up credentials are not cached, or a flood of them would evict the good ones; nor is what
            # was read before something was revoked.
            if verified is not None and generation is self._generation:
                self._cache[key] = verified
        return verified

    def _find(self, credential: bytes, key: bytes) -> Verified | None:
        kind = kind_of(credential)
        row: TokenRow | KeyRow
        marked = False
        with self._database.reading() as session:
            if kind is CredentialKind.TOKEN:
                token = tokens.find(session, key)
                if token is None:
                    return None
                row, role = token
                subject, rate = row.username, self._rates[role]
            else:
                found = keys.find(session, key)
                if found is None:
                    return None
                row, role, subject = found, found.role, f"key:{found.name}"
                marked = found.trusted
                rate = self._rates[role] if found.requests_per_second is None else found.requests_per_second
        if row.expires_at <= now():
            return None
        return Verified(
            credential=row.id,
            kind=kind,
            subject=subject,
            role=role,
            expires_at=row.expires_at.timestamp(),
            rate_limit=self._rate_limits.of(row.id, rate, time.monotonic()),
            marked=marked,
        )

    def _find_device(self, name: str) -> Verified | None:
        with self._database.reading() as session:
            found = devices.find(session, name)
        if found is None:
            return None
        return Verified(
            credential=found.id,
            kind=CredentialKind.DEVICE,
            subject=f"device:{found.name}",
            role=Role.USER,
            expires_at=math.inf,
            rate_limit=self._rate_limits.of(found.id, self._rates[Role.USER], time.monotonic()),
            public_topics=found.public_topics,
        )


def _refused(authorization: bytes | None) -> Unauthenticated:
    if authorization is None:
        return Unauthenticated(
            "Send the header 'Authorization: Bearer <token or key>'. POST /v1/auth/token returns a token."
        )
    # RFC 6750: this tells a client that its token is at fault and not its request.
    return Unauthenticated(
        "The credential is unknown, expired or revoked.",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )
