"""The document of messages says what is really sent."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from broker import Device
from fake_processor import FakeProcessor, as_json, problem
from running import Gateway

DOCUMENT = yaml.safe_load((Path(__file__).parents[2] / "asyncapi.yaml").read_text())

RESULTS = {
    name
    for channel in DOCUMENT["channels"].values()
    if "/results/" in channel["address"]
    for name in channel["messages"]
}
QUERY = f"query-images/{'0' * 32}.jpg"
ANSWERS = {
    "/v1/predictions/p-1/feedback": {"id": "f-1", "prediction": "p-1", "correct": False, "label": None},
    "/v1/models/faces/predictions": {
        "model": "faces",
        "version": "1",
        "stage": "main",
        "predictions": [
            {
                "id": "p-2",
                "label": "Ann",
                "distance": 4.1,
                "threshold": 5.5,
                "confidence": 0.8,
                "faces": 1,
                "flags": [],
                "ask": False,
            }
        ],
    },
    "/v1/models/faces/training-pictures": {"score": 0.9, "person": "1", "picture": "2"},
    "/v1/pictures": {
        "image": QUERY,
        "upload": {"method": "PUT", "url": "https://s3.example.org/", "headers": {}},
        "expires_at": "2026-01-01T00:00:00Z",
    },
    "/v1/face-box": {"box": {"x": 1, "y": 2, "width": 3, "height": 3}, "faces": 1},
    "/v1/image-processing/crop": {"image": QUERY},
    "/v1/image-processing/black-and-white": {"image": QUERY},
}
BOX = {"x": 0, "y": 0, "width": 9, "height": 9}
EXCHANGES: list[tuple[str, str | None, dict[str, Any], str]] = [
    (
        "census-income/actions/predict",
        "predict",
        {"$id": "a", "inputs": [{"age": 39}], "version": "2"},
        "predicted",
    ),
    (
        "census-income/actions/feedback",
        "feedback",
        {"$id": 2, "prediction": "p-1", "correct": False},
        "given",
    ),
    ("strict/actions/predict", "predict", {"$id": "a", "inputs": [{"age": 39}]}, "refused"),
    ("census-income/actions/predict", None, {}, "refused"),
    ("faces/actions/recognize", "recognize", {"$id": 3, "queryImage": QUERY}, "recognized"),
    ("faces/actions/train", "train", {"$id": 4, "label": "Ann", "image": QUERY}, "trained"),
    ("pictures/actions/upload", "upload", {"$id": 5, "folder": "query-images"}, "offered"),
    ("face-box/actions/update-box", "updateBox", {"$id": 6, "image": QUERY}, "boxUpdated"),
    ("image-processing/actions/crop", "crop", {"$id": 7, "image": QUERY, **BOX}, "imageMade"),
    ("image-processing/actions/black-and-white", "blackAndWhite", {"$id": 8, "image": QUERY}, "imageMade"),
]
"""What is asked where, as which message (None: no JSON), and as which message it is answered."""


def wrong(message: str, payload: Any) -> list[str]:
    """Return what is wrong with a message of this name."""
    schema = {**DOCUMENT["components"]["messages"][message]["payload"], "components": DOCUMENT["components"]}
    return [error.message for error in jsonschema_rs.validator_for(schema).iter_errors(payload)]


@pytest.mark.services
def test_messages_over_mqtt_are_as_described(
    new_device: Callable[..., Device], processor: FakeProcessor
) -> None:
    bad = problem(422, "One field is wrong.", errors=[{"loc": ["inputs", 0, "age"], "message": "Too old."}])
    processor.on("POST", "/v1/models/strict/predictions", bad)
    for path, answer in ANSWERS.items():
        processor.on("POST", path, as_json(answer, 201))
    door = new_device("door")

    sent = []
    for topic, request, asked, answer in EXCHANGES:
        if request is not None:
            assert wrong(request, asked) == []
        door.ask(f"{topic}/door", b"no JSON" if request is None else asked)
        payload = door.answers(len(door.got) + 1)[-1]
        assert wrong(answer, payload) == [], (topic, payload)
        others = RESULTS - {answer}
        assert all(wrong(other, payload) for other in others)
        sent.append(request)
    addresses = {channel["address"] for channel in DOCUMENT["channels"].values()}
    used = {address.format(model="faces", device="door", run="1") for address in addresses}
    used |= {address.format(model="census-income", device="door", run="1") for address in addresses}
    assert {topic for topic, _ in door.got if not topic.startswith("strict/")} < used
    actions = [channel for channel in DOCUMENT["channels"].values() if "/actions/" in channel["address"]]
    assert {name for channel in actions for name in channel["messages"]} == {*sent} - {None}


AT = "2026-01-01T00:00:00Z"
MEASURED = {
    "name": "roc_auc",
    "value": 0.91,
    "epoch": 3,
    "seconds": 0.2,
    "learning_rate": 0.01,
    "training_loss": 0.31,
    "validation_loss": 0.33,
    "training_metric": 0.93,
    "gradient_norm": 0.4,
    "weight_norm": 2.5,
}
LOST = dict.fromkeys(("value", "training_loss", "validation_loss", "gradient_norm", "weight_norm"))
APPLIED = {
    "number": 1,
    "state": "applied",
    "subject": "ada",
    "epoch": 3,
    "row": 512,
    "changes": {"learning_rate": {"from": 0.1, "to": 0.01}, "patience": {"from": None, "to": 5}},
}
REFUSED = {
    "state": "refused",
    "subject": "ada",
    "changes": {"learning_rate": {"to": 0.01}},
    "message": "The run ended before.",
}
EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("status", {"status": "queued", "reason": "ada started it.", "subject": "ada"}),
    ("status", {"status": "running"}),
    ("step", {"step": "fit", "state": "started"}),
    ("status", {"status": "running", "state": "running", "subject": "loopkeeper", "message": "It learns."}),
    ("metric", {"name": "loss", "value": 0.1, "trial": 4}),
    ("metric", MEASURED),
    ("metric", {**MEASURED, **LOST}),
    ("log", {"level": "info", "message": "x"}),
    ("hyperparameters", APPLIED),
    ("hyperparameters", REFUSED),
    ("step", {"step": "fit", "state": "finished", "seconds": 2.5}),
    ("status", {"status": "failed", "error": "The disk is full."}),
]
WRONG_EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("status", {"status": "running", "state": "asleep"}),
    ("status", {"state": "paused"}),
    ("metric", {**MEASURED, "training_loss": "NaN"}),
    ("metric", {"name": "roc_auc"}),
    ("hyperparameters", {**APPLIED, "number": 0}),
    ("hyperparameters", {**APPLIED, "changes": {}}),
    ("hyperparameters", {**APPLIED, "changes": REFUSED["changes"]}),
    ("hyperparameters", {name: value for name, value in APPLIED.items() if name != "row"}),
    ("hyperparameters", {name: value for name, value in REFUSED.items() if name != "message"}),
]


def test_events_over_the_websocket_are_as_described(gateway: Gateway, processor: FakeProcessor) -> None:
    processor.events["1"] = [
        {"seq": seq, "at": AT, "type": kind, **body} for seq, (kind, body) in enumerate(EVENTS, 1)
    ]
    processor.finished.add("1")

    with gateway.client.websocket_connect("/v1/runs/1/events", headers=gateway.admin) as websocket:
        events = [websocket.receive_json() for _ in EVENTS]

    assert [wrong(event["type"], event) for event in events] == [[]] * len(EVENTS)
    assert all(wrong("metric", event) for event in events if event["type"] != "metric")


@pytest.mark.parametrize(("kind", "body"), WRONG_EVENTS)
def test_events_of_another_shape_are_not_described(kind: str, body: dict[str, Any]) -> None:
    assert wrong(kind, {"seq": 1, "at": AT, "type": kind, **body})
