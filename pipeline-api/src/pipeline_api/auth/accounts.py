"""The people who sign in: who they are, what they may do, and the tokens they get for their password."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from pipeline_api.auth import keys, tokens, users
from pipeline_api.database import Database, UserRow
from pipeline_api.roles import Role
from pipeline_api.service.database import now
from pipeline_api.service.errors import Conflict, NotFound


class Accounts:
    """Manage users and their tokens. Every method is one transaction and blocks: call it in a thread."""

    def __init__(self, database: Database, token_lifetime: timedelta) -> None:
        """Work on a database."""
        self._database = database
        self._token_lifetime = token_lifetime

    def check_writable(self) -> None:
        """Raise what any change would raise at this moment."""
        self._database.check_writable()

    def users(self) -> list[UserRow]:
        """Return every user by name."""
        with self._database.reading() as session:
            return users.everyone(session)

    def exist(self) -> bool:
        """Tell whether there is any user."""
        with self._database.reading() as session:
            return users.exist(session)

    def password_hash(self, username: str) -> str | None:
        """Return what a user's password is verified against, None when there is no such user."""
        with self._database.reading() as session:
            return users.password_hash(session, username)

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
                raise Conflict(f"There is already a user named '{username}'.")
            return session.get_one(UserRow, username)

    def change(
        self,
        username: str,
        *,
        role: Role | None,
        password_hash: str | None,
        keep_token: str | None = None,
    ) -> UserRow:
        """Give a user another role, effective at once, or another password, which revokes their tokens.

        `keep_token` is the id of the token that stays valid: the one that made the request.
        """
        with self._database.revoking() as session:
            user = users.get(session, username)
            if role is not None and role is not user.role:
                _keep_a_maintainer(session, user)
                user.role = role
            if password_hash is not None:
                user.password_hash = password_hash
                user.password_changed_at = now()
                tokens.revoke_all(session, username, keep=keep_token)
            return user

    def remove(self, username: str, *, with_keys: bool) -> list[str]:
        """Delete a user with their tokens and, if asked, the keys they created; return those keys' ids."""
        with self._database.revoking() as session:
            user = users.get(session, username)
            _keep_a_maintainer(session, user)
            tokens.revoke_all(session, username)
            session.delete(user)
            return keys.revoke_created_by(session, username) if with_keys else []

    def sign_in(
        self, username: str, verified_hash: str, fresh_hash: str | None
    ) -> tuple[str, datetime, Role]:
        """Give a token to a user whose password was just verified; return it, its expiry and the user's role.

        `verified_hash` is the hash it was verified against: if that has changed meanwhile, the password is no
        longer theirs. `fresh_hash` replaces a hash that was made with outdated parameters.
        """
        with self._database.transaction() as session:
            user = users.get(session, username)
            if user.password_hash != verified_hash:
                raise NotFound(f"There is no user '{username}' with this password.")
            user.password_hash = fresh_hash or user.password_hash
            user.signed_in_at = now()
            token, expires_at = tokens.issue(session, username, self._token_lifetime)
            return token, expires_at, user.role

    def sign_out(self, token_id: str) -> None:
        """Revoke one token; harmless when it is already gone."""
        with self._database.revoking() as session:
            tokens.revoke(session, token_id)


def _keep_a_maintainer(session: Session, user: UserRow) -> None:
    """Raise 409 when the last maintainer is about to lose that role."""
    if user.role is Role.MAINTAINER and not users.has_other_maintainer(session, user.username):
        raise Conflict(f"'{user.username}' is the last maintainer. Make somebody else a maintainer first.")
