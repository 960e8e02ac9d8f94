"""The queries on tokens, which people get for their password. Each is part of its caller's transaction."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pipeline_api.auth.credentials import CredentialKind, digest, mint, new_id
from pipeline_api.database import TokenRow, UserRow
from pipeline_api.roles import Role
from pipeline_api.service.database import now

MAX_TOKENS = 256
"""Live tokens of one person; signing in once more revokes the oldest."""


def find(session: Session, token_digest: bytes) -> tuple[TokenRow, Role] | None:
    """Return the token with this digest, expired or not, and its user's current role."""
    query = select(TokenRow, UserRow.role).join(UserRow).where(TokenRow.digest == token_digest.hex())
    found = session.execute(query).first()
    return None if found is None else (found[0], found[1])


def issue(session: Session, username: str, lifetime: timedelta) -> tuple[str, datetime]:
    """Create a token and return it with its expiry; delete expired tokens and the user's surplus."""
    session.execute(delete(TokenRow).where(TokenRow.expires_at <= now()))
    newest = select(TokenRow.id).where(TokenRow.username == username).order_by(TokenRow.created_at.desc())
    surplus = list(session.scalars(newest.offset(MAX_TOKENS - 1)))
    if surplus:
        session.execute(delete(TokenRow).where(TokenRow.id.in_(surplus)))
    token = mint(CredentialKind.TOKEN)
    expires_at = now() + lifetime
    session.add(
        TokenRow(id=new_id(), digest=digest(token.encode()).hex(), username=username, expires_at=expires_at)
    )
    return token, expires_at


def revoke(session: Session, token_id: str) -> None:
    """Delete one token; harmless when it is already gone."""
    session.execute(delete(TokenRow).where(TokenRow.id == token_id))


def revoke_all(session: Session, username: str, keep: str | None = None) -> None:
    """Delete a user's tokens, except the one with the id to keep."""
    session.execute(delete(TokenRow).where(TokenRow.username == username, TokenRow.id != (keep or "")))
