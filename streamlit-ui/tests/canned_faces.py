"""What the gateway says of models for faces: the task, a model, persons, and pictures to ask about."""

import io
from typing import Any

from PIL import Image

import canned
import canned_schemas

TASK: dict[str, Any] = {
    "task": "face-recognition",
    "title": "Recognise faces",
    "label": "Faces",
    "meaning": "Who is in a picture, or nobody who is known.",
    "takes": "pictures",
    "answer": "label",
    "suits": None,
    "metrics": ["accuracy"],
    "default_metric": "accuracy",
    "lower_is_better": [],
    "estimators": [{"name": "lbp", "title": "Local binary patterns", "help": "", "hyperparameters": []}],
    "vectorizers": [],
    "preparation": [],
}
SCHEMA = canned_schemas.schema({"image": {"type": "string", "x-kind": "text"}}, ["image"])
THRESHOLD = 0.62


def model(name: str, **changes: Any) -> dict[str, Any]:
    return canned.model(
        name, SCHEMA, [], task="face-recognition", takes="pictures", target="person", **changes
    )


def photo(colour: str, size: tuple[int, int] = (60, 80)) -> bytes:
    """Return a picture; to the fake gateway, each colour is a face of its own."""
    made = io.BytesIO()
    Image.new("RGB", size, colour).save(made, "JPEG")
    return made.getvalue()


def person(number: int, label: str, **changes: Any) -> dict[str, Any]:
    default: dict[str, Any] = {
        "id": f"person-{number}",
        "label": label,
        "contact": "",
        "details": {},
        "consent_at": None,
        "keep_until": None,
        "subject": "erin",
        "created_at": canned.ago(hours=number),
        "pictures": [],
    }
    return {**default, **changes}


def picture(number: int, image: str, **changes: Any) -> dict[str, Any]:
    default = {
        "id": f"picture-{number}",
        "kind": "enrolled",
        "image": image,
        "prediction": None,
        "subject": "erin",
        "added_at": canned.ago(minutes=number),
    }
    return {**default, **changes}
