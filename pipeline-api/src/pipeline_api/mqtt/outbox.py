"""What the gateway sends to the broker: over the connection there is, or the next one."""

import asyncio
from datetime import datetime

import aiomqtt
from paho.mqtt.properties import Properties

from pipeline_api.metrics import GatewayMetrics
from pipeline_api.mqtt.connection import Connection
from pipeline_api.service.database import now

_PAUSE_S = 0.05


class Outbox:
    """The gateway's own connection, whenever there is one."""

    def __init__(self, metrics: GatewayMetrics) -> None:
        """Start without a connection."""
        self._metrics = metrics
        self._changed = asyncio.Condition()
        self.connection: Connection | None = None
        self.since: datetime = now()
        """Since when the broker has been there without a break."""

    async def use(self, connection: Connection | None) -> None:
        """Send over this connection from now on; None: wait for the next."""
        async with self._changed:
            self.connection = connection
            self.since = now()
            self._metrics.mqtt_connected.set(0 if connection is None else 1)
            self._changed.notify_all()

    async def send(
        self, topic: str, payload: bytes, properties: Properties | None = None, *, retain: bool = False
    ) -> bool:
        """Return when the broker has a message, over however many connections: whether anybody listens."""
        while True:
            connection = await self._next()
            try:
                return await connection.send(topic, payload, properties, retain=retain)
            except aiomqtt.MqttError:
                await asyncio.sleep(_PAUSE_S)

    async def _next(self) -> Connection:
        async with self._changed:
            while self.connection is None:
                await self._changed.wait()
            return self.connection
