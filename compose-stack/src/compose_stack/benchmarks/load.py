"""The load generator: a separate process that keeps connections busy and measures every answer.

    python -m compose_stack.benchmarks.load < job.json > result.json

Closed loop: each connection sends its next request as soon as it has an answer. Open loop (`rate`): requests
are due at fixed times whatever the server does, and latency counts from when a request was due, so that no
stall is hidden by requests that were never sent (coordinated omission).
"""

import asyncio
import json
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import uvloop

ANSWER_PATIENCE_S = 30.0
HEAD_END = b"\r\n\r\n"
OK = b"HTTP/1.1 200 "


@dataclass(frozen=True)
class Job:
    """What to send, how and for how long."""

    url: str
    headers: dict[str, str]
    bodies: list[str]
    """Sent in turn, over and over."""
    connections: int
    seconds: float
    warmup_s: float = 1.0
    rate: float | None = None
    """Requests per second over all connections (open loop); none: as fast as answers arrive (closed loop)."""
    sample_every: int = 50
    """Keep one answer in this many, for the caller to check."""


@dataclass
class Result:
    """The measurements; latencies are in milliseconds."""

    requests: int = 0
    """Answers within the measured time."""
    acknowledged: int = 0
    """All answers with status 200, including the warm-up."""
    failures: list[str] = field(default_factory=list)
    """The first lines of answers that were not 200, and of connections that broke."""
    seconds: float = 0.0
    per_second: float = 0.0
    p50: float = 0.0
    p90: float = 0.0
    p99: float = 0.0
    slowest: float = 0.0
    samples: list[tuple[int, str]] = field(default_factory=list)
    """Index of a body, and the body of its answer."""


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request in flight."""

    def __init__(self, generator: "Generator") -> None:
        """Report to `generator`."""
        self._generator = generator
        self._buffer = b""
        self._expected = -1
        self._transport: asyncio.Transport
        self.due = 0.0
        self.body = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def send(self, body: int, due: float) -> None:
        """Send the request with this body."""
        self.body, self.due = body, due
        self._transport.write(self._generator.requests[body])

    def data_received(self, data: bytes) -> None:
        """Collect an answer until it is whole."""
        self._buffer = self._buffer + data if self._buffer else data
        if self._expected < 0:
            end = self._buffer.find(HEAD_END)
            if end < 0:
                return
            self._expected = end + len(HEAD_END) + _content_length(self._buffer[:end])
        if len(self._buffer) >= self._expected:
            answer, self._buffer, self._expected = self._buffer, b"", -1
            self._generator.answered(self, answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Report it to the generator."""
        self._generator.lost(exc)


class Generator:
    """Drive one job."""

    def __init__(self, job: Job) -> None:
        """Encode every request once."""
        self._job = job
        parts = urlsplit(job.url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        headers = {"Host": parts.netloc, "Content-Type": "application/json", **job.headers}
        head = f"POST {parts.path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        encoded = [body.encode() for body in job.bodies]
        self.requests = [f"{head}Content-Length: {len(b)}\r\n\r\n".encode() + b for b in encoded]
        self._next = 0
        self._latencies: list[float] = []
        self._idle: deque[Connection] = deque()
        self._overdue: deque[float] = deque()
        self._result = Result()
        self._measure_from = self._until = 0.0
        self._in_flight = 0
        self._drained = asyncio.Event()

    async def run(self) -> Result:
        """Warm up, measure, and wait for the answers still in flight."""
        loop = asyncio.get_running_loop()
        made = [
            await loop.create_connection(lambda: Connection(self), self._host, self._port)
            for _ in range(self._job.connections)
        ]
        started = time.perf_counter()
        self._measure_from = started + self._job.warmup_s
        self._until = self._measure_from + self._job.seconds
        if self._job.rate is None:
            for _, connection in made:
                self._send(connection, time.perf_counter())
        else:
            self._idle.extend(connection for _, connection in made)
            await self._keep_time(started, 1 / self._job.rate)
        patience = self._job.warmup_s + self._job.seconds + ANSWER_PATIENCE_S
        await asyncio.wait_for(self._drained.wait(), patience)
        for transport, _ in made:
            transport.close()
        return self._summary()

    def answered(self, connection: Connection, answer: bytes) -> None:
        """Record an answer and send the next request."""
        now = time.perf_counter()
        result = self._result
        self._in_flight -= 1
        if answer.startswith(OK):
            result.acknowledged += 1
            if result.acknowledged % self._job.sample_every == 0:
                result.samples.append((connection.body, _body(answer)))
        elif len(result.failures) < 10:  # noqa: PLR2004  # enough to see what is wrong
            result.failures.append(answer[:300].decode(errors="replace"))
        else:
            result.failures.append("…")
        if self._measure_from <= now <= self._until:
            self._latencies.append(now - connection.due)
        if self._job.rate is not None:
            if self._overdue:
                self._send(connection, self._overdue.popleft())
            else:
                self._idle.append(connection)
        elif now < self._until:
            self._send(connection, now)
        if now >= self._until and self._in_flight == 0:
            self._drained.set()

    def lost(self, error: Exception | None) -> None:
        """Record a connection that broke while it was needed."""
        if time.perf_counter() < self._until:
            self._result.failures.append(f"connection lost: {error!r}")
            self._drained.set()

    async def _keep_time(self, started: float, interval: float) -> None:
        sent = 0
        while (now := time.perf_counter()) < self._until:
            due = started + sent * interval
            if due > now:
                await asyncio.sleep(due - now)
                continue
            sent += 1
            if self._idle:
                self._send(self._idle.popleft(), due)
            else:
                self._overdue.append(due)
            if sent % self._job.connections == 0:
                await asyncio.sleep(0)
        self._overdue.clear()
        if self._in_flight == 0:
            self._drained.set()

    def _send(self, connection: Connection, due: float) -> None:
        self._in_flight += 1
        connection.send(self._next, due)
        self._next = (self._next + 1) % len(self.requests)

    def _summary(self) -> Result:
        result, latencies = self._result, sorted(self._latencies)
        result.requests = len(latencies)
        result.seconds = self._job.seconds
        result.per_second = len(latencies) / self._job.seconds
        if latencies:
            result.p50, result.p90, result.p99 = (_quantile(latencies, q) * 1000 for q in (0.5, 0.9, 0.99))
            result.slowest = latencies[-1] * 1000
        return result


def _quantile(ordered: list[float], q: float) -> float:
    return ordered[min(int(q * len(ordered)), len(ordered) - 1)]


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    raise ValueError(f"An answer without Content-Length: {head[:200]!r}")


def _body(answer: bytes) -> str:
    return answer.partition(HEAD_END)[2].decode()


def main() -> None:
    """Do the job on standard input and print its result."""
    given: dict[str, Any] = json.load(sys.stdin)
    json.dump(asdict(uvloop.run(_run(Job(**given)))), sys.stdout)


async def _run(job: Job) -> Result:
    return await Generator(job).run()


if __name__ == "__main__":
    main()
