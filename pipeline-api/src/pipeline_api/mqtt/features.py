"""What can be asked for over MQTT: one function each, which says what to ask the data-processor.

Most features are those of every model, whose name is the first part of a topic. The services on pictures have
no model; their names stand in its place, and no model may have them.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from pipeline_api.mqtt.messages import Fields, text_of
from pipeline_api.routing import path_of

Shape = Callable[[bytes], Mapping[str, Any]]
"""Turns what the data-processor answers into the fields of an answer."""


class Question(NamedTuple):
    """What the data-processor is asked: a POST, under a key that makes it safe to repeat."""

    path: str
    fields: Fields
    """The JSON object that is its body."""
    shape: Shape | None = None
    """None: the fields of the answer are those of the data-processor's."""


Feature = Callable[[str, Fields], Question]
"""Turns a model's name and the fields of a request into a question; raises a problem for a bad request."""


class _Face(msgspec.Struct):
    id: str | None = None
    label: Any = None
    distance: float | None = None
    threshold: float | None = None
    confidence: float | None = None
    faces: int | None = None


class _Faces(msgspec.Struct):
    predictions: list[_Face]


class _Enrolled(msgspec.Struct):
    score: float | None = None


def predict(model: str, fields: Fields) -> Question:
    """Predict: the fields are those of `POST /v1/models/{model}/predictions`."""
    return Question(path_of("v1", "models", model, "predictions"), fields)


def feedback(_model: str, fields: Fields) -> Question:
    """Give feedback on `prediction`: the others are those of `POST /v1/predictions/{id}/feedback`."""
    prediction = text_of(fields, "prediction")
    return Question(path_of("v1", "predictions", prediction, "feedback"), fields)


def recognize(model: str, fields: Fields) -> Question:
    """Recognise the face in `queryImage`: a prediction for this one picture."""
    image = text_of(fields, "queryImage")
    inputs = msgspec.Raw(msgspec.json.encode([{"image": image}]))
    return Question(path_of("v1", "models", model, "predictions"), {**fields, "inputs": inputs}, _recognised)


def train(model: str, fields: Fields) -> Question:
    """Add a labelled picture: the fields are those of `POST /v1/models/{model}/training-pictures`."""
    return Question(path_of("v1", "models", model, "training-pictures"), fields, _trained)


def _at(*path: str) -> Feature:
    """Return the feature of a service on pictures, whose fields are those of its operation."""

    def ask(_service: str, fields: Fields) -> Question:
        return Question(path_of("v1", *path), fields)

    return ask


def _recognised(body: bytes) -> Mapping[str, Any]:
    (face,) = msgspec.json.decode(body, type=_Faces).predictions
    known = msgspec.structs.asdict(face)
    return {**{name: value for name, value in known.items() if name != "id"}, "prediction": face.id}


def _trained(body: bytes) -> Mapping[str, Any]:
    return msgspec.structs.asdict(msgspec.json.decode(body, type=_Enrolled))


FEATURES: Mapping[str, Feature] = {
    "predict": predict,
    "feedback": feedback,
    "recognize": recognize,
    "train": train,
}
SERVICES: Mapping[str, Mapping[str, Feature]] = {
    "pictures": {"upload": _at("pictures")},
    "face-box": {"update-box": _at("face-box")},
    "image-processing": {
        "crop": _at("image-processing", "crop"),
        "black-and-white": _at("image-processing", "black-and-white"),
    },
}


def features_of(model: str) -> Mapping[str, Feature]:
    """Return what can be asked of a model, or of the service that stands in its place."""
    return SERVICES.get(model, FEATURES)


def destination_of(model: str, feature: str) -> str | None:
    """Return the template of a request's topic without its device; None for a feature that there is not."""
    if feature not in features_of(model):
        return None
    return f"{model if model in SERVICES else '{model}'}/actions/{feature}"
