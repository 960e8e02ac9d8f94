import json
from typing import Any

import msgspec
import pytest

from pipeline_api.mqtt.features import FEATURES, SERVICES, destination_of, features_of
from pipeline_api.mqtt.messages import Fields, answer
from pipeline_api.service.errors import BadRequest

IMAGE = "query-images/x.jpg"
FACE = {"label": None, "distance": 7.5, "threshold": 5.0, "confidence": 0.9, "faces": 2}


def fields(**given: Any) -> Fields:
    return msgspec.json.decode(msgspec.json.encode(given), type=Fields)


def test_a_picture_to_recognise_is_one_input_of_a_prediction() -> None:
    question = FEATURES["recognize"]("hall", fields(queryImage=IMAGE, version="2"))
    assert question.path == "/v1/models/hall/predictions"
    body = json.loads(msgspec.json.encode(question.fields))
    assert body == {"inputs": [{"image": IMAGE}], "version": "2"}


def test_without_a_picture_nobody_is_recognised() -> None:
    with pytest.raises(BadRequest, match="'queryImage' must be given, as a text"):
        FEATURES["recognize"]("hall", fields(queryImage=7))


def test_the_answer_about_a_face_has_the_fields_of_the_public_one() -> None:
    question = FEATURES["recognize"]("hall", fields(queryImage=IMAGE))
    said = {"model": "hall", "predictions": [{"id": "p-1", **FACE, "flags": [], "ask": True}]}
    made = json.loads(answer(1, 200, json.dumps(said).encode(), question.shape))
    assert made == {"$id": 1, **FACE, "prediction": "p-1"}


def test_of_a_model_without_faces_the_answer_says_only_what_there_is() -> None:
    question = FEATURES["recognize"]("census-income", fields(queryImage=IMAGE))
    said = {"predictions": [{"id": "p-1", "label": "<=50K", "probabilities": {}}]}
    made = json.loads(answer(1, 200, json.dumps(said).encode(), question.shape))
    assert (made["label"], made["distance"], made["prediction"]) == ("<=50K", None, "p-1")


def test_a_refusal_is_told_as_it_is() -> None:
    question = FEATURES["recognize"]("hall", fields(queryImage=IMAGE))
    made = json.loads(answer(1, 422, b'{"detail": "No face."}', question.shape))
    assert made == {"$id": 1, "error": {"message": "No face.", "status": 422}}


def test_who_was_learnt_is_answered_with_the_score_alone() -> None:
    question = FEATURES["train"]("hall", fields(label="Ann", image=IMAGE))
    assert question.path == "/v1/models/hall/training-pictures"
    assert json.loads(msgspec.json.encode(question.fields)) == {"label": "Ann", "image": IMAGE}
    said = {"score": 0.75, "person": "1", "picture": "2"}
    assert json.loads(answer("a", 200, json.dumps(said).encode(), question.shape)) == {
        "$id": "a",
        "score": 0.75,
    }


@pytest.mark.parametrize(
    ("service", "feature", "path"),
    [
        ("pictures", "upload", "/v1/pictures"),
        ("face-box", "update-box", "/v1/face-box"),
        ("image-processing", "crop", "/v1/image-processing/crop"),
        ("image-processing", "black-and-white", "/v1/image-processing/black-and-white"),
    ],
)
def test_a_service_on_pictures_is_asked_as_over_http(service: str, feature: str, path: str) -> None:
    question = features_of(service)[feature](service, fields(image=IMAGE))
    assert question.path == path
    assert json.loads(msgspec.json.encode(question.fields)) == {"image": IMAGE}
    assert json.loads(answer(1, 200, b'{"image": "new"}', question.shape)) == {"$id": 1, "image": "new"}
    assert destination_of(service, feature) == f"{service}/actions/{feature}"


def test_services_and_models_have_their_own_features() -> None:
    assert "predict" not in features_of("face-box")
    assert "crop" not in features_of("hall")
    assert destination_of("hall", "recognize") == "{model}/actions/recognize"
    assert destination_of("face-box", "predict") is None
    assert not {feature for service in SERVICES.values() for feature in service} & set(FEATURES)
