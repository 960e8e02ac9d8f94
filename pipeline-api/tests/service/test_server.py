import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator

import pytest

PROGRAM = """
import asyncio
from fastapi import FastAPI
from pipeline_api.service.logging import configure_logging
from pipeline_api.service.server import run
from pipeline_api.service.settings import ServiceSettings

app = FastAPI()

@app.get("/slow")
async def slow():
    print("begun", flush=True)
    await asyncio.sleep(0.5)
    return "done"

settings = ServiceSettings(service_name="specimen", port=0)
configure_logging(settings)
run(app, settings)
"""


@pytest.fixture
def server() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in a process of its own and the URL it answers on."""
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
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
        with urllib.request.urlopen(f"{url}/slow", timeout=10) as response:  # noqa: S310 - our own server
            answers.append((response.read(), response.headers["server"]))

    asking = threading.Thread(target=ask)
    asking.start()
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGTERM)
    asking.join(10)
    assert answers == [(b'"done"', None)]
    assert process.wait(10) in {0, -signal.SIGTERM}
