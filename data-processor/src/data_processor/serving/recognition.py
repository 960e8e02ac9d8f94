"""Recognition on the path of predictions: which face, whose, and how sure; for tasks that take pictures.

A request names pictures in the store. Its faces are found and described in threads of their own
(`gallery/faces.py`) before it joins a batch: what the batch does is as quick as for a row of a table.
"""

import asyncio
from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from data_processor.features.packing import Numbers, Packed
from data_processor.gallery.faces import FaceReader, Seen
from data_processor.gallery.views import GalleryView, Views
from data_processor.service.errors import BadRequest, FieldError, Invalid
from data_processor.serving.tally import MOST_CONFIDENCES
from data_processor.serving.validation import Checked
from data_processor.tasks.faces.extractors import Extractors

MOST_PICTURES = 16
"""Pictures of one request."""
IMAGE = "image"
NONE = -1.0
"""Stands for nobody's place, and for the distance to nobody."""
RECOGNISED = ("not recognised", "recognised")
SEVERAL_KIND = "several_faces"
SEVERAL = "image: several faces ({}), the largest was taken"
DECIMALS = 4
T = TypeVar("T")


class _Input(msgspec.Struct, forbid_unknown_fields=True):
    image: str


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    inputs: list[_Input]
    version: str | None = None


_decode = msgspec.json.Decoder(_Request).decode


class Answer(NamedTuple, Generic[T]):
    """What the engine answers, in the order of its columns: of one face, or as columns of all."""

    place: T
    """The place of the person in the gallery's snapshot, or `NONE`."""
    distance: T
    """To the nearest face that comes into question, or `NONE`."""
    threshold: T
    confidence: T
    faces: T
    """How many faces there were in the picture."""


class Recognition(NamedTuple):
    """What every version that recognises faces in this process works with."""

    faces: FaceReader
    galleries: Views
    extractors: Extractors


class PictureValidator:
    """Checks requests that name pictures, and turns these into signatures."""

    def __init__(self, faces: FaceReader, view: GalleryView) -> None:
        """Find faces with `faces`, and describe them with the extractor of the view's recogniser."""
        self._faces = faces
        self._sign = view.recogniser.extractor.signature

    async def check(self, body: bytes) -> Checked:
        """Return a body's request; raises `BadRequest` if it is not JSON, `Invalid` for each bad picture."""
        try:
            request = _decode(body)
        except msgspec.ValidationError as error:
            raise Invalid(
                f'Each input must be an object with the name of a picture, as in {{"{IMAGE}": '
                f'"query-images/…"}}: {error}.',
                errors=[{"loc": ["body"], "message": str(error)}],
            ) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadRequest(f"The body is not JSON: {error}.") from error
        if not 0 < len(request.inputs) <= MOST_PICTURES:
            message = f"must be 1 to {MOST_PICTURES} pictures, not {len(request.inputs)}"
            raise Invalid("Nothing was recognised.", errors=[{"loc": ["body", "inputs"], "message": message}])
        found = await self._find([one.image for one in request.inputs])
        numbers = np.stack([np.append(seen.face, np.float32(seen.faces)) for seen in found])
        return Checked(
            [msgspec.json.encode({IMAGE: one.image}) for one in request.inputs],
            Packed(numbers, np.zeros((len(found), 0), object)),
            [[SEVERAL.format(seen.faces)] if seen.faces > 1 else [] for seen in found],
            request.version,
        )

    async def _find(self, images: Sequence[str]) -> list[Seen]:
        begun = [
            asyncio.wrap_future(self._faces.asked(image, ("body", "inputs", place, IMAGE), self._sign))
            for place, image in enumerate(images)
        ]
        done = await asyncio.gather(*begun, return_exceptions=True)
        errors: list[FieldError] = []
        found = []
        for one in done:
            if isinstance(one, Invalid):
                errors += one.errors or ()
            elif isinstance(one, BaseException):
                raise one
            else:
                found.append(one)
        if errors:
            detail = errors[0]["message"] if len(images) == 1 else "Nothing was recognised; see each picture."
            raise Invalid(f"{detail[:1].upper()}{detail[1:]}", errors=errors)
        return found


class FaceEngine:
    """Answers signatures: whose face each is, as far as one version can tell from the gallery."""

    def __init__(self, view: GalleryView) -> None:
        """Look into a gallery that is kept up to date."""
        self.view = view

    def try_out(self) -> None:
        """Let it answer once, so that the first who asks waits no longer than the others."""
        length = self.view.recogniser.extractor.length
        self.describe(self.predict(np.zeros((1, length + 1), np.float32), np.zeros((1, 0), object)))

    def predict(self, numeric: Numbers, _strings: NDArray[np.object_]) -> Numbers:
        """Return the place of each face's person, distance, threshold, confidence and number of faces.

        `numeric` has the shape (faces, length of a signature + 1), with the number of faces last.
        """
        found = self.view.recognise(numeric[:, :-1].astype(np.float32))
        recogniser = self.view.recogniser
        answers = Answer(
            place=found.places,
            distance=np.where(np.isfinite(found.distances), found.distances, NONE),
            threshold=np.full(len(numeric), recogniser.threshold),
            confidence=recogniser.confidence(found.distances),
            faces=numeric[:, -1],
        )
        return np.column_stack(answers)

    def describe(self, outputs: Numbers) -> list[bytes]:
        """Return the JSON of each answer; a person who was forgotten a moment ago is not recognised."""
        snapshot = self.view.snapshot
        described = []
        for row in outputs.tolist():
            answer = Answer[float](*row)
            label, person = snapshot.named(int(answer.place))
            shown = {
                "label": label,
                "person": person,
                "distance": None if answer.distance == NONE else round(answer.distance, DECIMALS),
                "threshold": round(answer.threshold, DECIMALS),
                "confidence": round(answer.confidence, DECIMALS),
                "faces": int(answer.faces),
            }
            described.append(msgspec.json.encode(shown))
        return described


class FaceTally:
    """Counts answers of recognition: labels are people's names, and no metric may have them."""

    def answers(self, outputs: Numbers) -> list[tuple[str, int]]:
        """Return how many faces were recognised and how many were not."""
        recognised = int((_columns(outputs).place != NONE).sum())
        counts = zip(RECOGNISED, (len(outputs) - recognised, recognised), strict=True)
        return [(name, count) for name, count in counts if count]

    def confidences(self, outputs: Numbers) -> list[float]:
        """Return how sure the first answers were."""
        found: list[float] = _columns(outputs).confidence[:MOST_CONFIDENCES].tolist()
        return found

    def flag(self, flag: str) -> tuple[str, str]:
        """Return the feature that a flag is about, and the kind of it: there is one of each."""
        del flag
        return IMAGE, SEVERAL_KIND


def _columns(outputs: Numbers) -> Answer[Numbers]:
    return Answer(*outputs.T)
