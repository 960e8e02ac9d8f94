"""The people who sign in: who they are, what they may do, and the tokens they got for their password."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from pipeline_api.auth.credentials import CredentialKind, digest, mint, new_id
from pipeline_api.auth.roles import Role
from pipeline_api.database import Database, KeyRow, TokenRow, UserRow
from pipeline_api.service.database import now
from pipeline_api.service.errors import Conflict, NotFound

MAX_TOKENS = 256
"""Live tokens of one person; signing in once more ends the oldest."""


class Accounts:
    """Keep users and their tokens. Every method is one transaction and blocks: call it in a thread."""

    def __init__(self, database: Database, token_lifetime: timedelta) -> None:
        """Work on a database."""
        self._database = database
        self._token_lifetime = token_lifetime

    def users(self) -> list[UserRow]:
        """Return every user by name."""
        with self._database.reading() as session:
            return list(session.scalars(select(UserRow).order_by(UserRow.username)))

    def password_hash(self, username: str) -> str | None:
        """Return what a user's password is verified against, or None when there is no such user."""
        if "\0" in username:
            return None  # PostgreSQL refuses to look for it, and no name has it
        with self._database.reading() as session:
            return session.scalar(select(UserRow.password_hash).where(UserRow.username == username))

    def create(self, username: str, role: Role, password_hash: str, created_by: str) -> UserRow:
        """Add a user; raise 409 when the name is taken."""
        with self._database.transaction() as session:
            inserted = self._database.insert_if_absent(
                session,
                UserRow,
                username=username,
                role=role,
                password_hash=password_hash,
                created_by=created_by,
            )
            if not inserted:
                raise Conflict(f"There is already a user '{username}'.")
            return session.get_one(UserRow, username)

    def change(
        self,
        username: str,
        *,
        role: Role | None,
        password_hash: str | None,
        keep_token: str | None = None,
    ) -> UserRow:
        """Give a user another role, effective at once, or another password, which ends their tokens.

        `keep_token` is the id of the token that is not ended: the one the change was asked for with.
        """
        with self._database.revoking() as session:
            user = _get(session, username)
            if role is not None and role is not user.role:
                _keep_a_maintainer(session, user)
                user.role = role
            if password_hash is not None:
                user.password_hash = password_hash
                user.password_changed_at = now()
                session.execute(
                    delete(TokenRow).where(TokenRow.username == username, TokenRow.id != (keep_token or ""))
                )
            return user

    def remove(self, username: str, *, with_keys: bool) -> list[str]:
        """Delete a user with their tokens and, if asked for, the keys they made; return those keys' ids."""
        with self._database.revoking() as session:
            user = _get(session, username)
            _keep_a_maintainer(session, user)
            session.execute(delete(TokenRow).where(TokenRow.username == username))
            session.delete(user)
            if not with_keys:
                return []
            made = delete(KeyRow).where(KeyRow.created_by == username).returning(KeyRow.id)
            return list(session.scalars(made))

    def sign_in(
        self, username: str, verified_hash: str, fresh_hash: str | None
    ) -> tuple[str, datetime, Role]:
        """Give a token to a user whose password was just verified; return it, its end and the user's role.

        `verified_hash` is what it was verified against: if it changed meanwhile, the password is no longer
        theirs. `fresh_hash` replaces one that was made with outdated parameters.
        """
        with self._database.transaction() as session:
            user = session.get(UserRow, username, with_for_update=True)
            if user is None or user.password_hash != verified_hash:
                raise NotFound(f"There is no user '{username}'.")
            user.password_hash = fresh_hash or user.password_hash
            user.signed_in_at = now()
            session.execute(delete(TokenRow).where(TokenRow.expires_at <= now()))
            newest = (
                select(TokenRow.id).where(TokenRow.username == username).order_by(TokenRow.created_at.desc())
            )
            surplus = list(session.scalars(newest.offset(MAX_TOKENS - 1)))
            if surplus:
                session.execute(delete(TokenRow).where(TokenRow.id.in_(surplus)))
            token = mint(CredentialKind.TOKEN)
            expires_at = now() + self._token_lifetime
            session.add(
                TokenRow(
                    id=new_id(), digest=digest(token.encode()).hex(), username=username, expires_at=expires_at
                )
            )
            return token, expires_at, user.role

    def sign_out(self, token_id: str) -> None:
        """End one token; harmless when it is gone already."""
        with self._database.revoking() as session:
            session.execute(delete(TokenRow).where(TokenRow.id == token_id))


def _get(session: Session, username: str) -> UserRow:
    user = session.get(UserRow, username)
    if user is None:
        raise NotFound(f"There is no user '{username}'.")
    return user


def _keep_a_maintainer(session: Session, user: UserRow) -> None:
    """Raise 409 when a user who is about to lose their role is the last maintainer."""
    if user.role is not Role.MAINTAINER:
        return
    others = select(UserRow.username).where(
        UserRow.role == Role.MAINTAINER, UserRow.username != user.username
    )
    if session.scalar(others.limit(1)) is None:
        raise Conflict(
            f"'{user.username}' is the last maintainer; make somebody else one first.",
        )
