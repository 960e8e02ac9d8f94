"""Who a credential belongs to, remembered for a moment.

A request costs no look into the database as long as its credential is remembered. What is remembered is
never older than the last look that found the revision row unchanged: this process forgets in the call that
takes power away, other replicas within `MAX_AGE_S`, and without the database nothing remembered is believed.
"""

import threading
import time
from collections import OrderedDict

from anyio import CapacityLimiter, to_thread
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from pipeline_api.auth.credentials import CredentialKind, bearer, digest, kind_of
from pipeline_api.auth.roles import Role
from pipeline_api.caller import RENEW_S, CallerSigner
from pipeline_api.database import Database, KeyRow, RevisionRow, TokenRow, UserRow
from pipeline_api.limits import RateLimit, RateLimits
from pipeline_api.service.database import now
from pipeline_api.service.errors import NotReady, Unauthenticated

MAX_AGE_S = 4.0
"""How long what is remembered is believed after the last look at the revision row."""
POLL_S = 1.0
"""How often the revision row is looked at."""

_REMEMBERED = 8_192
_LOOKUPS = 8
"""Looks into the database at the same time, so that a flood of made-up tokens leaves threads for the rest."""


class Verified:
    """A credential that was found good: whose it is, until when, and what it may still ask for."""

    __slots__ = ("expires_at", "header", "header_until", "id", "kind", "rate_limit", "role", "subject")

    def __init__(
        self,
        *,
        credential: str,
        kind: CredentialKind,
        subject: str,
        role: Role,
        expires_at: float,
        rate_limit: RateLimit,
    ) -> None:
        """Keep what the database said; `expires_at` in Unix seconds."""
        self.id = credential
        self.kind = kind
        self.subject = subject
        self.role = role
        self.expires_at = expires_at
        self.rate_limit = rate_limit
        self.header = ""
        self.header_until = 0.0


class Verifier:
    """Turn the `Authorization` header of a request into who is calling."""

    def __init__(
        self,
        database: Database,
        signer: CallerSigner,
        rate_limits: RateLimits,
        rates: dict[Role, float],
    ) -> None:
        """Start with nothing remembered; `rates` are requests a second by role."""
        self._database = database
        self._signer = signer
        self._rate_limits = rate_limits
        self._rates = rates
        self._known: OrderedDict[bytes, Verified] = OrderedDict()
        self._lock = threading.Lock()
        self._generation = object()
        self._revision: int | None = None
        self._believed_until = 0.0
        self._limiter = CapacityLimiter(_LOOKUPS)

    async def verify(self, authorization: bytes | None) -> Verified:
        """Return whose credential a header holds; raise 401 when it is none, unknown, expired or revoked."""
        credential = bearer(authorization)
        if credential is None:
            raise _refused(authorization)
        key = digest(credential)
        known = self._known
        verified = known.get(key) if time.monotonic() < self._believed_until else None
        if verified is None:
            verified = await self._look_up(credential, key)
        else:
            known.move_to_end(key)
        if verified is None or verified.expires_at <= time.time():
            raise _refused(authorization)
        return verified

    def signed(self, verified: Verified) -> str:
        """Return the header that tells the processor who is calling, signed anew once a minute."""
        current = time.time()
        if current >= verified.header_until:
            verified.header = self._signer.sign(verified.subject, verified.role, current)
            verified.header_until = current + RENEW_S
        return verified.header

    def forget(self) -> None:
        """Remember nothing: power was taken away somewhere. Callable from any thread."""
        with self._lock:
            self._generation = object()
            self._known = OrderedDict()

    def poll(self) -> None:
        """Look at the revision row and forget everything when it changed; called in a thread."""
        asked_at = time.monotonic()
        with self._database.reading() as session:
            revision = session.scalar(select(RevisionRow.value).where(RevisionRow.id == 1))
        if revision != self._revision:
            self._revision = revision
            self.forget()
        self._believed_until = asked_at + MAX_AGE_S

    async def _look_up(self, credential: bytes, key: bytes) -> Verified | None:
        generation = self._generation
        try:
            verified = await to_thread.run_sync(self._find, credential, key, limiter=self._limiter)
        except SQLAlchemyError as error:
            raise NotReady("The gateway's database cannot be reached; try again.") from error
        with self._lock:
            # Made-up credentials are not remembered, or a flood of them would push the good ones out; nor is
            # what was read before something was revoked.
            if verified is not None and generation is self._generation:
                self._known[key] = verified
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return verified

    def _find(self, credential: bytes, key: bytes) -> Verified | None:
        kind = kind_of(credential)
        with self._database.reading() as session:
            if kind is CredentialKind.TOKEN:
                found = session.execute(
                    select(TokenRow, UserRow.role).join(UserRow).where(TokenRow.digest == key.hex())
                ).first()
                if found is None:
                    return None
                token, role = found
                subject, rate = token.username, None
            else:
                token = session.scalar(select(KeyRow).where(KeyRow.digest == key.hex()))
                if token is None:
                    return None
                role, subject, rate = token.role, f"key:{token.name}", token.requests_per_second
        if token.expires_at <= now():
            return None
        rate = self._rates[role] if rate is None else rate
        return Verified(
            credential=token.id,
            kind=kind,
            subject=subject,
            role=role,
            expires_at=token.expires_at.timestamp(),
            rate_limit=self._rate_limits.of(token.id, rate, time.monotonic()),
        )


def _refused(authorization: bytes | None) -> Unauthenticated:
    if authorization is None:
        return Unauthenticated(
            "Send the header 'Authorization: Bearer <token or key>'; POST /v1/auth/token gives a token."
        )
    # RFC 6750: a client learns from this that its token is at fault and not its request.
    return Unauthenticated(
        "The credential is unknown, expired or revoked.",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )
