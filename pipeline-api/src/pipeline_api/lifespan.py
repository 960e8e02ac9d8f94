"""Open everything a gateway needs, keep its caches fresh, close it in order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import structlog
from anyio import to_thread
from sqlalchemy.exc import SQLAlchemyError

from pipeline_api.auth.accounts import Accounts
from pipeline_api.auth.devices import Devices
from pipeline_api.auth.first_admin import create_first_admin
from pipeline_api.auth.keys import Keys
from pipeline_api.auth.passwords import Passwords
from pipeline_api.auth.state import Auth
from pipeline_api.auth.throttle import SignInThrottle
from pipeline_api.auth.verifier import POLL_S, Verifier
from pipeline_api.auth.visitors import Visitors
from pipeline_api.caller import CallerSigner
from pipeline_api.database import Database
from pipeline_api.hub import Hubs
from pipeline_api.limits import ConcurrencyLimit, RateLimits
from pipeline_api.metrics import GatewayMetrics
from pipeline_api.mqtt.bridge import Bridge
from pipeline_api.service.database import PATIENCE_S
from pipeline_api.service.private_folder import make_private
from pipeline_api.service.proxies import TrustedProxies
from pipeline_api.settings import Settings
from pipeline_api.state import Gateway
from pipeline_api.upstream import Upstream

log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def open_gateway(settings: Settings, metrics: GatewayMetrics) -> AsyncIterator[Gateway]:
    """Yield a running gateway; on the very first start, create its first user."""
    make_private(settings.state_dir)
    database = Database(settings.database, busy_timeout_s=PATIENCE_S)
    metrics.database.watch(database.engine)
    verifier = Verifier(
        database,
        CallerSigner(settings.caller_key.get_secret_value().encode()),
        RateLimits(settings.burst_seconds, settings.requests_in_flight),
        settings.rates,
    )
    auth = Auth(
        accounts=Accounts(database, timedelta(hours=settings.token_hours)),
        keys=Keys(database),
        devices=Devices(database, allowed=settings.mqtt_url is not None),
        passwords=Passwords(),
        throttle=SignInThrottle(database),
        visitors=Visitors(
            TrustedProxies(settings.trusted_proxies),
            settings.pages_token.get_secret_value() if settings.pages_token else None,
        ),
        verifier=verifier,
        metrics=metrics,
    )
    upstream = Upstream(
        str(settings.processor_url),
        settings.service_token.get_secret_value(),
        verifier,
        metrics,
        polls=settings.websockets + 1,  # one more than can be held open, so that a 404 never waits
    )

    def prepare() -> None:
        database.create_tables()
        create_first_admin(auth.accounts, auth.passwords, settings)
        verifier.poll()

    try:
        await to_thread.run_sync(prepare)
        async with upstream:
            closing = asyncio.Event()
            keeping_fresh = asyncio.create_task(_keep_fresh(verifier, closing))
            bridge = Bridge(settings, database, auth, upstream) if settings.mqtt_url else None
            bridging = asyncio.create_task(bridge.run(closing)) if bridge else None
            try:
                yield Gateway(
                    auth=auth,
                    metrics=metrics,
                    upstream=upstream,
                    hubs=Hubs(upstream),
                    websocket_limit=ConcurrencyLimit(settings.websockets, settings.websockets_per_credential),
                    forget_answers=database.forget_answers,
                )
            finally:
                # Cancelled, it would leave its thread using the database, which is closed below.
                closing.set()
                await keeping_fresh
                if bridging:
                    await bridging
    finally:
        await to_thread.run_sync(database.close)


async def _keep_fresh(verifier: Verifier, closing: asyncio.Event) -> None:
    reachable = True
    while not await _happens(closing, POLL_S):
        try:
            await to_thread.run_sync(verifier.poll)
        except SQLAlchemyError:
            if reachable:
                log.warning("database_unreachable", exc_info=True)
            reachable = False
        else:
            reachable = True


async def _happens(event: asyncio.Event, within_s: float) -> bool:
    try:
        await asyncio.wait_for(event.wait(), within_s)
    except TimeoutError:
        return False
    return True
