"""A `serve` without models that takes files in, and the worker's part of storing them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data_processor.app import create_app
from data_processor.database import Database
from data_processor.settings import Settings


@dataclass
class Desk:
    """Where files are handed in."""

    client: TestClient
    settings: Settings
    database: Database
    carry_out_runs: Callable[..., None]

    def upload(self, content: bytes, filename: str = "people.csv", **fields: str) -> Any:
        """Upload a file."""
        form = {"name": "people", **fields}
        return self.client.post("/v1/datasets", data=form, files={"file": (filename, content)})

    def confirm(self, name: str = "people", **body: Any) -> Any:
        """Confirm the columns of a dataset."""
        return self.client.put(f"/v1/datasets/{name}/schema", json=body)

    def keep(self) -> None:
        """Store what waits for it, as the worker does."""
        self.carry_out_runs(self.settings, self.database)

    def explore(self) -> None:
        """Compute the profiles that wait for it, as the worker does."""
        self.carry_out_runs(self.settings, self.database, ("profile",))

    def read(self, name: str = "people") -> dict[str, Any]:
        """Return a dataset as it is shown."""
        found: dict[str, Any] = self.client.get(f"/v1/datasets/{name}").json()
        return found

    def leftovers(self) -> list[str]:
        """Return the folders of uploads."""
        return [folder.name for folder in self.settings.uploads_dir.glob("*")]


@pytest.fixture
def desk(world: Any, acting_as: Callable[..., Any], carry_out_runs: Callable[..., None]) -> Iterator[Desk]:
    """Call as an engineer."""
    with TestClient(create_app(world.settings)) as client:
        client.auth = acting_as("eve", "engineer")
        yield Desk(client, world.settings, world.database, carry_out_runs)
