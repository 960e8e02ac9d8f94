"""Every operation of the document with every kind of credential: nobody gets in who should not."""

import json
import re
from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import WebSocketDenialResponse

from fake_processor import SERVICE_TOKEN, FakeProcessor
from pipeline_api.database import KeyRow, TokenRow
from pipeline_api.roles import Role
from pipeline_api.service.database import now
from running import PASSWORD, Gateway

DOCUMENT = json.loads((Path(__file__).parents[1] / "openapi.json").read_text())
METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}

FOR_ANYBODY = {"GET /healthz", "GET /readyz", "POST /v1/auth/token"}
OF_THE_GATEWAY = {
    "GET /v1/auth/keys": Role.MAINTAINER,
    "POST /v1/auth/keys": Role.MAINTAINER,
    "PATCH /v1/auth/keys/{key_id}": Role.ENGINEER,
    "DELETE /v1/auth/keys/{key_id}": Role.MAINTAINER,
    "GET /v1/auth/devices": Role.MAINTAINER,
    "POST /v1/auth/devices": Role.MAINTAINER,
    "DELETE /v1/auth/devices/{device_id}": Role.MAINTAINER,
    "GET /v1/auth/me": Role.USER,
    "DELETE /v1/auth/token": Role.USER,
    "GET /v1/auth/users": Role.MAINTAINER,
    "POST /v1/auth/users": Role.MAINTAINER,
    "PATCH /v1/auth/users/{username}": Role.MAINTAINER,  # anybody else's: one's own password is one's own
    "DELETE /v1/auth/users/{username}": Role.MAINTAINER,
    "GET /v2": Role.USER,
    "GET /v2/health/live": Role.USER,
    "GET /v2/health/ready": Role.USER,
    "GET /v2/models/{model}": Role.USER,
    "POST /v2/models/{model}/infer": Role.USER,
    "GET /v2/models/{model}/ready": Role.USER,
    "GET /v2/models/{model}/versions/{version}": Role.USER,
    "POST /v2/models/{model}/versions/{version}/infer": Role.USER,
    "GET /v2/models/{model}/versions/{version}/ready": Role.USER,
}
"""What each of the gateway's own operations requires; the others name their role in the document."""
CLAIMS = b'{"sub":"admin","role":"maintainer","exp":9999999999}'
EXAMPLES = {
    "key_id": "0123456789abcdef",
    "device_id": "0123456789abcdef",
    "username": "somebody",
    "model": "census-income",
}
BODIES = {"PATCH /v1/auth/users/{username}": {"role": "maintainer"}}
"""What a body must be for an operation to look at who sends it; of the others, that comes first."""


def operations() -> dict[str, Role | None]:
    """Return every operation of the document, `METHOD /path`, with the role it requires, None for anybody."""
    found: dict[str, Role | None] = {}
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS & item.keys():
            name = f"{method.upper()} {path}"
            role = item[method].get("x-role")
            if name in FOR_ANYBODY:
                found[name] = None
            else:
                found[name] = Role(role) if role else OF_THE_GATEWAY[name]
    return found


def ask(gateway: Gateway, name: str, headers: dict[str, str]) -> int:
    """Return the status of an operation on things that do not exist."""
    method, template = name.split(" ")
    path = re.sub(r"\{(\w+)\}", lambda part: EXAMPLES.get(part[1], "thing"), template)
    body: dict[str, Any] | None = (
        BODIES.get(name, {"inputs": [{}]}) if method in {"POST", "PUT", "PATCH"} else None
    )
    return gateway.client.request(method, path, json=body, headers=headers).status_code


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


def past(gateway: Gateway, row: Any, condition: Any) -> None:
    """Let a credential have expired a second ago."""
    with gateway.app.state.auth.accounts._database.transaction() as session:
        session.execute(update(row).where(condition).values(expires_at=now() - timedelta(seconds=1)))


