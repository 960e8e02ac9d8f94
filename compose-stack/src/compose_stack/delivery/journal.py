"""What a stage runs, and everything that was ever deployed to it."""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from compose_stack.delivery.images import Pins, variable_of
from compose_stack.delivery.problems import Problem

POLL_S = 0.1


@dataclass(frozen=True)
class Journal:
    """One stage's records in a folder: `<stage>.env`, what it runs, and `<stage>.jsonl`, what happened."""

    folder: Path
    stage: str

    @property
    def env_file(self) -> Path:
        """The images of the last deployment that was well, as an environment file for Compose.

        Whoever starts the stage again, after a reboot or with more replicas, starts it with this file.
        """
        return self.folder / f"{self.stage}.env"

    @property
    def candidate(self) -> Path:
        """The images of a deployment that has not proved itself."""
        return self.folder / f"{self.stage}.candidate.env"

    @property
    def events(self) -> Path:
        """One line of JSON for each thing that happened."""
        return self.folder / f"{self.stage}.jsonl"

    @contextmanager
    def only_deployment(self, patience_s: float = 0) -> Iterator[None]:
        """Hold the stage while the block runs; raise Problem when another deployment does for too long."""
        deadline = time.monotonic() + patience_s
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{self.stage}.lock").open("w") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() >= deadline:
                        raise Problem(
                            f"Another deployment to {self.stage} is at work, or somebody starts or stops it: "
                            "try again once that is over."
                        ) from error
                    time.sleep(POLL_S)
            yield

    def write(self, path: Path, pins: Pins) -> None:
        """Write an environment file that is there in full or not at all."""
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
        """Return the pins of the last deployment that was well; empty before the first."""
        if not self.env_file.exists():
            return {}
        lines = (line.partition("=") for line in self.env_file.read_text().splitlines())
        values: Mapping[str, str] = {name: value for name, _, value in lines}
        try:
            return {image: values[variable_of(image)] for image in images}
        except KeyError as error:
            raise Problem(
                f"{self.env_file} does not name {error}: restore the file, or remove it to start anew."
            ) from error
