"""What devices see, with a real broker between them and the gateway."""

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from prometheus_client import CollectorRegistry

from broker import PASSWORD, PATIENCE_S, Device, Mosquitto, until
from fake_processor import CALLER_KEY, SERVICE_TOKEN, Call, FakeProcessor, Reply, as_json, predict, problem
from pipeline_api.metrics import GatewayMetrics
from pipeline_api.mqtt.answering import REPEAT_S
from pipeline_api.mqtt.connection import Broker, Connection
from pipeline_api.settings import Settings
from running import PASSWORD as ADMIN_PASSWORD
from running import Gateway

pytestmark = pytest.mark.services
PREDICTIONS = "/v1/models/[^/]+/predictions"
NewDevice = Callable[..., Device]


MOST_IN_FLIGHT = 5


class Keyed:
    """Answers predictions as the processor does: one for each `Idempotency-Key`."""

    def __init__(self, delay_s: float = 0) -> None:
        self.delay_s = delay_s
        self.asked: list[str] = []
        self.done: dict[str, Reply] = {}

    def __call__(self, call: Call) -> Reply:
        key = call.headers["idempotency-key"]
        self.asked.append(key)
        reply = predict(call, "/v1/models/census-income/predictions")
        body = json.loads(reply.body if isinstance(reply.body, bytes) else b"")
        body["predictions"][0]["id"] = f"p-{len(self.done)}"
        made = self.done.setdefault(key, as_json(body))
        return Reply(body=made.body, delay_s=self.delay_s)


def test_a_prediction_is_asked_for_and_answered(new_device: NewDevice, processor: FakeProcessor) -> None:
    door = new_device("door")

    door.predict("a-1")

    (answer,) = door.answers(1)
    assert answer["$id"] == "a-1"
    assert answer["predictions"][0]["label"] == ">50K"
    assert door.got[0][0] == "census-income/results/predict/door"
    caller = processor.calls[-1].caller
    assert caller is not None
    assert (caller["sub"], caller["role"]) == ("device:door", "user")


def test_a_gateway_speaks_with_tls_to_a_broker_whose_authority_it_trusts(
    open_gateway: Callable[..., Gateway], broker: Mosquitto
) -> None:
    with_tls = {"mqtt_url": broker.url("mqtts"), "mqtt_ca_file": broker.certificate}
    gateway = open_gateway(**broker.settings | with_tls)
    until(lambda: connected(gateway), "it is not connected")


@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")  # paho's
def test_a_gateway_speaks_to_no_broker_whose_authority_it_does_not_trust(
    gateway_settings: Callable[..., Settings], broker: Mosquitto
) -> None:
    settings = gateway_settings(**broker.settings | {"mqtt_url": broker.url("mqtts")})

    async def connect() -> None:
        async with Connection(Broker.of(settings), 1, GatewayMetrics(CollectorRegistry())):
            pass

    with pytest.raises(aiomqtt.MqttError, match="CERTIFICATE_VERIFY_FAILED"):
        asyncio.run(connect())
    gc.collect()


def test_feedback_is_given_in_the_name_of_the_device(new_device: NewDevice, processor: FakeProcessor) -> None:
    processor.on("POST", "/v1/predictions/p-1/feedback", as_json({"id": "f-1", "correct": False}, 201))
    door = new_device("door")

    given = {"$id": 7, "prediction": "p-1", "correct": False, "label": "<=50K"}
    door.ask("census-income/actions/feedback/door", given)

    assert door.answers(1) == [{"$id": 7, "id": "f-1", "correct": False}]
    assert processor.calls[-1].json == {"correct": False, "label": "<=50K"}
    assert processor.calls[-1].caller == processor.calls[-1].caller | {"sub": "device:door"}  # type: ignore[operator]


