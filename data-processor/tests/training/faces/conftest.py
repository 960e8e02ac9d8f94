"""Galleries of drawn persons, and a workshop with a model for faces that nobody trained yet."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from data_processor.models.policy import Policy
from data_processor.rows import DatasetRow, FacePictureRow, GalleryRow, PersonRow
from data_processor.service.database import now
from data_processor.tasks.faces.crops import cut, encode_crop
from data_processor.tasks.faces.declared import DESCRIPTION, GALLERY
from data_processor.tasks.faces.detection import Box
from tasks.faces.drawn import SIDE, drawn
from training.conftest import Workshop, make_workshop

PERSONS, PICTURES = 60, 4
WHERE = Box(SIDE // 5, SIDE // 5, 3 * SIDE // 5, 3 * SIDE // 5)
_doors = count(1)


@pytest.fixture(scope="session")
def drawn_crops(once: Callable[[str, Callable[[Path], None]], Path]) -> list[list[bytes]]:
    """The face crops of drawn persons, some of each: cut where they are drawn, nobody has to find them."""

    def draw(folder: Path) -> None:
        for person in range(PERSONS):
            for picture in range(PICTURES):
                crop = cut(drawn(person, picture), WHERE)
                (folder / f"{person}-{picture}.jpg").write_bytes(encode_crop(crop))

    folder = once("drawn-crops", draw)
    return [
        [(folder / f"{person}-{picture}.jpg").read_bytes() for picture in range(PICTURES)]
        for person in range(PERSONS)
    ]


class Doorway:
    """A workshop with a model for faces."""

    def __init__(self, shop: Workshop) -> None:
        """Make the model; its gallery is empty."""
        self.shop = shop
        self.model = f"door-{os.getpid()}-{next(_doors)}"
        with shop.database.transaction() as session:
            described = GALLERY.model_dump(mode="json")
            session.add(DatasetRow(name=self.model, task=DESCRIPTION.task, schema=described, state="ready"))
            shop.registry.create_model(
                session,
                self.model,
                task=DESCRIPTION.task,
                dataset=self.model,
                target="person",
                policy=Policy(),
            )

    def enrol(self, persons: list[list[bytes]]) -> list[str]:
        """Enrol persons by their crops; return their ids."""
        ids = [uuid4().hex for _ in persons]
        with self.shop.database.transaction() as session:
            for person, crops in zip(ids, persons, strict=True):
                session.add(
                    PersonRow(
                        id=person,
                        model=self.model,
                        label=f"Person {person}",
                        former=[],
                        contact="",
                        details={},
                        subject="eve",
                        created_at=now(),
                    )
                )
                session.flush()
                for crop in crops:
                    session.add(self._picture(person, crop))
            row = session.get(GalleryRow, self.model) or GalleryRow(model=self.model, revision=0)
            row.revision += 1
            session.add(row)
        return ids

    def _picture(self, person: str, crop: bytes) -> FacePictureRow:
        name = uuid4().hex
        return FacePictureRow(
            id=name,
            model=self.model,
            person=person,
            kind="enrolled",
            crop=crop,
            image=f"query-images/{name}.jpg",
            subject="eve",
        )

    def run(self, trigger: Any = "manual", **options: Any) -> Any:
        """Carry out a run here and now, of the built-in extractor unless others are asked for; return it."""
        options.setdefault("candidates", [{"estimator": "lbp", "params": {}}])
        options.setdefault("budget_s", 600)  # a busy machine tries no fewer of them
        opened = self.shop.runs.open(
            None, self.model, trigger=trigger, reason="The test wants it.", subject="eve", options=options
        )
        return self.shop.carry_out(opened.id)

    def served(self) -> str | None:
        """Return the version that the stage serves."""
        entry = self.shop.ledger.current(self.model, "main")
        return entry.version if entry else None


@pytest.fixture
def new_doorway(tmp_path: Path, mlflow_url: str) -> Iterator[Callable[..., Doorway]]:
    """Make models for faces that nobody trained yet; each may have its own settings."""
    with ExitStack() as opened:

        def make(**fields: Any) -> Doorway:
            shop = make_workshop(tmp_path, mlflow_url, Policy(), _table(), **fields)
            opened.callback(shop.close)
            return Doorway(shop)

        yield make


@pytest.fixture
def doorway(new_doorway: Callable[..., Doorway]) -> Doorway:
    """A model for faces that nobody trained yet."""
    return new_doorway()


def _table() -> Any:
    """Return a small table: every workshop has a model for rows, too."""
    from data_processor.datasets.census import make_table  # noqa: PLC0415  # tests of galleries alone need none

    return make_table(50, 1)


def plain_signatures(
    persons: int, pictures: int, *, apart: float, seed: int, length: int = 40
) -> tuple[Any, Any]:
    """Return signatures whose persons are `apart` standard deviations of their pictures from each other."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, apart, (persons, length))
    whose = np.repeat(np.arange(persons), pictures)
    return (centres[whose] + rng.normal(0, 1, (len(whose), length))).astype(np.float32), whose
