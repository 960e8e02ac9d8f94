"""Fetches the files of a version from the artefact proxy of MLflow, over plain HTTP."""

import os
import tempfile
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlsplit

import httpx

from data_processor.adapters.mlflow_connection import (
    MlflowConnection,
    MlflowRefusedError,
    MlflowUnreachableError,
    check,
    patiently,
)

SCHEME = "mlflow-artifacts"
ROUTE = "/api/2.0/mlflow-artifacts/artifacts/"


class MlflowArtefacts:
    """Reads the artefacts of one MLflow server."""

    def __init__(self, connection: MlflowConnection) -> None:
        """Read through this connection."""
        self._connection = connection

    def fetch(self, artefact_uri: str, name: str, target: Path) -> None:
        """Write one file of a version to `target`, whole or not at all.

        Raises `FileNotFoundError` if there is no such file, `ValueError` for an address outside MLflow,
        `MlflowUnreachableError` after half a minute without a response.
        """
        path = _path(artefact_uri, name)
        try:
            patiently(self._stream, path, target)
        except MlflowRefusedError as error:
            if error.missing:
                raise FileNotFoundError(f"MLflow has no file {name!r} at {artefact_uri}.") from error
            raise

    def _stream(self, path: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(handle, "wb") as file, self._connection.client.stream("GET", path) as answer:
                if not answer.is_success:
                    answer.read()
                check(self._connection.url, answer, f"the artefact {path!r}")
                for chunk in answer.iter_bytes(1 << 20):
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(target)
        except httpx.TransportError as error:
            raise MlflowUnreachableError(self._connection.url, error) from error
        finally:
            Path(temporary).unlink(missing_ok=True)


def _path(artefact_uri: str, name: str) -> str:
    parts = urlsplit(artefact_uri)
    path = PurePosixPath(parts.path.lstrip("/")) / name
    if parts.scheme != SCHEME or parts.netloc or ".." in path.parts or PurePosixPath(name).is_absolute():
        raise ValueError(f"{artefact_uri!r} with {name!r} is not the address of a file in MLflow.")
    return ROUTE + quote(str(path))