def test_what_cannot_be_answered_is_refused_in_words_and_nothing_waits_behind_it(
    new_device: NewDevice, processor: FakeProcessor
) -> None:
    processor.on("POST", "/v1/models/odd/predictions", problem(422, "Wrong.", errors=[{"loc": ["age"]}]))
    door = new_device("door")
    topic = "census-income/actions/predict/door"

    for poison in (b"", b"\xff\xfe", b"[1]", b'"x"', b"{", b"[" * 100_000, b'{"inputs":[]}', b'{"$id":""}'):
        door.ask(topic, poison)
    door.ask(topic, {"$id": True, "inputs": []})
    door.ask(topic, b" " * (1024 * 1024 + 1))
    door.ask("census-income/actions/dance/door", {"$id": "f"})
    door.ask("../actions/predict/door", {"$id": "m", "inputs": []})
    door.ask("census-income/actions/feedback/door", {"$id": "p", "prediction": 3})
    door.ask("odd/actions/predict/door", {"$id": "e", "inputs": [{}]})
    door.predict("good")

    answers = {answer["$id"]: answer for answer in door.answers(15)}
    assert [answer["$id"] for _, answer in door.got].count(None) == 10
    assert all("message" in answer["error"] for name, answer in answers.items() if name != "good")
    known = "predict, feedback, recognize, train"
    assert answers["f"]["error"]["message"] == f"There is no 'dance' over MQTT; there are {known}."
    assert answers["m"]["error"]["status"] == 404
    assert answers["e"]["error"] == {"message": "Wrong.", "status": 422, "errors": [{"loc": ["age"]}]}
    assert "predictions" in answers["good"]


def test_an_answer_goes_where_the_device_wants_it_if_that_is_its_own(new_device: NewDevice) -> None:
    door, hall = (new_device(name, f"+/results/+/{name}", f"replies/{name}/#") for name in ("door", "hall"))
    topic, asked = "census-income/actions/predict/door", {"$id": 1, "inputs": [{"age": 1}]}

    door.ask(topic, asked, ResponseTopic="replies/door/here", CorrelationData=b"\x00c")
    door.answers(1)
    assert door.got[0][0] == "replies/door/here"
    assert door.messages[0].properties.CorrelationData == b"\x00c"  # type: ignore[union-attr]

    for index, others in enumerate(("replies/hall/x", "census-income/results/predict/hall", "replies/#")):
        door.ask(topic, asked | {"$id": f"n-{index}"}, ResponseTopic=others)
    assert {answer["error"]["status"] for answer in door.answers(4)[1:]} == {403}
    assert hall.got == []


def test_a_device_reads_its_own_results_only(new_device: NewDevice) -> None:
    spy = new_device("spy", "#", "+/results/+/door", "$share/x/+/results/#", "+/actions/#", "$SYS/#")
    door = new_device("door")

    door.predict("a")
    door.answers(1)
    spy.ask("census-income/actions/predict/door", {"$id": "forged", "inputs": [{"age": 1}]})
    spy.ask("census-income/results/predict/door", {"$id": "forged", "predictions": []})
    spy.ask("census-income/actions/predict", {"$id": "forged", "inputs": [{"age": 1}]})
    spy.predict("own")

    spy.answers(1)
    door.predict("b")
    assert [answer["$id"] for answer in door.answers(2)] == ["a", "b"]
    spy.predict("last")
    until(lambda: "last" in spy.counted(), "no answer")
    assert set(spy.counted()) == {"own", "last"}


def test_one_device_may_use_the_topics_without_a_name(bridged: Gateway, new_device: NewDevice) -> None:
    house = new_device("house", "+/results/+", public_topics=True)
    spy = new_device("spy", "+/results/+", "+/results/+/spy")

    house.ask("census-income/actions/predict", {"$id": "h", "inputs": [{"age": 1}]})

    assert house.answers(1)[0]["$id"] == "h"
    assert house.got[0][0] == "census-income/results/predict"
    spy.predict("s")
    assert [answer["$id"] for answer in spy.answers(1)] == ["s"]
    another = {"name": "another", "public_topics": True}
    refused = bridged.client.post("/v1/auth/devices", json=another, headers=bridged.admin)
    assert refused.status_code == 409
    assert "'house'" in refused.json()["detail"]


