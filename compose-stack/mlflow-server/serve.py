"""Run MLflow's tracking server in one process.

`mlflow server` is two processes even with one worker: the command line stays as the parent of the server, has
imported everything a second time (another 195 MB and 9 s at the start) and, killed with -9, leaves the server
behind. This starts the same application, with the same settings, in a single process.

Every request but a health check needs a login (basic auth): of a user of `editors.py`, or of the one that
MLflow's own `MLFLOW_AUTH_ADMIN_USERNAME` and `MLFLOW_AUTH_ADMIN_PASSWORD` name. There is no default password.
Secrets, and URLs that contain some, are passed in the environment: the arguments of a process can be read by
everyone on its machine.
"""

import argparse
import os
import tempfile
from pathlib import Path

import uvicorn  # MLflow enables its security middleware only if a server is imported before it
from mlflow.server import constants
from mlflow.server.handlers import initialize_backend_stores

LOGIN = (
    "MLFLOW_AUTH_DATABASE_URI",
    "MLFLOW_AUTH_ADMIN_USERNAME",
    "MLFLOW_AUTH_ADMIN_PASSWORD",
    "MLFLOW_FLASK_SERVER_SECRET_KEY",
)
"""What MLflow's login is set up with."""
ARTIFACT_ROOT = "mlflow-artifacts:/"
"""Clients read and write artefacts through this server, and never learn where it keeps them."""


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="Run MLflow's tracking server in one process.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument(
        "--backend-store-uri",
        default=os.environ.get("MLFLOW_BACKEND_STORE_URI"),
        help="where runs and versions are recorded (default: MLFLOW_BACKEND_STORE_URI)",
    )
    parser.add_argument("--artifacts-destination", required=True, help="where the server keeps artefacts")
    options = parser.parse_args()
    if not options.backend_store_uri:
        parser.error("--backend-store-uri or MLFLOW_BACKEND_STORE_URI is required.")
    if missing := [name for name in LOGIN if not os.environ.get(name)]:
        parser.error(f"{', '.join(missing)} must be set: this server never answers without a login.")
    os.environ |= {
        constants.BACKEND_STORE_URI_ENV_VAR: options.backend_store_uri,
        constants.ARTIFACT_ROOT_ENV_VAR: ARTIFACT_ROOT,
        constants.ARTIFACTS_DESTINATION_ENV_VAR: options.artifacts_destination,
        constants.SERVE_ARTIFACTS_ENV_VAR: "true",
    }
    os.umask(0o077)  # what it writes is read through it, with a login, or not at all
    initialize_backend_stores(options.backend_store_uri, options.backend_store_uri, ARTIFACT_ROOT)
    users = os.environ["MLFLOW_AUTH_DATABASE_URI"]
    _require_login(users)
    import editors  # noqa: PLC0415 - it imports MLflow's login, which reads that file

    editors.main(users)
    uvicorn.run(
        "mlflow.server.auth:create_app",
        factory=True,
        host=options.host,
        port=options.port,
        access_log=False,
        timeout_graceful_shutdown=5,
    )


def _require_login(users: str) -> None:
    """Write the file that MLflow's login reads its settings from when it is imported."""
    handle, path = tempfile.mkstemp(suffix=".ini")  # readable by this user only
    os.close(handle)
    escaped = users.replace("%", "%%")
    Path(path).write_text(
        f"[mlflow]\ndatabase_uri = {escaped}\ndefault_permission = READ\n"
        "auth_cache_ttl_seconds = 60\n"  # hashing a password takes longer than most requests
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    os.environ |= {"MLFLOW_AUTH_CONFIG_PATH": path, "_MLFLOW_SGI_NAME": "uvicorn"}


if __name__ == "__main__":
    main()
