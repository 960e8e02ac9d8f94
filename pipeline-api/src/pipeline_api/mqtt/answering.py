"""Answer one request: whose it is, what the data-processor says, once."""

import asyncio
import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from pipeline_api.auth.verifier import Verified
from pipeline_api.headers import IDEMPOTENCY_KEY
from pipeline_api.mqtt import messages
from pipeline_api.mqtt.features import Question, features_of
from pipeline_api.mqtt.journal import Journal, Known
from pipeline_api.mqtt.messages import Request
from pipeline_api.mqtt.topics import Action
from pipeline_api.service.database import now
from pipeline_api.service.errors import (
    INTERNAL_ERROR,
    NotFound,
    NotReady,
    Problem,
    UpstreamSlow,
    UpstreamUnreachable,
)
from pipeline_api.upstream import Upstream

TIMEOUT_S = 30.0
"""How long the data-processor may take."""
PATIENCE_S = 30.0
"""How long a request waits for a data-processor that is away or busy, before that is its answer."""
REPEAT_S = 5.0
"""A request that comes again sooner after its answer was sent is one that the network repeated: the answer is
on its way. Later, somebody misses it, and it is sent again."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 4.0
_OK, _SERVER_ERROR = 200, 500
_TRANSIENT = frozenset({429, 502, 503, 504})

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to publish, and the status that it stands for."""

    status: int
    payload: bytes
    kept: bool = False
    """It is in the journal: note there that it was published."""


class Answerer:
    """Turns requests into answers."""

    def __init__(self, upstream: Upstream, journal: Journal) -> None:
        """Ask `upstream` for answers, and keep them in a journal."""
        self._upstream = upstream
        self._journal = journal

    async def answer(
        self, action: Action, device: Verified, request: Request, digest: str, connected: datetime
    ) -> Answer | None:
        """Return the answer to a request; None if none is due, as it was sent just now.

        `connected`: since when the broker has been there without a break, as far as this gateway knows.
        """
        try:
            _check(action, request)
            device.rate_limit.take(time.monotonic())
            known = await self._claimed(digest)
            if known is None:
                with device.rate_limit:
                    return await self._do(action, device, request, digest)
        except Problem as refused:
            return Answer(refused.status, messages.refusal(request.id, refused))
        except SQLAlchemyError:
            log.warning("mqtt_journal_unavailable", exc_info=True)
            unavailable = NotReady("The gateway's database cannot be reached; send the request again.")
            return Answer(unavailable.status, messages.refusal(request.id, unavailable))
        except Exception:
            log.exception("mqtt_request_failed", feature=action.feature, subject=device.subject)
            return Answer(Problem.status, messages.refusal(request.id, Problem(INTERNAL_ERROR)))
        if known.answer is None or _on_its_way(known, connected):
            return None
        return Answer(_OK, known.answer, kept=True)

    async def published(self, answer: Answer, digest: str) -> None:
        """Note that the broker took an answer; if that fails, a repeated request is answered once more."""
        if answer.kept:
            with suppress(SQLAlchemyError):
                await self._journal.published(digest)

    async def _claimed(self, digest: str) -> Known | None:
        """Claim a request; if another gateway has it, wait until that has published it, or is gone."""
        deadline = time.monotonic() + TIMEOUT_S + PATIENCE_S
        while True:
            known = await self._journal.claim(digest)
            done = known is None or known.published_at is not None or not known.elsewhere
            if done or time.monotonic() > deadline:
                return known
            await asyncio.sleep(_FIRST_PAUSE_S)

    async def _do(self, action: Action, device: Verified, request: Request, digest: str) -> Answer:
        """Do what is claimed; a failure is no answer to keep, and the claim is given up."""
        try:
            question = features_of(action.model)[action.feature](action.model, request.fields)
            status, body = await self._ask(question, device, digest)
            made = messages.answer(request.id, status, body, question.shape)
        except Exception:
            await self._journal.release(digest)
            raise
        if status in _TRANSIENT or status >= _SERVER_ERROR:
            await self._journal.release(digest)
            return Answer(status, made)
        await self._journal.keep(digest, made)
        return Answer(status, made, kept=True)

    async def _ask(self, question: Question, device: Verified, digest: str) -> tuple[int, bytes]:
        body = messages.encode(question.fields)
        passed = {"Content-Type": "application/json", IDEMPOTENCY_KEY: f"mqtt-{digest}"}
        deadline = time.monotonic() + PATIENCE_S
        pause = _FIRST_PAUSE_S
        while True:
            late = time.monotonic() + pause > deadline
            with suppress(*(() if late else (UpstreamUnreachable, UpstreamSlow))):
                answer = await self._upstream.request(
                    "POST",
                    question.path,
                    headers=self._upstream.headers(device, passed),
                    timeout_s=TIMEOUT_S,
                    body=body,
                )
                if late or answer.status not in _TRANSIENT:
                    return answer.status, answer.body
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)


def digest_of(action: Action, device: Verified, payload: bytes) -> str:
    """Return what makes two requests the same one: who sends them, on which topic, and all that they say."""
    parts = f"{device.id}\0{action.result}".encode()
    return hashlib.sha256(parts + b"\0" + payload).hexdigest()


def _check(action: Action, request: Request) -> None:
    """Raise what is wrong with a request, if anything is."""
    if request.problem is not None:
        raise request.problem
    features = features_of(action.model)
    if action.feature not in features:
        known = ", ".join(features)
        raise NotFound(f"There is no '{action.feature[:64]}' over MQTT; there are {known}.")


def _on_its_way(known: Known, connected: datetime) -> bool:
    published = known.published_at
    return published is not None and published > max(connected, now() - timedelta(seconds=REPEAT_S))