def test_another_device_gets_nothing_out_of_a_session_that_it_takes_over(
    broker: Mosquitto, new_device: NewDevice
) -> None:
    """It may guess the name of the other's session: what waits there is not for it."""
    hall, spy = new_device("hall", "none"), new_device("spy", "none")

    def take(session: str, device: Device) -> str:
        """Subscribe in a session that stays, as Mosquitto's own client does, and return what waited there."""
        call = ["mosquitto_sub", "-p", str(broker.port), "-u", device.name, "-P", device.password]
        topics = ["-c", "-i", session, "-q", "1", "-t", f"+/results/+/{device.name}", "-W", "1"]
        return subprocess.run([*call, *topics], capture_output=True, check=False, text=True).stdout

    for session in ("one", "two"):
        take(session, hall)
    hall.predict("secret")
    time.sleep(0.5)

    assert "secret" not in take("one", spy)
    assert "secret" in take("two", hall)


def test_a_revoked_device_is_cut_off(bridged: Gateway, new_device: NewDevice) -> None:
    door = new_device("door")
    devices = bridged.client.get("/v1/auth/devices", headers=bridged.admin).json()

    gone = bridged.client.delete(f"/v1/auth/devices/{devices[0]['id']}", headers=bridged.admin)

    assert gone.status_code == 204
    until(lambda: door.disconnected > 0 and bool(door.refused), "the broker still lets it in")
    assert "Not authorized" in door.refused[0]


def test_a_repeated_request_is_done_once_and_not_answered_twice_at_once(
    new_device: NewDevice, processor: FakeProcessor
) -> None:
    keyed = Keyed(delay_s=0.1)
    processor.on("POST", PREDICTIONS, keyed)
    door = new_device("door")

    for _ in range(3):
        door.predict("same")
    door.predict("next")

    door.answers(2)
    time.sleep(0.3)
    assert door.counted() == {"same": 1, "next": 1}
    assert len(keyed.done) == len(keyed.asked) == 2


def test_a_request_waits_for_a_processor_that_is_away(
    new_device: NewDevice, processor: FakeProcessor
) -> None:
    answers = iter([problem(503, "Starting."), problem(502, "Away.")])
    processor.on(
        "POST", PREDICTIONS, lambda call: next(answers, None) or predict(call, "/v1/models/m/predictions")
    )
    door = new_device("door")

    door.predict("a")

    assert "predictions" in door.answers(1)[0]


def test_replicas_divide_the_work(
    open_gateway: Callable[..., Gateway],
    bridged: Gateway,
    new_device: NewDevice,
    broker: Mosquitto,
    processor: FakeProcessor,
) -> None:
    processor.on("POST", PREDICTIONS, Keyed())
    other = open_gateway(**broker.settings)
    until(lambda: consumed(other) >= 0 and connected(other), "the second gateway is not connected")
    door = new_device("door")

    for index in range(40):
        door.predict(index)

    door.answers(40)
    assert door.counted() == dict.fromkeys(range(40), 1)
    shares = [consumed(gateway) for gateway in (bridged, other)]
    assert sum(shares) == 40
    assert min(shares) >= 10


