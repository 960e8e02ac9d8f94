"""Galleries in memory: every face as the vector of one recogniser, kept up to date while it is served."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakSet

import numpy as np
import structlog
from numpy.typing import NDArray

from data_processor.database import Database
from data_processor.gallery import repository
from data_processor.gallery.repository import Face
from data_processor.tasks.faces.crops import decode_crop
from data_processor.tasks.faces.nearest import Known, Nearest, nearest
from data_processor.tasks.faces.recogniser import Recogniser

Floats = NDArray[np.float32]

log = structlog.get_logger(__name__)

ENROLLED = "enrolled"
TWO = 2


@dataclass(frozen=True)
class Snapshot:
    """A gallery at one moment. Persons have places that no other person ever gets."""

    revision: int
    known: Known
    labels: dict[int, tuple[str, str]]
    """Label and id of each person, by place; whoever is gone has none."""
    faces: tuple[Face, ...]
    """In the order of `known.vectors`, then of `known.impostors`."""

    def named(self, place: int) -> tuple[str | None, str | None]:
        """Return label and id of a person by place; two times None for nobody, and for who is gone."""
        return self.labels.get(place, (None, None))


class GalleryView:
    """The gallery of a model as one version sees it."""

    def __init__(self, database: Database, model: str, recogniser: Recogniser) -> None:
        """See nobody yet: `refresh` reads the gallery."""
        self._database = database
        self.model = model
        self.recogniser = recogniser
        self._places: dict[str, int] = {}
        self._vectors: dict[str, Floats] = {}
        self._turn = threading.Lock()
        self.snapshot = Snapshot(-1, self._known((), ()), {}, ())

    def refresh(self) -> None:
        """Read what changed since the last time."""
        with self._turn:
            with self._database.reading() as session:
                revision = repository.revisions(session, [self.model]).get(self.model, 0)
                if revision == self.snapshot.revision:
                    return
                labels = repository.labels_of(session, self.model)
                faces = repository.faces_of(session, self.model)
                crops = repository.crops_of(session, [one.id for one in faces if one.id not in self._vectors])
            if crops:
                self._sign(crops)
            faces = [one for one in faces if one.id in self._vectors]  # the others went meanwhile
            present = {one.id for one in faces}
            for gone in self._vectors.keys() - present:
                del self._vectors[gone]
            for person in labels:
                self._places.setdefault(person, len(self._places))
            enrolled = tuple(one for one in faces if one.kind == ENROLLED)
            impostors = tuple(one for one in faces if one.kind != ENROLLED)
            self.snapshot = Snapshot(
                revision,
                self._known(enrolled, impostors),
                {self._places[person]: (label, person) for person, label in labels.items()},
                enrolled + impostors,
            )

    def recognise(self, signatures: Floats) -> Nearest:
        """Find whose faces these are; `signatures` has the shape (faces, length of the extractor's)."""
        return nearest(self.recogniser.vectors(signatures), self.snapshot.known, self.recogniser.threshold)

    def score(self, person: str) -> float | None:
        """Return the share of a person's pictures that are recognised, each compared with all but itself.

        None for a person with fewer than two.
        """
        place, known = self._places.get(person), self.snapshot.known
        mine = np.flatnonzero(known.persons == place)
        if len(mine) < TWO:
            return None
        found = nearest(known.vectors[mine], known, self.recogniser.threshold, without=mine)
        return float(np.mean(found.places == place))

    def _sign(self, crops: dict[str, bytes]) -> None:
        sign = self.recogniser.extractor.signature
        signatures = np.stack([sign(decode_crop(crop)) for crop in crops.values()])
        self._vectors.update(zip(crops, self.recogniser.vectors(signatures), strict=True))

    def _known(self, enrolled: Sequence[Face], impostors: Sequence[Face]) -> Known:
        return Known(
            *self._together(enrolled),
            *self._together(impostors),
        )

    def _together(self, faces: Sequence[Face]) -> tuple[Floats, NDArray[np.int64]]:
        """Return the vectors of some faces, and the places of their persons."""
        places = np.array([self._places[one.person] for one in faces], np.int64)
        if not faces:
            return np.zeros((0, self.recogniser.width), np.float32), places
        return np.stack([self._vectors[one.id] for one in faces]), places


class Views:
    """The galleries that this process has in memory; a thread keeps them up to date."""

    def __init__(self, database: Database, interval_s: float) -> None:
        """Look for changes that other processes made every `interval_s`."""
        self._database = database
        self._interval_s = interval_s
        self._views: WeakSet[GalleryView] = WeakSet()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="galleries", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking; what is in memory stays as it is."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()

    def open(self, model: str, recogniser: Recogniser) -> GalleryView:
        """Return a model's gallery as a recogniser sees it, up to date for as long as somebody holds it."""
        view = GalleryView(self._database, model, recogniser)
        view.refresh()
        with self._lock:
            self._views.add(view)
        return view

    def refresh(self, model: str) -> None:
        """Take in what was just changed in a gallery."""
        for view in self._held():
            if view.model == model:
                view.refresh()

    def poll(self) -> None:
        """Take in what others changed."""
        views = self._held()
        if not views:
            return
        with self._database.reading() as session:
            current = repository.revisions(session, {view.model for view in views})
        for view in views:
            if current.get(view.model, 0) != view.snapshot.revision:
                view.refresh()

    def _held(self) -> list[GalleryView]:
        with self._lock:
            return list(self._views)

    def _follow(self) -> None:
        while not self._closed.wait(self._interval_s):
            try:
                self.poll()
            except Exception:  # whatever happens to the database, what is in memory goes on answering
                log.exception("gallery_unreadable")
