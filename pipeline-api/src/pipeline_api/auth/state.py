"""What the routes under `/v1/auth`, and every check of a credential, work with."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from pipeline_api.auth.accounts import Accounts
from pipeline_api.auth.devices import Devices
from pipeline_api.auth.keys import Keys
from pipeline_api.auth.passwords import Passwords
from pipeline_api.auth.throttle import SignInThrottle
from pipeline_api.auth.verifier import Verifier
from pipeline_api.auth.visitors import Visitors
from pipeline_api.metrics import GatewayMetrics


@dataclass(frozen=True, slots=True)
class Auth:
    """The parts of a running gateway that know who is calling."""

    accounts: Accounts
    keys: Keys
    devices: Devices
    passwords: Passwords
    throttle: SignInThrottle
    visitors: Visitors
    verifier: Verifier
    metrics: GatewayMetrics


def auth_of(connection: HTTPConnection) -> Auth:
    """Return the `Auth` of the gateway that serves a request or a WebSocket."""
    return cast("Auth", connection.app.state.auth)


AuthDep = Annotated[Auth, Depends(auth_of)]
