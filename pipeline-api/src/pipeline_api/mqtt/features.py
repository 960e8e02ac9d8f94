"""What can be asked for over MQTT: one function each, which says what to ask the data-processor."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from pipeline_api.mqtt.messages import Fields, text_of
from pipeline_api.routing import path_of


class Question(NamedTuple):
    """What the data-processor is asked: a POST, under a key that makes it safe to repeat."""

    path: str
    fields: Fields
    """The JSON object that is its body."""


Feature = Callable[[str, Fields], Question]
"""Turns a model's name and the fields of a request into a question; raises a problem for a bad request."""


def predict(model: str, fields: Fields) -> Question:
    """Predict: the fields are those of `POST /v1/models/{model}/predictions`."""
    return Question(path_of("v1", "models", model, "predictions"), fields)


def feedback(_model: str, fields: Fields) -> Question:
    """Give feedback on `prediction`: the others are those of `POST /v1/predictions/{id}/feedback`."""
    prediction = text_of(fields, "prediction")
    return Question(path_of("v1", "predictions", prediction, "feedback"), fields)


FEATURES: Mapping[str, Feature] = {"predict": predict, "feedback": feedback}
