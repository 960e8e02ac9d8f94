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


def wrong(message: str, payload: Any) -> list[str]:
    """Return what is wrong with a message of this name."""
    schema = {**DOCUMENT["components"]["messages"][message]["payload"], "components": DOCUMENT["components"]}
    return [error.message for error in jsonschema_rs.validator_for(schema).iter_errors(payload)]


@pytest.mark.services
def test_messages_over_mqtt_are_as_described(
    new_device: Callable[..., Device], processor: FakeProcessor
) -> None:
    given = {"id": "f-1", "prediction": "p-1", "correct": False, "label": None}
    processor.on("POST", "/v1/predictions/p-1/feedback", as_json(given, 201))
    bad = problem(422, "One field is wrong.", errors=[{"loc": ["inputs", 0, "age"], "message": "Too old."}])
    processor.on("POST", "/v1/models/strict/predictions", bad)
    door = new_device("door")
    predict = {"$id": "a", "inputs": [{"age": 39}], "version": "2"}
    feedback = {"$id": 2, "prediction": "p-1", "correct": False, "label": ">50K"}

    for topic, asked, answer in (
        ("census-income/actions/predict/door", ("predict", predict), "predicted"),
        ("census-income/actions/feedback/door", ("feedback", feedback), "given"),
        ("strict/actions/predict/door", ("predict", predict), "refused"),
        ("census-income/actions/predict/door", None, "refused"),
    ):
        if asked is not None:
            assert wrong(*asked) == []
        door.ask(topic, b"no JSON" if asked is None else asked[1])
        payload = door.answers(len(door.got) + 1)[-1]
        assert wrong(answer, payload) == []
        assert all(wrong(other, payload) for other in {"predicted", "given", "refused"} - {answer})
    addresses = {
        channel["address"].format(model="census-income", device="door")
        for channel in DOCUMENT["channels"].values()
        if "model" in channel["parameters"]
    }
    assert {topic for topic, _ in door.got[:2]} < addresses


def test_events_over_the_websocket_are_as_described(gateway: Gateway, processor: FakeProcessor) -> None:
    at = "2026-01-01T00:00:00Z"
    processor.events["1"] = [
        {"seq": 1, "at": at, "type": "status", "status": "running"},
        {"seq": 2, "at": at, "type": "step", "step": "fit", "state": "running"},
        {"seq": 3, "at": at, "type": "metric", "name": "loss", "value": 0.1},
        {"seq": 4, "at": at, "type": "log", "level": "info", "message": "x"},
        {"seq": 5, "at": at, "type": "hyperparameters", "learning_rate": 0.1},
    ]
    processor.finished.add("1")

    with gateway.client.websocket_connect("/v1/runs/1/events", headers=gateway.admin) as websocket:
        events = [websocket.receive_json() for _ in processor.events["1"]]

    assert [wrong(event["type"], event) for event in events] == [[]] * 5
    assert all(wrong("metric", event) for event in events if event["type"] != "metric")
