"""Start the peers, and know where to send requests."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from compose_stack.instance import free_ports
from compose_stack.processes import die_with
from compose_stack.settings import LOOPBACK, ROOT, CannotStart

FOLDER = Path(__file__).parent
PROGRAMS = ROOT / "compose-stack" / "mlflow-server" / ".venv" / "bin"
WORKERS = "2"
START_S = 120.0
STOP_S = 20.0


def environment() -> Mapping[str, str]:
    """Return the environment of both peers: one thread each, since two workers share two cores."""
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}


def prepare(artefact: Path, folder: Path) -> None:
    """Save the trained pipeline of `artefact` in the format of each peer."""
    command = [PROGRAMS / "python", FOLDER / "prepare.py", artefact, folder]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotStart(f"The models of the peers could not be saved: {done.stderr[-2000:]}")


@contextmanager
def mlflow_models_serve(folder: Path) -> Iterator[str]:
    """Run `mlflow models serve` with two workers; yield its URL."""
    port = free_ports(1)[0]
    command = [
        *(str(PROGRAMS / "mlflow"), "models", "serve", "--model-uri", str(folder / "mlflow-model")),
        *("--host", LOOPBACK, "--port", str(port), "--workers", WORKERS, "--env-manager", "local"),
    ]
    with _running(command, environment(), f"http://{LOOPBACK}:{port}/ping", folder / "mlflow.log"):
        yield f"http://{LOOPBACK}:{port}/invocations"


@contextmanager
def plain_endpoint(folder: Path) -> Iterator[str]:
    """Run the plain endpoint with two workers; yield its URL."""
    port = free_ports(1)[0]
    command = [
        *(str(PROGRAMS / "uvicorn"), "plain:app", "--app-dir", str(FOLDER), "--no-access-log"),
        *("--host", LOOPBACK, "--port", str(port), "--workers", WORKERS),
    ]
    variables = {**environment(), "PEER_MODEL": str(folder / "model.joblib")}
    with _running(command, variables, f"http://{LOOPBACK}:{port}/openapi.json", folder / "plain.log"):
        yield f"http://{LOOPBACK}:{port}/predict"


@contextmanager
def _running(command: list[str], variables: Mapping[str, str], ready_url: str, log: Path) -> Iterator[None]:
    me = os.getpid()
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: die_with(me, signal.SIGTERM),  # noqa: PLW1509  # started from the main thread only
        ) as process,
    ):
        try:
            deadline = time.monotonic() + START_S
            while not _answers(ready_url):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise CannotStart(f"A peer did not start: {' '.join(command)}\n{log.read_text()[-2000:]}")
                time.sleep(0.1)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(STOP_S)
            finally:
                os.killpg(process.pid, signal.SIGKILL)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False