def test_a_broker_that_is_killed_under_load_costs_no_answer_and_nothing_is_done_twice(
    bridged: Gateway, new_device: NewDevice, broker: Mosquitto, processor: FakeProcessor
) -> None:
    keyed = Keyed(delay_s=0.05)
    processor.on("POST", PREDICTIONS, keyed)
    doors = [new_device(f"door-{index}") for index in range(3)]

    def load(numbers: range) -> None:
        for number in numbers:
            for door in doors:
                door.predict(number)
            time.sleep(0.01)

    load(range(40))
    broker.kill()
    load(range(40, 60))  # kept by the devices until the broker is back
    broker.start()
    load(range(60, 80))

    # What the broker took and lost in the crash, a device asks for again.
    deadline = time.monotonic() + PATIENCE_S
    while missing := [(door, n) for door in doors for n in range(80) if n not in door.counted()]:
        assert time.monotonic() < deadline, f"{len(missing)} of 240 are not answered"
        before = len(missing)
        asked = time.monotonic()
        while before and time.monotonic() < asked + REPEAT_S + 0.5:
            before = sum(n not in door.counted() for door, n in missing)
            time.sleep(0.02)
        for door, number in missing:
            if number not in door.counted():
                door.predict(number)
    assert [set(door.counted()) for door in doors] == [set(range(80))] * 3
    assert len(keyed.done) == 3 * 80
    # What the broker delivered as it died, and had not yet confirmed, is sent once more: QoS 1.
    assert sum(count - 1 for door in doors for count in door.counted().values()) <= MOST_IN_FLIGHT
    assert connected(bridged)


def test_a_gateway_that_is_killed_between_doing_and_answering_costs_no_answer(
    new_device: NewDevice,
    broker: Mosquitto,
    processor: FakeProcessor,
    gateway_settings: Callable[..., Any],
) -> None:
    """What a killed gateway has begun, another answers: done once, answered once."""
    keyed = Keyed()
    processor.on("POST", PREDICTIONS, keyed)
    door = new_device("door")
    second = _start(gateway_settings(**broker.settings))
    try:
        until(lambda: len(list_sessions(gateway_settings().state_dir)) == 2, "it is not connected")
        keyed.delay_s = 1.5
        for index in range(20):
            door.predict(index)
        until(lambda: len(keyed.done) == 20, "not all were asked")
        second.send_signal(signal.SIGKILL)
    finally:
        second.kill()
        second.wait()
    keyed.delay_s = 0

    until(lambda: len(door.counted()) == 20, "requests are lost")
    time.sleep(0.3)
    assert door.counted() == dict.fromkeys(range(20), 1)
    assert len(keyed.done) == 20


def test_a_request_waits_while_no_gateway_runs(
    open_gateway: Callable[..., Gateway], broker: Mosquitto, processor: FakeProcessor
) -> None:
    processor.on("POST", PREDICTIONS, Keyed())
    first = open_gateway(**broker.settings)
    made = first.client.post("/v1/auth/devices", json={"name": "door"}, headers=first.admin).json()
    with Device(broker, "door", made["password"]) as door:
        first.client.__exit__(None, None, None)
        door.predict("waits").wait_for_publish(5)

        open_gateway(**broker.settings)

        assert door.answers(1)[0]["$id"] == "waits"


def _start(settings: Any) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        "PORT": "0",
        "STATE_DIR": str(settings.state_dir),
        "PROCESSOR_URL": str(settings.processor_url),
        "SERVICE_TOKEN": SERVICE_TOKEN,
        "CALLER_KEY": CALLER_KEY,
        "ADMIN_PASSWORD": ADMIN_PASSWORD,
        "MQTT_URL": str(settings.mqtt_url),
        "MQTT_PASSWORD": PASSWORD,
    }
    program = str(Path(sys.executable).with_name("pipeline-api"))
    return subprocess.Popen([program, "serve"], env=environment)


def list_sessions(state_dir: Path) -> list[Any]:
    import sqlite3  # noqa: PLC0415

    with sqlite3.connect(state_dir / "gateway.db") as database:
        return list(database.execute("SELECT number FROM mqtt_sessions"))


def consumed(gateway: Gateway) -> float:
    return metric(
        gateway,
        'messaging_client_consumed_messages_total{messaging_destination_template="{model}/actions/predict"}',
    )


def connected(gateway: Gateway) -> bool:
    return metric(gateway, "loopkeeper_mqtt_connected") == 1


def metric(gateway: Gateway, series: str) -> float:
    lines = gateway.client.get("/metrics").text.splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(series + " "))
