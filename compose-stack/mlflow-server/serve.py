"""Run MLflow's tracking server in one process.

`mlflow server` is two processes even with one worker: the command line stays as the parent of the server, has
imported everything a second time (another 195 MB and 9 s of start) and, killed with -9, leaves the server
behind. This starts the same application, with the same settings, in the process that was asked for.
"""

import argparse
import os

import uvicorn  # MLflow arms its security middleware only if a server is imported before it
from mlflow.server import constants
from mlflow.server.handlers import initialize_backend_stores

ARTIFACT_ROOT = "mlflow-artifacts:/"
"""Clients get and put artefacts through this server and never learn where it keeps them."""


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description="Run MLflow's tracking server in one process.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--backend-store-uri", required=True, help="where runs and versions are recorded")
    parser.add_argument("--artifacts-destination", required=True, help="where the server keeps artefacts")
    options = parser.parse_args()
    os.environ |= {
        constants.BACKEND_STORE_URI_ENV_VAR: options.backend_store_uri,
        constants.ARTIFACT_ROOT_ENV_VAR: ARTIFACT_ROOT,
        constants.ARTIFACTS_DESTINATION_ENV_VAR: options.artifacts_destination,
        constants.SERVE_ARTIFACTS_ENV_VAR: "true",
    }
    initialize_backend_stores(options.backend_store_uri, options.backend_store_uri, ARTIFACT_ROOT)
    uvicorn.run(
        "mlflow.server.fastapi_app:app",
        host=options.host,
        port=options.port,
        access_log=False,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
