"""A stage with destinations, and receivers that are real web servers."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from data_processor.database import Database
from data_processor.notifications.deliveries import Deliveries
from data_processor.notifications.destinations import Destinations
from data_processor.notifications.events import EVENT_TYPES, EventType, record
from data_processor.notifications.schemas import DestinationRequest, MadeDestination
from data_processor.settings import Settings

KEY = "a-signing-key-of-the-tests"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Received:
    """One request that a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The id of the message."""
        return self.headers["webhook-id"]

    def verified(self, secret: str = SECRET) -> Any:
        """Return the payload, verified as a receiver does it: raises if the signature is wrong."""
        return Webhook(secret).verify(self.body, self.headers)

    def json(self) -> Any:
        """Return the body."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """A web server that answers with the statuses it is told, then with 200."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)
    hangs: bool = False
    """Take a request and do not answer before it is released."""


@pytest.fixture
def new_receiver() -> Iterator[Callable[..., Receiver]]:
    servers: list[tuple[Receiver, ThreadingHTTPServer, threading.Thread]] = []

    def start(port: int = 0, *, hangs: bool = False) -> Receiver:
        receiver = Receiver(hangs=hangs)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                sent = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(self.path, sent, body))
                if receiver.hangs:
                    receiver.released.wait(60)
                    return
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook/with-a-token"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        servers.append((receiver, server, thread))
        return receiver

    yield start
    for receiver, server, thread in servers:
        receiver.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def receiver(new_receiver: Callable[..., Receiver]) -> Receiver:
    return new_receiver()


@dataclass
class Stage:
    """A stage whose events somebody wants to know."""

    settings: Settings
    database: Database
    destinations: Destinations
    deliveries: Deliveries

    def tell(self, url: str, *events: EventType, kind: str = "webhook", name: str = "ops") -> MadeDestination:
        """Add a destination; without events it wants all."""
        secret = SECRET if kind == "webhook" else None
        asked = {
            "name": name,
            "kind": kind,
            "address": url,
            "secret": secret,
            "events": events or EVENT_TYPES,
        }
        return self.destinations.create(DestinationRequest.model_validate(asked), "ann")

    def happens(self, about: str = "run-1", event: EventType = "run.failed", **fields: Any) -> None:
        """Let something happen and commit it."""
        with self.database.transaction() as session:
            record(
                session,
                event,
                stage="main",
                model="census",
                about=about,
                **{"message": f"Run {about} failed: no data.", "run": about, **fields},
            )

    def states(self) -> list[str]:
        """Return the states of all deliveries, oldest first."""
        return [one.state for one in reversed(self.destinations.deliveries(None, 100))]


@pytest.fixture
def new_stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    opened: list[Database] = []

    def make(**fields: Any) -> Stage:
        settings = Settings(
            **{
                "service_token": KEY,
                "caller_key": KEY,
                "signing_key": KEY,
                "state_dir": tmp_path,
                "notification_networks": "127.0.0.0/8",
                "pages_url": "https://loop.example.org/",
                **fields,
            }
        )
        database = Database(settings.records_url)
        database.create_tables()
        opened.append(database)
        return Stage(settings, database, Destinations(settings, database), Deliveries(settings, database))

    yield make
    for database in opened:
        database.close()


@pytest.fixture
def stage(new_stage: Callable[..., Stage]) -> Stage:
    return new_stage()


@pytest.fixture
def unused_port() -> int:
    """Return a port of this machine on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
