"""The processes that make up the platform on one machine, and their settings."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from compose_stack.broker import Broker
from compose_stack.credentials import Credentials
from compose_stack.settings import LOOPBACK, MLFLOW_USER, CannotStart, Settings

NOT_INHERITED = (
    "ADMIN_PASSWORD",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONHOME",
    "PORT",
    "HOST",
    "STATE_DIR",
)
"""Variables of the caller that would mislead the processes that we start."""

STAGE = "main"
"""The only stage on one machine, and what MLflow calls it."""

LEAN = {
    # Two heaps per process are enough; with glibc's eight per core, memory of a burst is never returned.
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_TRIM_THRESHOLD_": "131072",
    # Threads of a numeric library that wait for each other sleep instead of spinning: on cores that are busy
    # serving, spinning made a fit of 0.4 s take 6 to 18 s.
    "OMP_WAIT_POLICY": "PASSIVE",
    # A line is in the log as soon as it is written, even if the process is killed.
    "PYTHONUNBUFFERED": "1",
}

NO_TELEMETRY = {
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
}


@dataclass(frozen=True)
class Service:
    """One process: its command, its environment, and where it reports that it is ready."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ready_url: str | None
    """Answers 200 once the process is ready; none: it is ready as soon as it runs."""
    stop_seconds: float = 25
    """How long it may take to finish its work before it is killed."""
    rereads: tuple[Path, ...] = ()
    """Files that it reads again when it gets a SIGHUP, which it does when they change."""


def default_set(
    settings: Settings,
    credentials: Credentials,
    inherited: Mapping[str, str] = os.environ,
    broker: Broker | None = None,
) -> tuple[Service, ...]:
    """Return the processes in the order of stopping: those that people see come first."""
    base = {name: value for name, value in inherited.items() if name not in NOT_INHERITED}
    base |= LEAN | NO_TELEMETRY
    base.setdefault("CODE_REVISION", _revision(settings.root))
    shared = {"SERVICE_TOKEN": credentials.service_token, "CALLER_KEY": credentials.caller_key}
    processor = {
        **base,
        **shared,
        "STATE_DIR": str(settings.state_dir / "processor"),
        "STAGE": STAGE,
        "HOST": LOOPBACK,
        "PORT": str(settings.processor_port),
        "SIGNING_KEY": credentials.signing_key,
        "MLFLOW_URL": settings.mlflow_url,
        "MLFLOW_TRACKING_USERNAME": STAGE,
        "MLFLOW_TRACKING_PASSWORD": credentials.mlflow_stage_password,
        "SAMPLE_MODEL": "true",
        "LOG_FILES": str(settings.state_dir / "logs"),
        "PAGES_URL": base.get("PAGES_URL") or settings.ui_url,
        # What runs on this machine is its owner's; MLflow and the processor ask for a credential anyway.
        "NOTIFICATION_NETWORKS": base.get("NOTIFICATION_NETWORKS") or "127.0.0.0/8,::1/128",
    }
    gateway = {
        **base,
        **shared,
        "STATE_DIR": str(settings.state_dir / "gateway"),
        "HOST": settings.bind_host,
        "PORT": str(settings.gateway_port),
        "PROCESSOR_URL": settings.processor_url,
        "ADMIN_PASSWORD_FILE": str(settings.password_file),
        "PAGES_TOKEN": credentials.pages_token,
    }
    if settings.admin_password:
        gateway["ADMIN_PASSWORD"] = settings.admin_password
    brokers: tuple[Service, ...] = ()
    if broker is not None:
        gateway["MQTT_URL"] = settings.mqtt_url
        gateway["MQTT_PASSWORD"] = credentials.mqtt_password
        gateway["MQTT_BROKER_DIR"] = str(broker.folder)
        command = (broker.program, "-c", str(broker.configuration))
        brokers = (Service("mosquitto", command, base, None, rereads=broker.rereads),)
    pages = {
        **base,
        "GATEWAY_URL": settings.gateway_url,
        "PAGES_TOKEN": credentials.pages_token,
        "HOST": settings.bind_host,
        "PORT": str(settings.ui_port),
    }
    mlflow_dir = settings.state_dir / "mlflow"
    mlflow_folder = settings.root / "compose-stack" / "mlflow-server"
    return (
        Service(
            "streamlit-ui",
            (_program(settings.root / "streamlit-ui", "streamlit-ui"),),
            pages,
            f"{settings.ui_url}/readyz",
        ),
        Service(
            "pipeline-api",
            (_program(settings.root / "pipeline-api", "pipeline-api"), "serve"),
            gateway,
            f"{settings.gateway_url}/readyz",
        ),
        *brokers,
        Service(
            "data-processor-work",
            (_program(settings.root / "data-processor", "data-processor"), "work"),
            processor,
            None,
        ),
        Service(
            "data-processor-serve",
            (_program(settings.root / "data-processor", "data-processor"), "serve"),
            processor,
            f"{settings.processor_url}/readyz",
        ),
        Service(
            "mlflow",
            (
                _program(mlflow_folder, "python"),
                str(mlflow_folder / "serve.py"),
                f"--host={LOOPBACK}",
                f"--port={settings.mlflow_port}",
                f"--backend-store-uri=sqlite:///{mlflow_dir / 'mlflow.db'}",
                f"--artifacts-destination={mlflow_dir / 'artifacts'}",
            ),
            base
            | {
                # Its job runner starts a family of processes that nothing here uses.
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                "MLFLOW_AUTH_DATABASE_URI": f"sqlite:///{mlflow_dir / 'users.db'}",
                "MLFLOW_AUTH_ADMIN_USERNAME": MLFLOW_USER,
                "MLFLOW_AUTH_ADMIN_PASSWORD": credentials.mlflow_password,
                f"EDITOR_PASSWORD_{STAGE}": credentials.mlflow_stage_password,
                "MLFLOW_FLASK_SERVER_SECRET_KEY": credentials.mlflow_secret_key,
            },
            f"{settings.mlflow_url}/health",
        ),
    )


def folders(settings: Settings) -> tuple[Path, ...]:
    """Return the folders of an instance that must exist before its processes start."""
    names = ("processor", "gateway", "mlflow/artifacts", "logs")
    return tuple(settings.state_dir / name for name in names)


def _revision(root: Path) -> str:
    """Return the revision of the code, for the lineage of the models it trains."""
    command = ("git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40")
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"  # not a git checkout


def _program(folder: Path, name: str) -> str:
    # Executed directly: `uv run` would check the whole environment at each start.
    program = folder / ".venv" / "bin" / name
    if not program.exists():
        raise CannotStart(
            f"{program} is missing: run `make install-all`, which makes the environment of each folder."
        )
    return str(program)
