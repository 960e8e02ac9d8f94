"""The bridge: requests that devices send to the broker, answered by the data-processor.

    broker ─▶ Connection ─▶ Receiver ─▶ Answerer ─▶ data-processor
       ▲                                   │
       └────────── Outbox ◀── Journal ◀────┘

A request is acknowledged to the broker after the broker took its answer. Until then the broker has it, and so
it survives a gateway: the session, with what was not acknowledged, goes to the next one (`leases.py`).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import aiomqtt
import structlog
from anyio import to_thread
from sqlalchemy.exc import SQLAlchemyError

from pipeline_api.auth.state import Auth
from pipeline_api.database import Database
from pipeline_api.mqtt.answering import Answerer
from pipeline_api.mqtt.broker_users import BrokerUsers
from pipeline_api.mqtt.connection import Broker, Connection
from pipeline_api.mqtt.journal import Journal
from pipeline_api.mqtt.leases import RENEW_S, Leases
from pipeline_api.mqtt.outbox import Outbox
from pipeline_api.mqtt.receiving import Receiver
from pipeline_api.service.trace_context import HeadSampling
from pipeline_api.settings import Settings
from pipeline_api.upstream import Upstream

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
"""Between two attempts to connect; each pause is up to twice as long as the one before."""
EMPTY_S = 1.0
"""An abandoned session is empty when nothing has come from it for this long."""
FINISH_S = 12.0
"""How long a gateway that stops works on what it has begun."""
DEVICES_S = 1.0
"""How often it looks for new and revoked devices."""
_ON_ITS_WAY_S = 0.25
_LOOK_S = 0.05
_FAILURES = (aiomqtt.MqttError, SQLAlchemyError, OSError)  # a timeout is an OSError

log = structlog.get_logger(__name__)


class Bridge:
    """Everything that a gateway does over MQTT."""

    def __init__(self, settings: Settings, database: Database, auth: Auth, upstream: Upstream) -> None:
        """Prepare to talk to the broker of the settings; `run` does it."""
        holder = f"{settings.instance_id}-{random.getrandbits(64):016x}"  # a name, not a secret
        self._broker = Broker.of(settings)
        self._metrics = auth.metrics
        self._outbox = Outbox(auth.metrics)
        self._leases = Leases(database, holder)
        self._journal = Journal(database, holder, timedelta(hours=settings.mqtt_keep_hours))
        self._users = BrokerUsers(settings, self._broker, database, auth.devices, self._outbox)
        self._receiver = Receiver(
            Answerer(upstream, self._journal),
            auth,
            self._outbox,
            HeadSampling(settings.trace_ratio, settings.caller_key.get_secret_value().encode()),
            places=settings.mqtt_in_flight,
            max_bytes=settings.mqtt_message_bytes,
        )
        self._number: int | None = None
        """That of this gateway's own session."""
        self._clearing: asyncio.Task[None] | None = None
        """The work on a session whose gateway is gone."""

    async def run(self, closing: asyncio.Event) -> None:
        """Answer requests until the gateway closes; finish what was begun, then leave the session."""
        writing = asyncio.create_task(self._journal.run())
        telling = asyncio.create_task(self._repeat(self._users.keep_current, DEVICES_S))
        keeping = asyncio.create_task(self._repeat(self._keep_sessions, RENEW_S))
        serving = asyncio.create_task(self._serve())
        try:
            await closing.wait()
            await self._finish()
        finally:
            await _cancel(keeping, telling, *([self._clearing] if self._clearing else []))
            await self._receiver.stop()
            await _cancel(serving, writing)

    async def _serve(self) -> None:
        """Be connected to the broker, in a session of this gateway's own."""
        pause, said = FIRST_PAUSE_S, False
        while True:
            try:
                if self._number is None:
                    self._number = await to_thread.run_sync(self._leases.take)
                async with Connection(self._broker, self._number, self._metrics) as connection:
                    await connection.listen()
                    log.info("mqtt_connected", host=self._broker.host, session=self._number)
                    pause, said = FIRST_PAUSE_S, False
                    await self._outbox.use(connection)
                    async for message in connection.messages:
                        await self._receiver.take(message, connection)
            except _FAILURES as error:
                if not said:
                    log.warning("mqtt_disconnected", host=self._broker.host, reason=str(error))
                said = True
            finally:
                await self._outbox.use(None)
            # Replicas that lost the same broker do not all come back at once.
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _keep_sessions(self) -> None:
        """Keep this gateway's session, and clear one whose gateway is gone."""
        held = await to_thread.run_sync(self._leases.renew)
        connection = self._outbox.connection
        if self._number is not None and self._number not in held:
            # Another gateway took this one for dead. The next connection is in a session of its own.
            self._number = None
            if connection is not None:
                await connection.leave()
        elif connection is not None and not self._receiver.closed:
            if self._clearing is not None and not self._clearing.done():
                return
            abandoned = await to_thread.run_sync(self._leases.take_abandoned)
            if abandoned is not None:
                self._clearing = asyncio.create_task(self._clear(abandoned))

    async def _clear(self, number: int) -> None:
        """Do what waits in an abandoned session, then end it: it would get a share of all that follows."""
        ended = False
        try:
            async with Connection(self._broker, number, self._metrics) as connection:
                await connection.listen_no_more()
                quiet_s = 0.0
                while quiet_s < EMPTY_S:
                    while (message := connection.arrived()) is not None:
                        await self._receiver.take(message, connection)
                        quiet_s = 0.0
                    if await self._receiver.finish(_LOOK_S, connection):
                        await asyncio.sleep(_LOOK_S)
                        quiet_s += _LOOK_S
                await connection.leave(for_good=True)
            ended = True
            log.info("mqtt_session_cleared", session=number)
        except _FAILURES as error:
            log.warning("mqtt_session_not_cleared", session=number, reason=str(error))
        finally:
            await to_thread.run_sync(partial(self._leases.free, number, ended=ended))

    async def _finish(self) -> None:
        """Finish what was begun, and leave the session to the next gateway, or end it if another runs."""
        connection, number, ended = self._outbox.connection, self._number, False
        try:
            alone = await to_thread.run_sync(self._leases.alone)
            if connection is not None and not alone:
                await connection.listen_no_more()
                await asyncio.sleep(_ON_ITS_WAY_S)
            self._receiver.closed = True
            finished = await self._receiver.finish(FINISH_S)
            if connection is not None and finished and not alone:
                await connection.leave(for_good=True)
                ended = True
            if number is not None:
                await to_thread.run_sync(partial(self._leases.free, number, ended=ended))
        except _FAILURES as error:
            log.warning("mqtt_session_left", session=number, reason=str(error))

    async def _repeat(self, work: Callable[[], Awaitable[None]], pause_s: float) -> None:
        """Do something again and again, whatever happens."""
        while True:
            try:
                await work()
            except _FAILURES as error:
                log.warning("mqtt_upkeep_failed", reason=str(error))
            await asyncio.sleep(pause_s)


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
