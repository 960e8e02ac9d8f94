"""What becomes of a message that arrives: whose it is, its answer, and that the broker may forget it."""

import asyncio
import time

import aiomqtt
import structlog
from anyio import to_thread
from paho.mqtt.properties import Properties
from sqlalchemy.exc import SQLAlchemyError

from pipeline_api.auth.state import Auth
from pipeline_api.auth.verifier import Verified
from pipeline_api.metrics import DESTINATIONS
from pipeline_api.mqtt import messages
from pipeline_api.mqtt.answering import Answer, Answerer, digest_of
from pipeline_api.mqtt.connection import Connection, answer_properties, given, traceparent_of
from pipeline_api.mqtt.features import destination_of
from pipeline_api.mqtt.outbox import Outbox
from pipeline_api.mqtt.topics import Action, may_read, parse
from pipeline_api.service.errors import Forbidden, NotReady
from pipeline_api.service.spans import traced
from pipeline_api.service.trace_context import (
    Sampling,
    Traceparent,
    new_traceparent,
    parse_traceparent,
)

LISTEN_S = 10.0
"""How long an answer to which nobody listens is sent again; later, its device has to ask again."""
UNHEARD = 1000
"""How many of these there may be."""
_PAUSE_S = 0.5
_FIRST_ERROR = 400
log = structlog.get_logger(__name__)


class Receiver:
    """Works on messages, a bounded number of them at the same time."""

    def __init__(
        self,
        answerer: Answerer,
        auth: Auth,
        outbox: Outbox,
        sampling: Sampling,
        *,
        places: int,
        max_bytes: int,
    ) -> None:
        """Answer messages of at most `max_bytes`, `places` at a time; the others wait in the broker."""
        self._answerer = answerer
        self._auth = auth
        self._metrics = auth.metrics
        self._outbox = outbox
        self._sampling = sampling
        self._max_bytes = max_bytes
        self._places = asyncio.Semaphore(places)
        self._under_way: dict[str, asyncio.Future[None]] = {}
        self._tasks: dict[asyncio.Task[None], Connection] = {}
        self._unheard: dict[str, asyncio.Task[None]] = {}
        self.closed = False
        """Nothing new is begun: what arrives stays with the broker."""

    async def take(self, message: aiomqtt.Message, connection: Connection) -> None:
        """Begin to work on a message, as soon as there is a place."""
        await self._places.acquire()
        if self.closed:
            self._places.release()
            return
        task = asyncio.get_running_loop().create_task(self._handle(message, connection))
        self._tasks[task] = connection
        task.add_done_callback(self._done)

    async def finish(self, within_s: float, connection: Connection | None = None) -> bool:
        """Wait for what was begun, or for that of one connection; return whether it is done in time."""
        tasks = {task for task, own in self._tasks.items() if connection in (None, own)}
        if not tasks:
            return True
        _, pending = await asyncio.wait(tasks, timeout=within_s)
        return not pending

    async def stop(self) -> None:
        """Give up what is not done: the broker still has it."""
        tasks = [*self._tasks, *self._unheard.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        self._places.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("mqtt_message_failed", exc_info=error)

    async def _handle(self, message: aiomqtt.Message, connection: Connection) -> None:
        action = parse(message.topic.value)
        device = await self._sender(action) if action else None
        if action is None or device is None:
            self._metrics.unanswered.labels("sender").inc()
            log.warning("mqtt_sender_unknown")
        else:
            digest = digest_of(action, device, bytes(message.payload))
            # After a lost connection the broker sends again what it saw no acknowledgement of.
            if (first := self._under_way.get(digest)) is not None:
                await asyncio.wait({first})
            else:
                self._under_way[digest] = asyncio.get_running_loop().create_future()
                try:
                    await self._process(message, action, device, digest)
                finally:
                    self._under_way.pop(digest).set_result(None)
        connection.acknowledge(message)

    async def _sender(self, action: Action) -> Verified | None:
        """Return the device whose topic it is, None if it was revoked; wait for the database if need be."""
        while True:
            try:
                name = action.device or await to_thread.run_sync(self._auth.devices.public)
                return await self._auth.verifier.device(name) if name else None
            except (NotReady, SQLAlchemyError):
                log.warning("mqtt_database_unreachable")
                await asyncio.sleep(_PAUSE_S)

    async def _process(self, message: aiomqtt.Message, action: Action, device: Verified, digest: str) -> None:
        """Answer a message in a trace of its own, which a sender may have begun."""
        started = time.perf_counter()
        destination = destination_of(action.model, action.feature) or DESTINATIONS[-1]
        self._metrics.consumed.labels(destination).inc()
        if (unheard := self._unheard.pop(digest, None)) is not None:
            unheard.cancel()  # it is asked for again, and answered below
        asked = parse_traceparent(traceparent_of(message))
        sampled = self._sampling(asked, ())
        parent = None if asked is None else Traceparent(asked.trace_id, asked.span_id, sampled)
        attributes = {
            "messaging.system": "mqtt",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.template": destination,
        }
        with traced(f"process {destination}", parent, "consumer", attributes, root=sampled) as work:
            topic, answer = await self._answered(message, action, device, digest)
            if answer is None:
                self._metrics.unanswered.labels("repeated").inc()
                return
            work.error = str(answer.status) if answer.status >= _FIRST_ERROR else None
            properties = answer_properties(given(message, "CorrelationData"), new_traceparent())
            heard = await self._outbox.send(topic, answer.payload, properties)
        self._metrics.sent.inc()
        self._metrics.processed(destination, answer.status, time.perf_counter() - started)
        if heard:
            await self._answerer.published(answer, digest)
        elif len(self._unheard) < UNHEARD:
            self._unheard[digest] = asyncio.create_task(self._send_again(topic, answer, properties, digest))

    async def _send_again(self, topic: str, answer: Answer, properties: Properties, digest: str) -> None:
        """Send an answer to which nobody listened: after a crash of the broker, devices come back, too."""
        try:
            for _ in range(round(LISTEN_S / _PAUSE_S)):
                await asyncio.sleep(_PAUSE_S)
                if await self._outbox.send(topic, answer.payload, properties):
                    await self._answerer.published(answer, digest)
                    return
        finally:
            if self._unheard.get(digest) is asyncio.current_task():
                del self._unheard[digest]

    async def _answered(
        self, message: aiomqtt.Message, action: Action, device: Verified, digest: str
    ) -> tuple[str, Answer | None]:
        """Return where the answer goes, and the answer, None if it was given just now."""
        request = messages.read(bytes(message.payload), self._max_bytes)
        wanted = given(message, "ResponseTopic")
        if wanted is None or may_read(wanted, device.name, public=device.public_topics):
            answer = await self._answerer.answer(action, device, request, digest, self._outbox.since)
            return wanted or action.result, answer
        problem = Forbidden("The response topic is not one that this device may read.")
        return action.result, Answer(problem.status, messages.refusal(request.id, problem))
