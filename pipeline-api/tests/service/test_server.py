import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

PROGRAM = """
import asyncio
import resource
from fastapi import Request
from pipeline_api.service.logging import configure_logging
from pipeline_api.service.metrics import ServiceMetrics
from pipeline_api.service.middleware import ServiceApp, install_middleware
from pipeline_api.service.problem_responses import install_problem_handlers
from pipeline_api.service.server import run
from pipeline_api.service.settings import ServiceSettings

settings = ServiceSettings(service_name="specimen", port=0)
app = ServiceApp()
install_problem_handlers(app)
install_middleware(app, settings, ServiceMetrics(settings))

@app.get("/slow")
async def slow():
    print("begun", flush=True)
    await asyncio.sleep(0.5)
    return "done"

@app.post("/orders")
async def orders(request: Request):
    return len(await request.body())

@app.get("/seen")
async def seen(request: Request):
    return [request.client.host, request.url.scheme]

@app.get("/files")
async def files():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]

configure_logging(settings)
run(app, settings)
"""


FILES = 1024
CROWD = 1100
PATIENCE_S = 60


def limited(soft: int, hard: int) -> Callable[[], None]:
    """Return what limits the files that a new process may have open."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server that may open few files, in a process of its own, and the URL it answers on."""
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limited(FILES // 2, FILES),  # noqa: PLW1509 - no other thread runs yet
    ) as process:
        assert process.stderr is not None
        url = next(match[0] for line in process.stderr if (match := re.search(r"http://[\d.]+:\d+", line)))
        yield process, url
        process.kill()


def test_a_request_that_was_begun_is_answered_before_the_server_stops(
    server: tuple[subprocess.Popen[str], str],
) -> None:
    process, url = server
    answers: list[tuple[bytes, str | None]] = []

    def ask() -> None:
        with urllib.request.urlopen(f"{url}/slow", timeout=PATIENCE_S) as response:  # noqa: S310 - our own server
            answers.append((response.read(), response.headers["server"]))

    asking = threading.Thread(target=ask)
    asking.start()
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGTERM)
    asking.join(PATIENCE_S)
    assert answers == [(b'"done"', None)]
    assert process.wait(PATIENCE_S) in {0, -signal.SIGTERM}


@pytest.fixture
def crowd() -> Iterator[Callable[[str, bytes], list[socket.socket]]]:
    """Open many connections to a server and send the same beginning of a request on each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * CROWD)), hard))
    with ExitStack() as held:

        def gather(url: str, beginning: bytes) -> list[socket.socket]:
            address = (str(urlsplit(url).hostname), int(urlsplit(url).port or 0))
            found = []
            for _ in range(CROWD):
                found.append(held.enter_context(socket.create_connection(address, timeout=PATIENCE_S)))
                found[-1].sendall(beginning)
            return found

        yield gather
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def get(url: str, **headers: str) -> bytes:
    asked = urllib.request.Request(url, headers=headers)  # noqa: S310 - our own server
    with urllib.request.urlopen(asked, timeout=PATIENCE_S) as response:  # noqa: S310 - our own server
        content: bytes = response.read()
        return content


def test_as_many_files_as_the_process_may_have_are_allowed(server: tuple[subprocess.Popen[str], str]) -> None:
    assert int(get(f"{server[1]}/files")) == FILES


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"GET /slow HTTP/1.1\r\nHost: x\r\nX-Never: ",
        b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
    ],
    ids=["silent", "half a head", "half a body"],
)
def test_more_unfinished_requests_than_files_keep_nobody_out(
    server: tuple[subprocess.Popen[str], str],
    crowd: Callable[[str, bytes], list[socket.socket]],
    beginning: bytes,
) -> None:
    url = server[1]

    crowd(url, beginning)

    assert [get(f"{url}/slow") for _ in range(3)] == [b'"done"'] * 3


def test_a_request_in_work_is_not_given_up_for_others(
    server: tuple[subprocess.Popen[str], str], crowd: Callable[[str, bytes], list[socket.socket]]
) -> None:
    process, url = server
    assert process.stdout is not None
    address = (str(urlsplit(url).hostname), int(urlsplit(url).port or 0))
    with socket.create_connection(address, timeout=PATIENCE_S) as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert process.stdout.readline() == "begun\n"
        crowd(url, b"")
        answer = b"".join(iter(lambda: connection.recv(1000), b""))
    assert answer.startswith(b"HTTP/1.1 200")


def test_an_address_in_a_header_is_nobodys(server: tuple[subprocess.Popen[str], str]) -> None:
    claimed = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    assert get(f"{server[1]}/seen", **claimed) == b'["127.0.0.1","http"]'
