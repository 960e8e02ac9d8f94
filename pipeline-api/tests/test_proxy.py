import asyncio
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest
from sqlalchemy import select

from fake_processor import MODEL, PROBLEM, Call, FakeProcessor, Reply, as_json, problem
from pipeline_api import app as app_module
from pipeline_api.database import MqttRequestRow
from pipeline_api.headers import MAX_KEY_BYTES
from pipeline_api.roles import Role
from pipeline_api.routes import OPERATIONS, Operation
from pipeline_api.routing import MAX_QUERY_BYTES
from pipeline_api.service.database import now
from running import Gateway, Server

PREDICT = "/v1/models/census-income/predictions"
INPUTS = {"inputs": [{"age": 39}, {"age": 50}]}


def path_of(operation: Operation) -> str:
    return operation.path.replace("{", "").replace("}", "")


def test_a_prediction_comes_back_as_the_processor_gave_it(gateway: Gateway, processor: FakeProcessor) -> None:
    answer = gateway.client.post(PREDICT, json=INPUTS, headers=gateway.admin)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert [p["label"] for p in answer.json()["predictions"]] == ["<=50K", ">50K"]
    assert processor.calls[-1].json == INPUTS


def test_the_processor_learns_who_is_calling_and_nothing_of_their_credential(
    gateway: Gateway, processor: FakeProcessor
) -> None:
    erik = gateway.new_user("erik", "engineer")

    gateway.client.post(PREDICT, json=INPUTS, headers=erik | {"Cookie": "a=b", "X-Anything": "c"})

    call = processor.calls[-1]
    assert call.caller is not None
    assert (call.caller["sub"], call.caller["role"]) == ("erik", "engineer")
    assert erik["Authorization"].removeprefix("Bearer ") not in str(call)
    assert call.headers.keys() == {
        "host",
        "content-length",
        "authorization",
        "x-loopkeeper-caller",
        "traceparent",
        "accept",
        "content-type",
    }


def test_nobody_signs_for_themselves(gateway: Gateway, processor: FakeProcessor) -> None:
    forged = gateway.new_user("eve") | {"X-Loopkeeper-Caller": "v1.forged.forged", "Forwarded": "for=x"}

    gateway.client.get("/v1/models", headers=forged)

    assert processor.calls[-1].caller is not None
    assert processor.calls[-1].caller["sub"] == "eve"


def test_a_trace_goes_on_behind_the_gateway(gateway: Gateway, processor: FakeProcessor) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    gateway.client.get(
        "/v1/models", headers=gateway.admin | {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    )

    assert processor.calls[-1].headers["traceparent"].split("-")[1] == trace


def test_an_idempotency_key_is_passed_on(gateway: Gateway, processor: FakeProcessor) -> None:
    gateway.client.post(PREDICT, json=INPUTS, headers=gateway.admin | {"Idempotency-Key": "once"})

    assert processor.calls[-1].headers["idempotency-key"] == "once"


@pytest.mark.parametrize("key", ["", "x" * (MAX_KEY_BYTES + 1), "caf\u00e9", "a\tb"])
def test_an_unusable_idempotency_key_is_refused(gateway: Gateway, processor: FakeProcessor, key: str) -> None:
    sent = {**gateway.admin, "Idempotency-Key": key}
    headers = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]

    answer = gateway.client.post(PREDICT, json=INPUTS, headers=headers)

    assert answer.status_code == 400
    assert not processor.calls


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.method} {o.path}")
def test_each_operation_is_for_its_role_and_those_above(
    gateway: Gateway, processor: FakeProcessor, operation: Operation
) -> None:
    for role in Role:
        body = INPUTS if operation.method in {"POST", "PATCH"} else None
        headers = gateway.new_key(role.value, role.value)
        answer = gateway.client.request(operation.method, path_of(operation), json=body, headers=headers)

        assert answer.status_code == (200 if role.includes(operation.role) else 403), role
    assert gateway.client.request(operation.method, path_of(operation)).status_code == 401
    assert {call.target for call in processor.calls} == {path_of(operation)}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/runs/1/events",
        "/v1/nothing",
        "/metrics/",
        "/v1",
        "/v1/models/a/b/c",
        "/readyz/x",
        "/v1/models/%2e%2e",
    ],
)
def test_whatever_is_not_in_the_table_is_404(gateway: Gateway, processor: FakeProcessor, path: str) -> None:
    answer = gateway.client.get(path, headers=gateway.admin)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == PROBLEM
    assert not processor.calls


