import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from compose_stack.benchmarks.load import Job, Result

Answer = Callable[[int], tuple[int, bytes]]


@contextmanager
def small_server(answer: Answer, delay_s: float = 0.0) -> Iterator[str]:
    """Answer POSTs whose body is a number; yield where."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            status, body = answer(int(self.rfile.read(int(self.headers["Content-Length"]))))
            time.sleep(delay_s)
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            # In two parts, as networks do.
            self.wfile.write(body[:1])
            self.wfile.write(body[1:])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def measure(job: Job) -> Result:
    done = subprocess.run(
        [sys.executable, "-m", "compose_stack.benchmarks.load"],
        input=json.dumps(asdict(job)),
        capture_output=True,
        text=True,
        check=True,
    )
    return Result(**json.loads(done.stdout))


def job(url: str, connections: int, rate: float | None = None) -> Job:
    bodies = [str(number) for number in range(10)]
    return Job(url, {}, bodies, connections, seconds=0.5, warmup_s=0.2, rate=rate, sample_every=1)


def doubled(number: int) -> tuple[int, bytes]:
    return 200, str(2 * number).encode()


@pytest.mark.parametrize("connections", [1, 8])
def test_every_answer_goes_with_its_request(connections: int) -> None:
    with small_server(doubled) as url:
        result = measure(job(url, connections))
    assert result.acknowledged == len(result.samples) > 100
    assert all(int(answer) == 2 * body for body, answer in result.samples)
    assert not result.failures


def test_an_answer_that_is_not_200_is_a_failure() -> None:
    with small_server(lambda number: (503 if number == 3 else 200, b"x")) as url:
        result = measure(job(url, 2))
    assert result.failures
    assert result.failures[0].startswith("HTTP/1.1 503")


def test_closed_loop_latencies_are_those_of_the_server() -> None:
    with small_server(doubled, delay_s=0.02) as url:
        result = measure(job(url, 4))
    assert 20 <= result.p50 < 40
    assert result.per_second == pytest.approx(4 / 0.021, rel=0.25)


def test_open_loop_keeps_its_rate_and_counts_the_time_a_request_waited() -> None:
    with small_server(doubled, delay_s=0.02) as url:
        in_time = measure(job(url, 8, rate=100))
        too_much = measure(job(url, 1, rate=100))
    assert in_time.per_second == pytest.approx(100, rel=0.1)
    assert in_time.p50 < 40
    assert too_much.p50 > 100
