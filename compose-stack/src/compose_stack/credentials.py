"""The secrets that the processes of one instance share, made once and readable only by their owner."""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

SECRET_BYTES = 32


@dataclass(frozen=True)
class Credentials:
    """What the processes of one instance authenticate to each other with."""

    service_token: str = field(repr=False)
    """Proves that a call comes from the gateway."""
    caller_key: str = field(repr=False)
    """Signs on whose behalf the gateway calls."""
    pages_token: str = field(repr=False)
    """Proves to the gateway that it is the pages that say where a visitor is."""

    @classmethod
    def load_or_make(cls, folder: Path) -> Self:
        """Read the secrets of this instance, making those that are missing."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(*(_load_or_make(folder / name) for name in ("service-token", "caller-key", "pages-token")))


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