def test_a_method_that_is_not_in_the_table_is_405(gateway: Gateway) -> None:
    answer = gateway.client.put("/v1/models", headers=gateway.admin)

    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"DELETE", "GET", "POST"}


def test_parameters_and_query_are_asked_for_as_they_came(gateway: Gateway, processor: FakeProcessor) -> None:
    gateway.client.get("/v1/models/caf%C3%A9%20%25/predictions?limit=5&before=a%2Fb", headers=gateway.admin)

    assert processor.calls[-1].target == "/v1/models/caf%C3%A9%20%25/predictions?limit=5&before=a%2Fb"


def test_a_query_that_is_too_long_is_refused(gateway: Gateway) -> None:
    answer = gateway.client.get(f"/v1/models?q={'x' * MAX_QUERY_BYTES}", headers=gateway.admin)

    assert answer.status_code == 400


@pytest.mark.parametrize("path", [PREDICT, "/v1/models"])
def test_problems_pass_as_they_are(gateway: Gateway, processor: FakeProcessor, path: str) -> None:
    errors = [{"loc": ["inputs", 0, "age"], "message": "No."}]
    reply = problem(422, "One value is wrong.", errors=errors)
    reply.headers |= {"retry-after": "7", "server": "secret", "set-cookie": "a=b", "x-internal": "c"}
    processor.on("POST", path, reply)

    answer = gateway.client.post(path, json=INPUTS, headers=gateway.admin)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == PROBLEM
    assert answer.headers["retry-after"] == "7"
    assert answer.json()["errors"] == errors
    assert not {"server", "set-cookie", "x-internal"} & set(answer.headers)


@pytest.mark.parametrize("path", [PREDICT, "/v1/models"])
def test_not_ready_passes_as_503(gateway: Gateway, processor: FakeProcessor, path: str) -> None:
    processor.on("POST", path, problem(503, "No version is served yet."))

    answer = gateway.client.post(path, json=INPUTS, headers=gateway.admin)

    assert (answer.status_code, answer.json()["detail"]) == (503, "No version is served yet.")


@pytest.mark.parametrize("path", [PREDICT, "/v1/models"])
def test_an_error_page_outside_the_contract_is_not_shown(
    gateway: Gateway, processor: FakeProcessor, path: str
) -> None:
    page = b"Traceback (most recent call last): secret"
    processor.on("POST", path, Reply(500, page, {"content-type": "text/plain"}))

    answer = gateway.client.post(path, json=INPUTS, headers=gateway.admin)

    assert answer.status_code == 502
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", [PREDICT, "/v1/models"])
def test_a_processor_that_refuses_the_gateway_is_not_the_callers_fault(
    gateway: Gateway, processor: FakeProcessor, path: str
) -> None:
    processor.on("POST", path, problem(401, "The service token is missing or wrong."))

    answer = gateway.client.post(path, json=INPUTS, headers=gateway.admin)

    assert answer.status_code == 502
    assert "SERVICE_TOKEN" in answer.json()["detail"]


@pytest.mark.parametrize("path", [PREDICT, "/v1/models"])
def test_an_unreachable_processor_is_502(open_gateway: Callable[..., Gateway], path: str) -> None:
    gateway = open_gateway(processor_url="http://127.0.0.1:1")

    answer = gateway.client.post(path, json=INPUTS, headers=gateway.admin)

    assert answer.status_code == 502
    assert answer.headers["content-type"] == PROBLEM
    assert "cannot be reached" in answer.json()["detail"]


