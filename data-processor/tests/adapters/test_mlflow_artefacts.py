import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import stamina

from data_processor.adapters.mlflow_artefacts import MlflowArtefacts
from data_processor.adapters.mlflow_connection import (
    MlflowConnection,
    MlflowRefusedError,
    MlflowUnreachableError,
    patiently,
)

FILES = {"/api/2.0/mlflow-artifacts/artifacts/1/ab%20c/artifacts/model.onnx": b"model" * 100_000}


class Handler(BaseHTTPRequestHandler):
    """Gives files as MLflow's proxy does; the server's `broken` says how often it fails first."""

    def do_GET(self) -> None:  # the name that the library asks for
        if self.server.login and self.headers["Authorization"] != self.server.login:  # type: ignore[attr-defined]  # see the fixture
            self.send_error(401)
            return
        if self.server.broken > 0:  # type: ignore[attr-defined]  # see the fixture
            self.server.broken -= 1  # type: ignore[attr-defined]
            self.send_error(503)
            return
        content = FILES.get(self.path)
        self.send_response(200 if content else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        # A server that dies in the middle of an answer promised more than it sent.
        self.wfile.write((content or b"")[: self.server.sent])  # type: ignore[attr-defined]

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    opened = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    opened.broken, opened.sent, opened.login = 0, None, None  # type: ignore[attr-defined]
    threading.Thread(target=opened.serve_forever, daemon=True).start()
    yield opened
    opened.shutdown()
    opened.server_close()


@pytest.fixture
def artefacts(server: ThreadingHTTPServer) -> Iterator[MlflowArtefacts]:
    connection = MlflowConnection(f"http://127.0.0.1:{server.server_address[1]}/")
    with stamina.set_testing(True, attempts=3):
        yield MlflowArtefacts(connection)
    connection.close()


URI = "mlflow-artifacts:/1/ab c/artifacts"


def test_a_file_is_fetched_whole(artefacts: MlflowArtefacts, tmp_path: Path) -> None:
    artefacts.fetch(URI, "model.onnx", tmp_path / "new" / "model.onnx")
    assert (tmp_path / "new" / "model.onnx").read_bytes() == b"model" * 100_000
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["model.onnx"]


def test_a_server_with_a_login_is_told_who_asks(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    server.login = "Basic YW5uOnNlY3JldA=="  # type: ignore[attr-defined]  # ann:secret
    url = f"http://127.0.0.1:{server.server_address[1]}"
    named = MlflowConnection(url, login=("ann", "secret"))
    MlflowArtefacts(named).fetch(URI, "model.onnx", tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").stat().st_size == 500_000
    nobody = MlflowConnection(url)
    with pytest.raises(MlflowRefusedError, match="401"):
        MlflowArtefacts(nobody).fetch(URI, "model.onnx", tmp_path / "other.onnx")
    named.close()
    nobody.close()


def test_a_server_that_stumbles_is_asked_again(
    artefacts: MlflowArtefacts, server: ThreadingHTTPServer, tmp_path: Path
) -> None:
    server.broken = 2  # type: ignore[attr-defined]
    artefacts.fetch(URI, "model.onnx", tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").stat().st_size == 500_000


def test_a_server_that_stays_away_is_named(
    artefacts: MlflowArtefacts, server: ThreadingHTTPServer, tmp_path: Path
) -> None:
    server.broken = 99  # type: ignore[attr-defined]
    with pytest.raises(MlflowUnreachableError, match=r"http://127.0.0.1:\d+ could not be reached"):
        artefacts.fetch(URI, "model.onnx", tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_half_an_answer_leaves_no_file(
    artefacts: MlflowArtefacts, server: ThreadingHTTPServer, tmp_path: Path
) -> None:
    server.sent = 1000  # type: ignore[attr-defined]
    with pytest.raises(MlflowUnreachableError):
        artefacts.fetch(URI, "model.onnx", tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_is_missing_and_not_asked_for_again(
    artefacts: MlflowArtefacts, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match=r"'version\.json'"):
        artefacts.fetch(URI, "version.json", tmp_path / "version.json")


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("http://elsewhere/1/artifacts", "model.onnx"),
        ("file:///etc", "passwd"),
        ("mlflow-artifacts://elsewhere/1", "model.onnx"),
        ("mlflow-artifacts:/1/../../secrets", "model.onnx"),
        ("mlflow-artifacts:/1/artifacts", "../../secrets"),
        ("mlflow-artifacts:/1/artifacts", "/etc/passwd"),
    ],
)
def test_only_addresses_of_mlflow_are_followed(
    artefacts: MlflowArtefacts, tmp_path: Path, uri: str, name: str
) -> None:
    with pytest.raises(ValueError, match="not the address"):
        artefacts.fetch(uri, name, tmp_path / "file")


def test_a_refusal_is_told_in_words(server: ThreadingHTTPServer) -> None:
    connection = MlflowConnection(f"http://127.0.0.1:{server.server_address[1]}")
    with pytest.raises(MlflowRefusedError, match="refused to show it: 404") as refused:
        connection.call("GET", "/registered-models/get", what="to show it")
    assert refused.value.missing
    connection.close()


def test_only_an_absent_server_is_worth_another_try() -> None:
    asked = []

    def refuse() -> None:
        asked.append(1)
        raise KeyError("no")

    with stamina.set_testing(True, attempts=3), pytest.raises(KeyError):
        patiently(refuse)
    assert len(asked) == 1
