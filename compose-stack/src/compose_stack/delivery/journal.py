"""What a stage runs, and everything that was ever deployed to it."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from compose_stack.delivery.images import Pins, variable_of
from compose_stack.delivery.problems import Problem


@dataclass(frozen=True)
class Journal:
    """One stage's records in a folder: `<stage>.env`, what it runs, and `<stage>.jsonl`, what happened."""

    folder: Path
    stage: str

    @property
    def env_file(self) -> Path:
        """The images of the last successful deployment, as an environment file for Compose.

        The stage is started with this file again, after a reboot or with more replicas.
        """
        return self.folder / f"{self.stage}.env"

    @property
    def candidate(self) -> Path:
        """The images of a deployment that has not succeeded yet."""
        return self.folder / f"{self.stage}.candidate.env"

    @property
    def events(self) -> Path:
        """One line of JSON for each event."""
        return self.folder / f"{self.stage}.jsonl"

    @contextmanager
    def only_deployment(self, patience_s: float = 0) -> Iterator[None]:
        """Lock the stage while the block runs; raise Problem if it stays locked for `patience_s`.

        The kernel releases the lock when its process ends, even by kill -9.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / f"{self.stage}.lock", fallback_to_soft=False)
        try:
            held = lock.acquire(timeout=patience_s)
        except Timeout as error:
            raise Problem(
                f"Another deployment to {self.stage} is in progress, or the stage is being started or "
                "stopped: try again once that has finished."
            ) from error
        with held:
            yield

    def write(self, path: Path, pins: Pins) -> None:
        """Write an environment file atomically."""
        draft = path.with_name(f"{path.name}.new")
        with draft.open("w") as file:
            file.writelines(f"{variable_of(image)}={reference}\n" for image, reference in pins.items())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def record(self, outcome: str, pins: Pins, **more: Any) -> None:
        """Append one event, durably."""
        event = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "stage": self.stage,
            "outcome": outcome,
        }
        with self.events.open("a") as file:
            file.write(json.dumps({**event, "images": dict(pins), **more}) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def deployed(self, images: tuple[str, ...]) -> dict[str, str]:
        """Return the pins of the last successful deployment; empty before the first."""
        if not self.env_file.exists():
            return {}
        lines = (line.partition("=") for line in self.env_file.read_text().splitlines())
        values: Mapping[str, str] = {name: value for name, _, value in lines}
        try:
            return {image: values[variable_of(image)] for image in images}
        except KeyError as error:
            raise Problem(
                f"{self.env_file} does not define {error}: restore the file, or delete it to start afresh."
            ) from error