@pytest.mark.parametrize("path", [PREDICT, "/v1/models"])
def test_a_slow_processor_is_504(
    open_gateway: Callable[..., Gateway],
    processor: FakeProcessor,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    impatient = tuple(replace(operation, timeout_s=0.1) for operation in OPERATIONS)
    monkeypatch.setattr(app_module, "OPERATIONS", impatient)
    processor.on("POST", path, Reply(delay_s=1))
    gateway = open_gateway()

    answer = gateway.client.post(path, json=INPUTS, headers=gateway.admin)

    assert answer.status_code == 504
    assert answer.headers["content-type"] == PROBLEM


def test_a_body_that_is_too_large_is_refused(
    open_gateway: Callable[..., Gateway], processor: FakeProcessor
) -> None:
    gateway = open_gateway(max_body_bytes=1000)

    answer = gateway.client.post(PREDICT, content=b"x" * 1001, headers=gateway.admin)

    assert answer.status_code == 413
    assert not processor.calls


def test_a_large_body_arrives_whole(gateway: Gateway, processor: FakeProcessor) -> None:
    rows = {"inputs": [{"age": number} for number in range(50_000)]}

    answer = gateway.client.post(PREDICT, json=rows, headers=gateway.admin)

    assert processor.calls[-1].json == rows
    assert len(answer.json()["predictions"]) == 50_000


def test_a_log_of_unknown_length_is_streamed(gateway: Gateway, processor: FakeProcessor) -> None:
    chunks = [b"line %d\n" % number * 1000 for number in range(200)]
    head = {
        "content-type": "text/plain; charset=utf-8",
        "content-disposition": 'attachment; filename="run.log"',
    }
    processor.on("GET", "/v1/runs/1/logs", Reply(200, chunks, head))

    answer = gateway.client.get("/v1/runs/1/logs", headers=gateway.admin)

    assert answer.content == b"".join(chunks)
    assert answer.headers["content-disposition"] == 'attachment; filename="run.log"'
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_an_answer_without_a_body_has_none(gateway: Gateway, processor: FakeProcessor) -> None:
    processor.on("DELETE", "/v1/models/m", Reply(204, b"", {}))

    answer = gateway.client.delete("/v1/models/m", headers=gateway.admin)

    assert (answer.status_code, answer.content) == (204, b"")


def test_sixty_four_callers_at_once_are_never_mixed_up(gateway: Gateway, live: Server) -> None:
    keys = {f"key:caller-{n}": gateway.new_key(f"caller-{n}") for n in range(64)}

    def talk(subject: str) -> None:
        with httpx.Client(base_url=live.url, headers=keys[subject], timeout=60) as client:
            for number in range(5):
                row = {"age": number, "workclass": subject}
                (answer,) = client.post(PREDICT, json={"inputs": [row]}).json()["predictions"]
                assert answer["flags"] == [f"{subject} asked {json.dumps(row, sort_keys=True)}"]
                said = client.get("/v1/models/other")
                assert said.status_code == 200, said.text
                seen = said.json()["caller"]
                assert (seen["sub"], seen["role"]) == (subject, "user")

    with ThreadPoolExecutor(64) as threads:
        list(threads.map(talk, keys))


def test_one_credential_has_only_so_many_requests_in_work(
    open_gateway: Callable[..., Gateway], processor: FakeProcessor
) -> None:
    gateway = open_gateway(requests_in_flight=2)
    release = threading.Event()

    async def held(_call: Call) -> Reply:
        await asyncio.to_thread(release.wait)
        return as_json(MODEL)

    processor.on("GET", "/v1/models/held", held)
    alice, bob = gateway.new_user("alice"), gateway.new_user("bob")
    with ThreadPoolExecutor(2) as threads:
        held_back = [threads.submit(gateway.client.get, "/v1/models/held", headers=alice) for _ in range(2)]
        deadline = time.monotonic() + 10
        while len(processor.calls) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)

        assert gateway.client.get("/v1/models", headers=alice).status_code == 429
        assert gateway.client.get("/v1/models", headers=bob).status_code == 200

        release.set()
        assert [answer.result().status_code for answer in held_back] == [200, 200]
    assert gateway.client.get("/v1/models", headers=alice).status_code == 200


def test_whoever_is_forgotten_is_forgotten_here_too_but_only_if_that_succeeded(
    gateway: Gateway, processor: FakeProcessor
) -> None:
    database = gateway.app.state.gateway.auth.keys._database

    def sent(digest: str) -> None:
        with database.transaction() as session:
            session.add(MqttRequestRow(digest=digest, holder="one", answer=b"Ann", published_at=now()))

    def kept() -> int:
        with database.reading() as session:
            return len(list(session.scalars(select(MqttRequestRow))))

    sent("a")
    path = "/v1/models/door/persons/ann"
    processor.on("DELETE", path, problem(404, "There is no such person."))
    gateway.client.delete(path, headers=gateway.admin)
    assert kept() == 1
    processor.on("DELETE", path, Reply(204, b""))
    assert gateway.client.delete(path, headers=gateway.admin).status_code == 204
    assert kept() == 0
