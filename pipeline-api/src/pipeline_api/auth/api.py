"""`/v1/auth`: signing in and out, users, keys, devices."""

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated

import structlog
from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.security import OAuth2PasswordRequestForm

from pipeline_api.auth import schemas
from pipeline_api.auth.credentials import CredentialKind
from pipeline_api.auth.dependencies import EngineerDep, MaintainerDep, UserDep, allow
from pipeline_api.auth.passwords import why_refused
from pipeline_api.auth.state import Auth, AuthDep
from pipeline_api.roles import Role
from pipeline_api.service.errors import BadRequest, Forbidden, Invalid, NotFound, Unauthenticated

router = APIRouter(prefix="/v1/auth", tags=["authentication"])
log = structlog.get_logger(__name__)

UsernamePath = Annotated[str, Path(max_length=64, pattern=schemas.USERNAME)]
IdPath = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]


@router.post("/token", summary="Sign in", responses={401: {}, 413: {}, 429: {}})
async def sign_in(
    request: Request, auth: AuthDep, form: Annotated[OAuth2PasswordRequestForm, Depends()]
) -> schemas.Token:
    """Return a token for a username and a password. After repeated failures the answer is 429 for a while."""
    username = form.username.lower()
    place = await to_thread.run_sync(auth.visitors.place, request)
    try:
        async with auth.throttle.attempt(username, place):
            encoded = await _verify(auth, username, form.password)
            outdated = auth.passwords.outdated(encoded)
            fresh = await auth.passwords.hash(form.password) if outdated else None
            try:
                token, expires_at, role = await to_thread.run_sync(
                    auth.accounts.sign_in, username, encoded, fresh
                )
            except NotFound as error:
                raise Unauthenticated(
                    "The password has just been changed; sign in with the new one."
                ) from error
    except Unauthenticated:
        auth.metrics.sign_ins.labels("refused").inc()
        # Without the username: people type passwords into the wrong field.
        log.warning("sign_in_refused", address=place)
        raise
    auth.metrics.sign_ins.labels("accepted").inc()
    log.info("signed_in", username=username)
    return schemas.Token(
        access_token=token, expires_in=round(expires_at.timestamp() - time.time()), role=role
    )


@router.delete("/token", status_code=204, summary="Sign out")
async def sign_out(auth: AuthDep, caller: UserDep) -> None:
    """Revoke the token that makes this request, at once."""
    if caller.kind is not CredentialKind.TOKEN:
        raise Forbidden("A key cannot sign out. A maintainer revokes it with DELETE /v1/auth/keys/{key_id}.")
    await to_thread.run_sync(auth.accounts.sign_out, caller.id)
    auth.verifier.forget()


@router.get("/me", summary="Show whose credential this is")
async def me(caller: UserDep) -> schemas.Me:
    """Return whose credential makes this request, what it may do and until when."""
    return schemas.Me(
        subject=caller.subject,
        role=caller.role,
        kind="token" if caller.kind is CredentialKind.TOKEN else "key",
        trusted=caller.trusted,
        expires_at=datetime.fromtimestamp(caller.expires_at, UTC),
    )


@router.get("/users", summary="List users")
async def list_users(auth: AuthDep, _caller: MaintainerDep) -> list[schemas.User]:
    """Return the people who may sign in."""
    rows = await to_thread.run_sync(auth.accounts.users)
    return [schemas.User.model_validate(row) for row in rows]


@router.post("/users", status_code=201, summary="Add a user")
async def create_user(auth: AuthDep, caller: MaintainerDep, body: schemas.NewUser) -> schemas.User:
    """Add a user; 409 when the name is taken."""
    hashed = await _hash_new(auth, body.password.get_secret_value(), body.username)
    row = await to_thread.run_sync(
        partial(auth.accounts.create, body.username, body.role, hashed, created_by=caller.subject)
    )
    log.info("user_created", username=row.username, role=row.role.value, by=caller.subject)
    return schemas.User.model_validate(row)


@router.patch("/users/{username}", summary="Change a user's role or password")
async def change_user(
    request: Request, auth: AuthDep, caller: UserDep, username: UsernamePath, body: schemas.UserChange
) -> schemas.User:
    """Change a role (only maintainers may) or a password (maintainers, or one's own with the current one).

    A new role takes effect at once, for existing tokens too. A new password revokes the user's other tokens.
    """
    username = username.lower()
    own = caller.kind is CredentialKind.TOKEN and caller.subject == username
    if body.role is not None or not own:
        allow(caller, Role.MAINTAINER)
    hashed = None
    if body.password is not None:
        if own:
            await _prove(request, auth, username, body)
        hashed = await _hash_new(auth, body.password.get_secret_value(), username)
    row = await to_thread.run_sync(
        partial(
            auth.accounts.change,
            username,
            role=body.role,
            password_hash=hashed,
            keep_token=caller.id if own else None,
        )
    )
    auth.verifier.forget()
    log.info(
        "user_changed", username=username, role=row.role.value, renewed=hashed is not None, by=caller.subject
    )
    return schemas.User.model_validate(row)


