"""MLflow's server with a login: what a stage's user may do there, and what not."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from compose_stack.settings import ROOT

SERVER = ROOT / "compose-stack" / "mlflow-server"
PASSWORDS = {name: f"{name}-has-a-password" for name in ("loopkeeper", "staging", "main")}
API = "/api/2.0/mlflow"
STARTED_S = 120

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow")


def environment_of(folder: Path, passwords: dict[str, str]) -> dict[str, str]:
    return os.environ | {
        "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "MLFLOW_AUTH_DATABASE_URI": f"sqlite:///{folder / 'users.db'}",
        "MLFLOW_AUTH_ADMIN_USERNAME": "loopkeeper",
        "MLFLOW_AUTH_ADMIN_PASSWORD": passwords["loopkeeper"],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "sixteen-letters!",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "EDITOR_PASSWORD_staging": passwords["staging"],
        "EDITOR_PASSWORD_main": passwords["main"],
    }


def start(folder: Path, port: int, passwords: dict[str, str]) -> subprocess.Popen[bytes]:
    environment = environment_of(folder, passwords)
    python = SERVER / ".venv/bin/python"
    call = (python, SERVER / "serve.py", f"--port={port}", f"--artifacts-destination={folder / 'artefacts'}")
    with (folder / "server.log").open("ab") as log:
        server = subprocess.Popen(call, env=environment, cwd=folder, stdout=log, stderr=log)
    deadline = time.monotonic() + STARTED_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health").is_success:
                return server
        except httpx.TransportError:
            time.sleep(0.2)
    server.kill()
    server.wait()
    pytest.fail(f"MLflow did not start: {(folder / 'server.log').read_text()[-2000:]}")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = start(folder, port, PASSWORDS)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def as_user(url: str, name: str, password: str | None = None) -> httpx.Client:
    return httpx.Client(base_url=url, auth=(name, password or PASSWORDS[name]), timeout=60)


def test_each_stage_can_do_what_its_services_do_with_what_the_other_made(url: str) -> None:
    with as_user(url, "main") as main, as_user(url, "staging") as staging:
        made = main.post(f"{API}/experiments/create", json={"name": "people"}).raise_for_status().json()
        experiment = made["experiment_id"]
        main.post(f"{API}/registered-models/create", json={"name": "people"}).raise_for_status()
        run = staging.post(f"{API}/runs/create", json={"experiment_id": experiment}).raise_for_status().json()
        run_id, uri = run["run"]["info"]["run_id"], run["run"]["info"]["artifact_uri"]
        artefact = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run_id}/artifacts/model.onnx"
        staging.put(artefact, content=b"model").raise_for_status()
        assert main.get(artefact).raise_for_status().content == b"model"
        version = {"name": "people", "source": uri, "run_id": run_id}
        staging.post(f"{API}/model-versions/create", json=version).raise_for_status()
        for stage, client in (("main", main), ("staging", staging)):
            client.post(
                f"{API}/registered-models/alias", json={"name": "people", "alias": stage, "version": "1"}
            ).raise_for_status()
            tag = {"name": "people", "version": "1", "key": f"loopkeeper.{stage}.served", "value": "1"}
            client.post(f"{API}/model-versions/set-tag", json=tag).raise_for_status()
            model = {"name": "people", "key": f"loopkeeper.{stage}.entry", "value": "1"}
            client.post(f"{API}/registered-models/set-tag", json=model).raise_for_status()
        seen = staging.get(f"{API}/registered-models/get", params={"name": "people"}).raise_for_status()
        aliases = {one["alias"] for one in seen.json()["registered_model"]["aliases"]}
        assert aliases == {"main", "staging"}


def test_no_stage_can_delete_what_the_other_made_or_see_to_users(url: str) -> None:
    with as_user(url, "main") as main, as_user(url, "staging") as staging:
        main.post(f"{API}/registered-models/create", json={"name": "kept"}).raise_for_status()
        refused = staging.request("DELETE", f"{API}/registered-models/delete", json={"name": "kept"})
        assert refused.status_code == httpx.codes.FORBIDDEN
        for call, body in (
            ("users/create", {"username": "someone", "password": "a-long-password"}),
            ("users/update-password", {"username": "main", "password": "a-long-password"}),
            ("users/update-admin", {"username": "staging", "is_admin": True}),
        ):
            method = "POST" if call == "users/create" else "PATCH"
            answer = staging.request(method, f"{API}/{call}", json=body)
            assert answer.status_code == httpx.codes.FORBIDDEN, call
    assert httpx.get(f"{url}{API}/experiments/search").status_code == httpx.codes.UNAUTHORIZED


def test_nobody_gets_in_with_what_mlflow_once_shipped_or_without_a_login(url: str) -> None:
    for login in (None, ("admin", "password1234"), ("admin", "password"), ("loopkeeper", "password1234")):
        answer = httpx.get(f"{url}{API}/registered-models/search", auth=login)
        assert answer.status_code == httpx.codes.UNAUTHORIZED, login
        moved = {"name": "people", "alias": "main", "version": "1"}
        answer = httpx.post(f"{url}{API}/registered-models/alias", json=moved, auth=login)
        assert answer.status_code == httpx.codes.UNAUTHORIZED, login
    assert httpx.get(f"{url}/health").is_success


@pytest.mark.parametrize("missing", ["MLFLOW_AUTH_DATABASE_URI", "MLFLOW_AUTH_ADMIN_PASSWORD"])
def test_the_server_never_starts_without_a_login(tmp_path: Path, missing: str) -> None:
    told = environment_of(tmp_path, PASSWORDS) | {missing: ""}
    call = (SERVER / ".venv/bin/python", SERVER / "serve.py", "--port=1", "--artifacts-destination=nowhere")
    done = subprocess.run(call, env=told, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{missing} must be set: this server never answers without a login." in done.stderr


def test_a_password_that_was_changed_is_the_users_after_a_restart(url: str, folder: Path) -> None:
    assert url
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    changed = {name: f"another-{password}" for name, password in PASSWORDS.items()}
    server = start(folder, port, changed)
    try:
        search = f"{API}/registered-models/search"
        for name, password in changed.items():
            with as_user(f"http://127.0.0.1:{port}", name, password) as new:
                new.get(search).raise_for_status()
            with as_user(f"http://127.0.0.1:{port}", name) as old:
                assert old.get(search).status_code == httpx.codes.UNAUTHORIZED, name
    finally:
        server.terminate()
        server.wait(30)
