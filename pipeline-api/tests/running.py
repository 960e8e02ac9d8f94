"""Apps that run: on a port, or inside the test."""

import socket
import threading
import time
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.testclient import TestClient

from pipeline_api.service import server

PASSWORD = "correct horse battery"


class Server:
    """An ASGI app on a port of this machine, served as the service does, in a thread of its own."""

    def __init__(self, app: Any, port: int = 0) -> None:
        self.app = app
        self.port = port
        self.start()

    def start(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(128)
        self.port = listener.getsockname()[1]
        self._server = server.Server(self.app, "127.0.0.1", self.port)
        self._server.config.timeout_graceful_shutdown = 1
        self._thread = threading.Thread(target=self._server.run, args=([listener],))
        self._thread.start()
        deadline = time.monotonic() + 60
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server took too long to start"
            time.sleep(0.005)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(60)
        assert not self._thread.is_alive()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class People:
    """Whoever signs in to a gateway."""

    client: httpx.Client | TestClient

    def __init__(self, client: httpx.Client | TestClient) -> None:
        self.client = client
        self.admin = self.sign_in("admin", PASSWORD)

    def sign_in(self, username: str, password: str) -> dict[str, str]:
        """Return the headers of a user who signed in."""
        answer = self.client.post("/v1/auth/token", data={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def new_user(self, username: str, role: str = "user") -> dict[str, str]:
        """Return the headers of a new user who signed in."""
        body = {"username": username, "password": PASSWORD, "role": role}
        answer = self.client.post("/v1/auth/users", json=body, headers=self.admin)
        assert answer.status_code == 201, answer.text
        return self.sign_in(username, PASSWORD)

    def new_key(self, name: str, role: str = "user", **more: Any) -> dict[str, str]:
        """Return the headers of a new key."""
        body = {"name": name, "role": role, **more}
        answer = self.client.post("/v1/auth/keys", json=body, headers=self.admin)
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json()['key']}"}


class Gateway(People):
    """A gateway that runs inside the test, and whoever signs in to it."""

    client: TestClient

    def __init__(self, client: TestClient, app: FastAPI) -> None:
        super().__init__(client)
        self.app = app