@pytest.fixture
def no_credentials(gateway: Gateway) -> dict[str, dict[str, str]]:
    """What is no credential, or none any more."""
    late, signed_out, removed = (gateway.new_user(name, "maintainer") for name in ("late", "left", "gone"))
    past(gateway, TokenRow, TokenRow.username == "late")
    gateway.client.delete("/v1/auth/token", headers=signed_out)
    gateway.client.delete("/v1/auth/users/gone", headers=gateway.admin)
    late_key, revoked_key = (gateway.new_key(name, "maintainer") for name in ("late-key", "revoked-key"))
    past(gateway, KeyRow, KeyRow.name == "late-key")
    for key in gateway.client.get("/v1/auth/keys", headers=gateway.admin).json():
        if key["name"] == "revoked-key":
            gateway.client.delete(f"/v1/auth/keys/{key['id']}", headers=gateway.admin)
    return {
        "none": {},
        "a name and a password": {"Authorization": "Basic YWRtaW46Y29ycmVjdA=="},
        "an unknown token": bearer(f"lkt_{'A' * 43}"),
        "an expired token": late,
        "a token after signing out": signed_out,
        "a token of a removed user": removed,
        "an expired key": late_key,
        "a revoked key": revoked_key,
        "the gateway's own token, with a caller it did not sign": {
            **bearer(SERVICE_TOKEN),
            "X-Loopkeeper-Caller": f"v1.{b64encode(CLAIMS).decode()}.AA",
        },
    }


def test_no_operation_is_forgotten_here() -> None:
    assert len(operations()) >= 59
    assert set(operations()) >= FOR_ANYBODY | OF_THE_GATEWAY.keys()


def test_without_a_good_credential_every_operation_is_401(
    gateway: Gateway, processor: FakeProcessor, no_credentials: dict[str, dict[str, str]]
) -> None:
    processor.calls.clear()

    let_in = [
        (name, credential, status)
        for name, role in operations().items()
        for credential, headers in no_credentials.items()
        if role is not None and (status := ask(gateway, name, headers)) != 401
    ]

    assert let_in == []
    assert processor.calls == []


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("kind", ["token", "key"])
def test_every_operation_is_for_its_role_and_those_above(
    gateway: Gateway, processor: FakeProcessor, role: Role, kind: str
) -> None:
    name = f"{kind}-of-{role.value}"
    headers = gateway.new_user(name, role.value) if kind == "token" else gateway.new_key(name, role.value)
    processor.calls.clear()
    wrong = []
    for operation, needed in operations().items():
        if needed is None:
            continue
        if operation == "DELETE /v1/auth/token":  # a key cannot; a token is gone afterwards
            expected = {403} if kind == "key" else {204}
            signing_out = headers if kind == "key" else gateway.sign_in(name, PASSWORD)
            status = ask(gateway, operation, signing_out)
            allowed = status in expected
        else:
            status = ask(gateway, operation, headers)
            allowed = (status not in {401, 403}) if role.includes(needed) else status == 403
        if not allowed:
            wrong.append((operation, status))
    assert wrong == []
    assert {call.caller["role"] for call in processor.calls if call.caller} <= {role.value}


def test_the_events_of_a_run_are_for_engineers(
    gateway: Gateway, processor: FakeProcessor, no_credentials: dict[str, dict[str, str]]
) -> None:
    def refused(headers: dict[str, str]) -> int:
        with (
            pytest.raises(WebSocketDenialResponse) as denied,
            gateway.client.websocket_connect("/v1/runs/1/events", headers=headers),
        ):
            pass
        return denied.value.status_code

    processor.calls.clear()
    assert {refused(headers) for headers in no_credentials.values()} == {401}
    assert refused(gateway.new_key("plain", "user")) == 403
    assert processor.calls == []
    # There is no such run: an engineer is told so.
    assert refused(gateway.new_key("engineer", "engineer")) == 404


def test_a_role_that_is_taken_away_no_longer_opens_anything(gateway: Gateway) -> None:
    demoted = gateway.new_user("demoted", "maintainer")
    assert ask(gateway, "GET /v1/auth/users", demoted) == 200

    gateway.client.patch("/v1/auth/users/demoted", json={"role": "user"}, headers=gateway.admin)

    lost = {Role.ENGINEER, Role.MAINTAINER}
    let_in = [
        name for name, role in operations().items() if role in lost and ask(gateway, name, demoted) != 403
    ]
    assert let_in == []
