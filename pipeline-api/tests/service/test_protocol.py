import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pipeline_api.service.protocol import HeadHoldingTransport

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"


class Recorder:
    """A transport that keeps what it is told to send, one entry a system call."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def writelines(self, pieces: tuple[bytes, ...]) -> None:
        self.sent.append(b"".join(pieces))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def told(*steps: Callable[[Any], None], turns: int = 0) -> Recorder:
    """Return what was sent after these steps and so many turns of the loop."""
    recorder = Recorder()

    async def run() -> None:
        transport = HeadHoldingTransport(recorder, asyncio.get_running_loop())  # type: ignore[arg-type] # a fake
        for step in steps:
            step(transport)
        for _ in range(turns):
            await asyncio.sleep(0)

    asyncio.run(run())
    return recorder


def write(data: bytes) -> Callable[[Any], None]:
    return lambda transport: transport.write(data)


def test_a_head_and_its_body_are_sent_in_one_piece() -> None:
    assert told(write(HEAD), write(b"body"), turns=2).sent == [HEAD + b"body"]


def test_the_rest_of_a_body_is_sent_as_it_comes() -> None:
    assert told(write(HEAD), write(b"bo"), write(b"dy")).sent == [HEAD + b"bo", b"dy"]


def test_a_head_without_a_body_is_sent_by_itself() -> None:
    assert told(write(HEAD), write(b"")).sent == [HEAD]


def test_a_head_whose_body_is_late_does_not_wait_for_it() -> None:
    assert told(write(HEAD), turns=2).sent == [HEAD]


def test_closing_sends_what_was_held_back() -> None:
    recorder = told(write(HEAD), lambda transport: transport.close())

    assert recorder.sent == [HEAD]
    assert recorder.closed


@pytest.mark.parametrize("answers", [2, 3])
def test_one_answer_follows_another(answers: int) -> None:
    steps = [write(HEAD), write(b"body")] * answers

    assert told(*steps, turns=2).sent == [HEAD + b"body"] * answers


def test_everything_else_is_the_transport_itself() -> None:
    seen = []

    told(lambda transport: seen.append(transport.is_closing()))

    assert seen == [False]
