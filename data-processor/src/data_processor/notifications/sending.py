"""Running the process that sends (`sender.py`), and what it says."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

LIMIT_S = 60
"""Seconds after which a sender is killed, whatever it is doing."""
INHERITED = (
    "PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy",
)  # fmt: skip
"""What a sender needs of the environment: nothing of it is a secret of the platform."""


@dataclass(frozen=True)
class Receiver:
    """Where a sender sends to; the only secrets that it gets to know."""

    kind: str
    address: str
    secret: str | None = None


@dataclass(frozen=True)
class Attempt:
    """How the attempt to send one message went."""

    error: str | None
    """Why the receiver does not have it; None if it has."""
    retry_after: int | None = None
    """Seconds that the receiver asked to be left alone."""
    gone: bool = False
    """The receiver said that it wants nothing any more (410)."""


Send = Callable[[Receiver, Sequence[dict[str, Any]]], dict[str, Attempt]]
"""Sends messages to a receiver and returns the attempts by the id of the message."""


class Sender:
    """Starts a process for each batch."""

    def __init__(self, networks: Iterable[str], limit_s: float = LIMIT_S) -> None:
        """Let the processes connect to public addresses and to these networks."""
        self._networks = list(networks)
        self._limit_s = limit_s

    def send(self, receiver: Receiver, messages: Sequence[dict[str, Any]]) -> dict[str, Attempt]:
        """Send messages in order, and return how that went, for every one of them."""
        answers = {found.pop("id"): found for found in self._run(receiver, messages) if "id" in found}
        missing = {"error": f"The receiver took more than {self._limit_s:g} s, or its service failed."}
        return {
            message["id"]: Attempt(
                found["error"], found.get("retry_after"), gone=bool(found.get("gone", False))
            )
            for message in messages
            for found in [answers.get(message["id"], missing)]
        }

    def check(self, receiver: Receiver) -> str:
        """Return how an `apprise` address is shown; raises `ValueError` saying what it is instead."""
        for found in self._run(receiver, ()):
            if "shown" in found:
                return str(found["shown"])
            raise ValueError(found["error"])
        raise ValueError("could not be checked in time; try again.")

    def _run(self, receiver: Receiver, messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        order = {
            "kind": receiver.kind,
            "address": receiver.address,
            "secret": receiver.secret,
            "networks": self._networks,
            "messages": list(messages),
        }
        with subprocess.Popen(
            [sys.executable, "-m", "data_processor.notifications.sender"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback could name the address
            env={name: os.environ[name] for name in INHERITED if name in os.environ},
            start_new_session=True,
            text=True,
        ) as process:
            try:
                said, _ = process.communicate(json.dumps(order), timeout=self._limit_s)
            except subprocess.TimeoutExpired:
                process.kill()
                said, _ = process.communicate()
        return [json.loads(line) for line in said.splitlines() if line.endswith("}")]
