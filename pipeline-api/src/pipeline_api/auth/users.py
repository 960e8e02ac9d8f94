"""The queries on users. Each is part of its caller's transaction."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline_api.database import UserRow
from pipeline_api.roles import Role
from pipeline_api.service.errors import NotFound


def everyone(session: Session) -> list[UserRow]:
    """Return every user by name."""
    return list(session.scalars(select(UserRow).order_by(UserRow.username)))


def exist(session: Session) -> bool:
    """Tell whether there is any user."""
    return session.scalar(select(UserRow.username).limit(1)) is not None


def get(session: Session, username: str) -> UserRow:
    """Return a user, locked until the transaction ends; raise 404 when there is none."""
    user = session.get(UserRow, username, with_for_update=True)
    if user is None:
        raise NotFound(f"There is no user '{username}'.")
    return user


def password_hash(session: Session, username: str) -> str | None:
    """Return what a user's password is verified against, None when there is no such user."""
    if "\0" in username:
        return None  # PostgreSQL rejects the query, and nobody has such a name
    return session.scalar(select(UserRow.password_hash).where(UserRow.username == username))


def has_other_maintainer(session: Session, username: str) -> bool:
    """Tell whether there is a maintainer besides this user."""
    others = select(UserRow.username).where(UserRow.role == Role.MAINTAINER, UserRow.username != username)
    return session.scalar(others.limit(1)) is not None
