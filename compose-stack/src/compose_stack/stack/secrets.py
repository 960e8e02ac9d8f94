"""`make secrets`: what nobody chooses and nobody sees. Random, made once, of mode 0600, not in git."""

import fcntl
import os
import secrets
import sys
from pathlib import Path

from compose_stack.stack.layout import PLATFORM, STAGES, Layout, read_env

BYTES = 32
NAMES: dict[str, tuple[str, ...]] = {
    PLATFORM: (
        "POSTGRES_PASSWORD",
        "S3_ACCESS_KEY",
        "S3_SECRET_KEY",
        "MLFLOW_DATABASE_PASSWORD",
        "MLFLOW_PASSWORD",
        "MLFLOW_SECRET_KEY",
        "GRAFANA_PASSWORD",
        *(
            f"{stage.upper()}_{name}"
            for stage in STAGES
            for name in ("MLFLOW_PASSWORD", "MQTT_GATEWAY_PASSWORD", "MQTT_DEVICES_PASSWORD")
        ),
    ),
    **dict.fromkeys(
        STAGES,
        (
            "PROCESSOR_DATABASE_PASSWORD",
            "GATEWAY_DATABASE_PASSWORD",
            "SERVICE_TOKEN",
            "CALLER_KEY",
            "ADMIN_PASSWORD",
        ),
    ),
}


def make_secrets(layout: Layout) -> list[Path]:
    """Make the secrets that are missing; those that are there stay. Return the files that changed."""
    folder = layout.secrets(PLATFORM).parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Of two that make the same secret at once, one would have started with what the other replaced.
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return [path for owner, names in NAMES.items() if _complete(path := layout.secrets(owner), names)]


def _complete(path: Path, names: tuple[str, ...]) -> bool:
    known = read_env(path) if path.exists() else {}
    # URL-safe letters: they go into database addresses as they are.
    missing = {name: secrets.token_urlsafe(BYTES) for name in names if not known.get(name)}
    if not missing:
        return False
    write_privately(path, "".join(f"{name}={value}\n" for name, value in (known | missing).items()))
    return True


def write_privately(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, whole or not at all; its folder is made the same way."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    # The mode comes with the file: at no moment can anybody else read it.
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def main() -> int:
    """Make what is missing and say where it is."""
    layout = Layout.from_environment()
    changed = make_secrets(layout)
    for owner in NAMES:
        path = layout.secrets(owner)
        sys.stdout.write(f"{path} {'was completed' if path in changed else 'is complete'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
