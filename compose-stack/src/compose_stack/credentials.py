"""The secrets of the processes of one instance, made once and readable only by their owner."""

import os
import secrets
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Self

SECRET_BYTES = 32


@dataclass(frozen=True)
class Credentials:
    """What the processes prove to each other with, and what people open MLflow with."""

    service_token: str = field(repr=False)
    """Proves that a call comes from the gateway."""
    caller_key: str = field(repr=False)
    """Signs on whose behalf the gateway calls."""
    pages_token: str = field(repr=False)
    """Proves to the gateway that it is the pages that say where a visitor is."""
    signing_key: str = field(repr=False)
    """Signs the versions that the processor loads; nobody else has it."""
    mlflow_password: str = field(repr=False)
    """That of MLflow's administrator, for people."""
    mlflow_stage_password: str = field(repr=False)
    """That of the processor's user in MLflow, which may administer nothing."""
    mqtt_password: str = field(repr=False)
    """That of the gateway's user at the MQTT broker."""
    mlflow_secret_key: str = field(repr=False)
    """Protects the forms of MLflow's pages."""

    @classmethod
    def load_or_make(cls, folder: Path) -> Self:
        """Read the secrets of this instance, making those that are missing."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(**{made.name: _load_or_make(folder / file_name(made.name)) for made in fields(cls)})


def file_name(secret: str) -> str:
    """Return the name of the file that keeps a secret."""
    return secret.replace("_", "-")


def _load_or_make(path: Path) -> str:
    if not path.exists():
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        # The file is created with its mode: at no time can anyone else read it.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    return path.read_text().strip()
