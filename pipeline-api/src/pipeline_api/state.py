"""Everything a request may need, opened once by the lifespan."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from pipeline_api.auth.accounts import Accounts
from pipeline_api.auth.keys import Keys
from pipeline_api.auth.passwords import Passwords
from pipeline_api.auth.throttle import SignInThrottle
from pipeline_api.auth.verifier import Verifier
from pipeline_api.database import Database
from pipeline_api.limits import ConcurrencyLimit
from pipeline_api.metrics import GatewayMetrics
from pipeline_api.settings import Settings
from pipeline_api.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of a gateway that is running."""

    settings: Settings
    metrics: GatewayMetrics
    database: Database
    passwords: Passwords
    accounts: Accounts
    keys: Keys
    throttle: SignInThrottle
    verifier: Verifier
    upstream: Upstream
    websocket_limit: ConcurrencyLimit


def gateway_of(connection: HTTPConnection) -> Gateway:
    """Return the gateway that serves a request or a WebSocket."""
    return cast("Gateway", connection.app.state.gateway)


GatewayDep = Annotated[Gateway, Depends(gateway_of)]
