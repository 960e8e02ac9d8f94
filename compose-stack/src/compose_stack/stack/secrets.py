"""`make secrets`: random secrets that no one has to choose or see, made once, with mode 0600."""

import os
import secrets
import sys
from pathlib import Path

from filelock import FileLock

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
        "EXCHANGE_KEY",
        "GRAFANA_PASSWORD",
        "OTLP_TOKEN",
        "WATCHER_DATABASE_PASSWORD",
        *(
            f"{stage.upper()}_{name}"
            for stage in STAGES
            for name in (
                "MLFLOW_PASSWORD",
                "MQTT_GATEWAY_PASSWORD",
                "PICTURES_ACCESS_KEY",
                "PICTURES_SECRET_KEY",
            )
        ),
    ),
    **dict.fromkeys(
        STAGES,
        (
            "PROCESSOR_DATABASE_PASSWORD",
            "GATEWAY_DATABASE_PASSWORD",
            "SERVICE_TOKEN",
            "CALLER_KEY",
            "PAGES_TOKEN",
            "SIGNING_KEY",
            "ADMIN_PASSWORD",
        ),
    ),
}


def make_secrets(layout: Layout) -> list[Path]:
    """Make the secrets that are missing and keep the others; return the files that changed."""
    folder = layout.secrets(PLATFORM).parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Without it, of two processes that start at once, one could use a secret that the other replaces.
    with FileLock(folder / ".lock", fallback_to_soft=False):
        return [path for owner, names in NAMES.items() if _complete(path := layout.secrets(owner), names)]


def _complete(path: Path, names: tuple[str, ...]) -> bool:
    known = read_env(path) if path.exists() else {}
    # URL-safe characters: they go into database URLs unescaped.
    missing = {name: secrets.token_urlsafe(BYTES) for name in names if not known.get(name)}
    if not missing:
        return False
    write_privately(path, "".join(f"{name}={value}\n" for name, value in (known | missing).items()))
    return True


def write_privately(path: Path, text: str) -> None:
    """Write a file atomically that only its owner can read; its folder gets the same protection."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    # The file is created with its mode: at no time can anyone else read it.
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def main() -> int:
    """Make what is missing and print where it is."""
    layout = Layout.from_environment()
    changed = make_secrets(layout)
    for owner in NAMES:
        path = layout.secrets(owner)
        sys.stdout.write(f"{path} {'was completed' if path in changed else 'is complete'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