@router.delete("/users/{username}", status_code=204, summary="Remove a user")
async def remove_user(
    auth: AuthDep,
    caller: MaintainerDep,
    username: UsernamePath,
    *,
    with_keys: Annotated[bool, Query(description="Also revoke the keys that this user created.")] = False,
) -> None:
    """Remove a user and revoke their tokens, at once. Their keys stay, unless `with_keys` is true."""
    username = username.lower()
    keys = await to_thread.run_sync(partial(auth.accounts.remove, username, with_keys=with_keys))
    auth.verifier.forget()
    log.info("user_removed", username=username, revoked=keys, by=caller.subject)


@router.get("/keys", summary="List keys")
async def list_keys(auth: AuthDep, _caller: MaintainerDep) -> list[schemas.Key]:
    """Return the keys, without their secrets; expired ones are listed until they are revoked."""
    rows = await to_thread.run_sync(auth.keys.all)
    return [schemas.Key.model_validate(row) for row in rows]


@router.post("/keys", status_code=201, summary="Create a key for a program")
async def create_key(auth: AuthDep, caller: MaintainerDep, body: schemas.NewKey) -> schemas.MadeKey:
    """Create a key: a credential for a program, known as `key:<name>`. Its secret is shown only once."""
    row, secret = await to_thread.run_sync(
        partial(
            auth.keys.create,
            name=body.name,
            role=body.role,
            lifetime=timedelta(days=body.expires_in_days),
            requests_per_second=body.requests_per_second,
            trusted=body.trusted,
            created_by=caller.subject,
        )
    )
    log.info("credential_created", id=row.id, name=row.name, role=row.role.value, by=caller.subject)
    return schemas.MadeKey(**schemas.Key.model_validate(row).model_dump(), key=secret)


@router.patch("/keys/{key_id}", summary="Trust the labels of a key, or no longer")
async def change_key(
    auth: AuthDep, caller: EngineerDep, key_id: IdPath, body: schemas.KeyChange
) -> schemas.Key:
    """Say whether the labels that a key gives from now on count as an engineer's."""
    row = await to_thread.run_sync(partial(auth.keys.trust, key_id, trusted=body.trusted))
    auth.verifier.forget()
    log.info("credential_changed", id=key_id, name=row.name, trusted=row.trusted, by=caller.subject)
    return schemas.Key.model_validate(row)


@router.delete("/keys/{key_id}", status_code=204, summary="Revoke a key")
async def revoke_key(auth: AuthDep, caller: MaintainerDep, key_id: IdPath) -> None:
    """Revoke a key, at once."""
    await to_thread.run_sync(auth.keys.revoke, key_id)
    auth.verifier.forget()
    log.info("credential_revoked", id=key_id, by=caller.subject)


@router.get("/devices", summary="List devices")
async def list_devices(auth: AuthDep, _caller: MaintainerDep) -> list[schemas.Device]:
    """Return the things that may send requests over MQTT."""
    rows = await to_thread.run_sync(auth.devices.all)
    return [schemas.Device.model_validate(row) for row in rows]


@router.post("/devices", status_code=201, summary="Create a device that speaks MQTT")
async def create_device(auth: AuthDep, caller: MaintainerDep, body: schemas.NewDevice) -> schemas.MadeDevice:
    """Create a device: a user of the MQTT broker, known as `device:<name>`. Its password is shown only once.

    The broker knows it within two seconds. 409 when the name is taken, when another device has the topics
    without a name, or when MQTT is off.
    """
    row, password = await to_thread.run_sync(
        partial(
            auth.devices.create,
            name=body.name,
            public_topics=body.public_topics,
            created_by=caller.subject,
        )
    )
    log.info("device_created", id=row.id, name=row.name, by=caller.subject)
    return schemas.MadeDevice(**schemas.Device.model_validate(row).model_dump(), password=password)


@router.delete("/devices/{device_id}", status_code=204, summary="Revoke a device")
async def revoke_device(auth: AuthDep, caller: MaintainerDep, device_id: IdPath) -> None:
    """Revoke a device: it gets no more answers at once, and the broker cuts it off within two seconds."""
    await to_thread.run_sync(auth.devices.revoke, device_id)
    auth.verifier.forget()
    log.info("device_revoked", id=device_id, by=caller.subject)


async def _verify(auth: Auth, username: str, password: str) -> str:
    """Return the hash that a password matches; raise 401, after the same time, when there is none."""
    encoded = await to_thread.run_sync(auth.accounts.password_hash, username)
    if not await auth.passwords.verify(encoded, password) or encoded is None:
        raise Unauthenticated("The username or the password is wrong.")
    return encoded


async def _hash_new(auth: Auth, password: str, username: str) -> str:
    reason = why_refused(password, username)
    if reason is not None:
        raise Invalid(reason, errors=[{"loc": ["body", "password"], "message": reason}])
    return await auth.passwords.hash(password)


async def _prove(request: Request, auth: Auth, username: str, body: schemas.UserChange) -> None:
    """Make sure that it is the person, and not somebody at their desk, who changes the password."""
    if body.current_password is None:
        raise BadRequest("To change your own password, send the current one as well, as 'current_password'.")
    place = await to_thread.run_sync(auth.visitors.place, request)
    try:
        async with auth.throttle.attempt(username, place):
            await _verify(auth, username, body.current_password.get_secret_value())
    except Unauthenticated as error:
        raise Forbidden("The current password is wrong.") from error
