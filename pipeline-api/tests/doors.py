"""A front door, and a platform for it that only pretends behind its gateway."""

from pathlib import Path
from typing import Any

import httpx
import pytest

import front_door
from broker import Mosquitto
from fake_processor import Call, FakeProcessor, Reply, as_json
from running import People

UPLOADS = "(/v1)?/pictures/.+"
"""Where pictures are uploaded to, as the fake processor has it."""
FACE = {"id": "p-1", "distance": 0.21, "threshold": 0.4, "confidence": 0.93, "faces": 1}


class Platform(People):
    """A gateway with a broker, and what was uploaded to the place that it offers."""

    def __init__(
        self, client: httpx.Client, processor: FakeProcessor, broker: Mosquitto, elsewhere: str
    ) -> None:
        super().__init__(client)
        self.processor = processor
        self.broker = broker
        self.elsewhere = elsewhere
        """An address that takes pictures without a credential."""
        self.pictures: dict[str, bytes] = {}
        self.asked: list[Any] = []
        self.face: dict[str, Any] = {**FACE, "label": "Ann"}
        self.offers = "/v1"
        """Where a place for pictures is offered: in the API itself, or at an address."""
        processor.on("POST", "/v1/pictures", self._offer)
        processor.on("PUT", UPLOADS, self._take)
        processor.on("POST", "/v1/models/faces/predictions", self._recognise)

    def said(self, path: str) -> list[Any]:
        """Return the bodies that the processor was sent to a path."""
        return [call.json for call in self.processor.calls if (call.method, call.target) == ("POST", path)]

    def _offer(self, call: Call) -> Reply:
        label = f"{call.json['label']}/" if "label" in call.json else ""
        image = f"{call.json['folder']}/{label}{len(self.pictures):032x}.jpg"
        upload = {
            "method": "PUT",
            "url": f"{self.offers}/pictures/{image}",
            "headers": {"Content-Type": "image/jpeg"},
        }
        return as_json({"image": image, "upload": upload, "expires_at": "2030-01-01T00:00:00Z"}, 201)

    def _take(self, call: Call) -> Reply:
        self.pictures[call.target.partition("pictures/")[2]] = call.body
        return as_json({}, 201)

    def _recognise(self, call: Call) -> Reply:
        self.asked.append(call.json["inputs"])
        return as_json({"model": "faces", "version": "1", "stage": "main", "predictions": [self.face]})


class Door:
    """The program, as somebody calls it."""

    def __init__(self, memory: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
        self.environment = {"MEMORY": str(memory), **environment}
        self._capsys = capsys

    def __call__(self, *words: str | Path, **changed: str) -> tuple[int, str, str]:
        """Return how it ended, what it said, and what it said besides."""
        self._capsys.readouterr()
        code = front_door.main([str(word) for word in words], {**self.environment, **changed})
        said = self._capsys.readouterr()
        return code, said.out.strip(), said.err.strip()
