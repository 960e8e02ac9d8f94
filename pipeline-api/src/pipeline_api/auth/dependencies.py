"""Who is admitted, and how a route declares who may call it."""

import time
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer
from starlette.types import Scope

from pipeline_api.auth.state import AuthDep
from pipeline_api.auth.verifier import Verified, Verifier
from pipeline_api.roles import Role
from pipeline_api.service.errors import Forbidden

# Only documents the scheme and gives /docs its sign-in form: `admit` does the work.
SCHEME = OAuth2PasswordBearer(
    tokenUrl="/v1/auth/token",
    scheme_name="credential",
    description="A token from `POST /v1/auth/token`, or a key from `POST /v1/auth/keys`.",
    auto_error=False,
)


def authorization_of(scope: Scope) -> bytes | None:
    """Return the raw `Authorization` header of a request or handshake; two of them are not valid."""
    found = [value for name, value in scope["headers"] if name == b"authorization"]
    return b", ".join(found) if found else None


async def admit(verifier: Verifier, authorization: bytes | None, role: Role) -> Verified:
    """Return who is calling; raise 401 without a good credential, 429 above its limits, 403 below a role."""
    verified = await verifier.verify(authorization)
    verified.rate_limit.take(time.monotonic())
    allow(verified, role)
    return verified


def allow(verified: Verified, role: Role) -> None:
    """Raise 403 unless the caller's role includes the required one."""
    if not verified.role.includes(role):
        raise Forbidden(f"This requires the role '{role.value}'; yours is '{verified.role.value}'.")


def _requires(role: Role) -> Callable[..., Awaitable[Verified]]:
    async def admitted(
        request: Request, auth: AuthDep, _documented: Annotated[str | None, Depends(SCHEME)]
    ) -> Verified:
        return await admit(auth.verifier, authorization_of(request.scope), role)

    return admitted


UserDep = Annotated[Verified, Depends(_requires(Role.USER))]
EngineerDep = Annotated[Verified, Depends(_requires(Role.ENGINEER))]
MaintainerDep = Annotated[Verified, Depends(_requires(Role.MAINTAINER))]
