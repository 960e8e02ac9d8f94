"""A served model for faces that knows nobody yet, and pictures of drawn persons in its store."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data_processor.app import create_app
from data_processor.models.artefact import describe
from data_processor.models.manifest import MANIFEST_FILE, RECOGNISER_FILE, Lineage, Manifest, Parity
from data_processor.models.policy import Policy
from data_processor.rows import DatasetRow
from data_processor.service.database import now
from data_processor.tasks.faces.declared import DESCRIPTION, GALLERY
from data_processor.tasks.faces.extractors import Extractors
from data_processor.tasks.faces.recogniser import Recogniser, default_recogniser
from data_processor.wiring.state import State
from tasks.faces.drawn import drawn_face

DOOR = "front-door"


@dataclass
class Door:
    """A serving process with the model, and who asks it."""

    world: Any
    client: TestClient
    acting_as: Callable[..., Any]

    @property
    def state(self) -> State:
        """What the process has open."""
        app: Any = self.client.app
        state: State = app.state.loopkeeper
        return state

    def store(self, content: bytes, folder: str = "query-images", label: str | None = None) -> str:
        """Put a picture into the store; return its name."""
        asked = {"folder": folder} if label is None else {"folder": folder, "label": label}
        image = str(self.call("POST", "/v1/pictures", json=asked).json()["image"])
        answer = self.call("PUT", f"/v1/pictures/{image}", content=content)
        assert answer.status_code == 201, answer.text
        return image

    def picture(self, person: int, picture: int = 0, **where: Any) -> str:
        """Put a picture of a drawn person into the store; return its name."""
        return self.store(drawn_face(person, picture), **where)

    def call(
        self, method: str, path: str, *, who: str = "ann", role: str = "engineer", **request: Any
    ) -> Any:
        """Call a route as somebody."""
        return self.client.request(method, path, auth=self.acting_as(who, role), **request)

    def ask(self, image: str, **who: Any) -> dict[str, Any]:
        """Ask who is in a picture of the store."""
        path = f"/v1/models/{DOOR}/predictions"
        answer = self.call("POST", path, json={"inputs": [{"image": image}]}, **who)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["predictions"][0]
        return found

    def teach(self, label: str, image: str, **who: Any) -> Any:
        """Add a labelled picture."""
        path = f"/v1/models/{DOOR}/training-pictures"
        return self.call("POST", path, json={"label": label, "image": image}, **who)

    def knows(self, label: str, person: int, pictures: int = 3) -> str:
        """Let the model know a drawn person; return the person's id."""
        for picture in range(pictures):
            answer = self.teach(label, self.picture(person, picture, folder="train-images", label=label))
            assert answer.status_code == 200, answer.text
        return str(answer.json()["person"])

    def say(self, prediction: str, **given: Any) -> None:
        """Give feedback on an answer."""
        who = {name: given.pop(name) for name in ("who", "role") if name in given}
        answer = self.call("POST", f"/v1/predictions/{prediction}/feedback", json=given, **who)
        assert answer.status_code in (200, 201), answer.text


def add_face_model(world: Any, recogniser: Recogniser | None = None, version: str = "1") -> None:
    """Register a model for faces with one version, and let the stage serve it."""
    folder = world.settings.models_dir / DOOR / version
    folder.mkdir(parents=True)
    (recogniser or default_recogniser(Extractors().named("lbp"))).save(folder / RECOGNISER_FILE)
    if version == "1":
        with world.database.transaction() as session:
            described = GALLERY.model_dump(mode="json")
            session.add(DatasetRow(name=DOOR, task=DESCRIPTION.task, schema=described, state="ready"))
            world.registry.create_model(
                session, DOOR, task=DESCRIPTION.task, dataset=DOOR, target="person", policy=Policy()
            )
    manifest = Manifest(
        model=DOOR,
        version=version,
        table=GALLERY,
        policy=Policy(),
        candidate={"estimator": "lbp", "params": {}},
        metrics={},
        lineage=Lineage(
            dataset=DOOR,
            dataset_version=1,
            dataset_revision="0" * 40,
            feedback_seq=0,
            run="run-1",
            mlflow_run=None,
            code_revision="test",
            trained_at=now(),
        ),
        receipt={"verdict": "promote", "reason": "It is the first."},
        engine="arrays",
        parity=Parity(rows=0, labels_differing=0, max_difference=0, passed=True, reason="Arrays are arrays."),
        artefacts={RECOGNISER_FILE: describe(folder / RECOGNISER_FILE)},
    )
    (folder / MANIFEST_FILE).write_text(manifest.model_dump_json())
    world.registry.add_version(manifest, str(folder))
    world.ledger.promote(DOOR, world.settings.stage, version, "loopkeeper", "The test wants it.")


@pytest.fixture
def open_door(acting_as: Callable[..., Any]) -> Iterator[Callable[[Any], Door]]:
    """Open serving processes on worlds; two of them on one world are two processes."""
    with ExitStack() as opened:

        def make(world: Any) -> Door:
            client = opened.enter_context(
                TestClient(create_app(world.settings), raise_server_exceptions=False)
            )
            return Door(world, client, acting_as)

        yield make


@pytest.fixture
def door(new_world: Callable[..., Any], open_door: Callable[[Any], Door], wait_until: Any) -> Door:
    """A served model for faces."""
    world = new_world()
    add_face_model(world)
    made = open_door(world)
    wait_until(lambda: made.state.manager.find(DOOR) is not None)
    return made
