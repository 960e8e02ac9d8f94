"""Everything a request may need, opened once by the lifespan."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from pipeline_api.auth.state import Auth
from pipeline_api.hub import Hubs
from pipeline_api.limits import ConcurrencyLimit
from pipeline_api.metrics import GatewayMetrics
from pipeline_api.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of a running gateway."""

    auth: Auth
    metrics: GatewayMetrics
    upstream: Upstream
    hubs: Hubs
    websocket_limit: ConcurrencyLimit
    forget_answers: Callable[[], None]
    """Deletes what is kept of answers that were sent; blocks."""


def gateway_of(connection: HTTPConnection) -> Gateway:
    """Return the gateway that serves a request or a WebSocket."""
    return cast("Gateway", connection.app.state.gateway)


GatewayDep = Annotated[Gateway, Depends(gateway_of)]
