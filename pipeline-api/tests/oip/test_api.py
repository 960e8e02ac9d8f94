import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from fake_processor import MODEL, FakeProcessor, as_json, problem
from running import Gateway, Server

INFER = "/v2/models/census-income/infer"


def tensors(**columns: tuple[str, list[Any]]) -> list[dict[str, Any]]:
    return [
        {"name": name.replace("_", "-"), "datatype": datatype, "shape": [len(data)], "data": data}
        for name, (datatype, data) in columns.items()
    ]


def infer(gateway: Gateway, body: Any, path: str = INFER, **headers: str) -> Any:
    return gateway.client.post(path, json=body, headers=gateway.admin | headers)


def test_tensors_become_one_predictions_call(gateway: Gateway, processor: FakeProcessor) -> None:
    inputs = tensors(age=("INT64", [39, 50]), hours_per_week=("FP64", [40.5, None]))

    answer = infer(gateway, {"id": "mine", "inputs": inputs}).json()

    assert processor.calls[-1].json == {
        "inputs": [{"age": 39, "hours-per-week": 40.5}, {"age": 50, "hours-per-week": None}]
    }
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("census-income", "2", "mine")
    outputs = {output["name"]: output for output in answer["outputs"]}
    assert outputs["label"]["data"] == ["<=50K", ">50K"]
    assert outputs["probabilities"]["shape"] == [2, 2]


def test_a_version_may_be_asked(gateway: Gateway, processor: FakeProcessor) -> None:
    path = "/v2/models/census-income/versions/1/infer"

    answer = infer(gateway, {"inputs": tensors(age=("INT64", [39]))}, path)

    assert answer.json()["model_version"] == "1"
    assert processor.calls[-1].json["version"] == "1"


def test_an_idempotency_key_is_passed_on(gateway: Gateway, processor: FakeProcessor) -> None:
    infer(gateway, {"inputs": tensors(age=("INT64", [39]))}, **{"Idempotency-Key": "once"})

    assert processor.calls[-1].headers["idempotency-key"] == "once"


def test_an_output_that_does_not_exist_is_refused_before_anything_is_predicted(
    gateway: Gateway, processor: FakeProcessor
) -> None:
    body = {"inputs": tensors(age=("INT64", [39])), "outputs": [{"name": "value"}]}

    answer = infer(gateway, body)

    assert answer.status_code == 422
    assert "it has label, probabilities" in answer.json()["error"]
    assert [call.method for call in processor.calls] == ["GET"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"inputs": []}', b'{"inputs": [{"name": "a"}]}', b"\xff", b'{"inputs": 1e999}'],
)
def test_what_is_no_inference_request_is_refused(gateway: Gateway, content: bytes) -> None:
    answer = gateway.client.post(INFER, content=content, headers=gateway.admin)

    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert answer.json()["error"]


def test_a_binary_request_is_refused_in_words(gateway: Gateway) -> None:
    answer = infer(gateway, {}, **{"Inference-Header-Content-Length": "10"})

    assert answer.status_code == 400
    assert "binary_data=False" in answer.json()["error"]


def test_what_the_processor_finds_wrong_is_told_in_one_sentence(
    gateway: Gateway, processor: FakeProcessor
) -> None:
    errors = [{"loc": ["inputs", n, "age"], "message": "This is not a number."} for n in range(7)]
    processor.on("POST", ".*/predictions", problem(422, "7 values are wrong.", errors=errors))

    answer = infer(gateway, {"inputs": tensors(age=("INT64", [39]))})

    assert answer.status_code == 422
    assert answer.json()["errors"] == errors
    assert answer.json()["error"].startswith("7 values are wrong. inputs.0.age: This is not a number.;")
    assert answer.json()["error"].endswith("(and 2 more)")


def test_every_problem_carries_the_protocols_error(gateway: Gateway) -> None:
    answer = gateway.client.get("/v2/models/census-income")

    assert answer.status_code == 401
    assert answer.json()["error"] == answer.json()["detail"]


@pytest.mark.parametrize(
    "path", ["/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/m", "/v2/models/m/versions/1/ready"]
)
def test_every_route_needs_a_credential(gateway: Gateway, path: str) -> None:
    assert gateway.client.get(path).status_code == 401


def test_a_server_that_serves_no_model_is_not_ready(gateway: Gateway, processor: FakeProcessor) -> None:
    processor.on("GET", "/readyz", as_json({"checks": {"model": "Nothing is served yet."}}, 503))

    answer = gateway.client.get("/v2/health/ready", headers=gateway.admin)

    assert answer.status_code == 503
    assert "Nothing is served yet." in answer.json()["error"]


def test_a_model_that_is_not_answered_for_is_not_ready(gateway: Gateway, processor: FakeProcessor) -> None:
    trained = {"name": "new", "version": "1", "ready": False}  # promoted, and not loaded yet
    processor.on("GET", "/v1/models/new", as_json(MODEL | trained))

    answer = gateway.client.get("/v2/models/new/ready", headers=gateway.admin)

    assert answer.status_code == 503


def test_an_unknown_model_is_404(gateway: Gateway, processor: FakeProcessor) -> None:
    processor.on("GET", "/v1/models/unknown", problem(404, "There is no model 'unknown'."))

    answer = gateway.client.get("/v2/models/unknown", headers=gateway.admin)

    assert (answer.status_code, answer.json()["error"]) == (404, "There is no model 'unknown'.")


@pytest.mark.parametrize("model", ["%2e%2e", "a%2Fb", "..%2f..", "a%5Cb"])
def test_a_name_leads_nowhere_else(gateway: Gateway, processor: FakeProcessor, model: str) -> None:
    answer = gateway.client.get(f"/v2/models/{model}", headers=gateway.admin)

    assert answer.status_code == 404
    assert not processor.calls


@pytest.fixture
def client(gateway: Gateway, live: Server) -> Iterator[triton.InferenceServerClient]:
    """NVIDIA's own client; each of its calls is given the credential."""
    client = triton.InferenceServerClient(live.url.removeprefix("http://"))
    client.credential = gateway.admin
    yield client
    client.close()


def column(name: str, datatype: str, values: list[Any], kind: Any) -> triton.InferInput:
    tensor = triton.InferInput(name, [len(values)], datatype)
    tensor.set_data_from_numpy(np.array(values, dtype=kind), binary_data=False)
    return tensor


COLUMNS: list[Callable[[], triton.InferInput]] = [
    lambda: column("age", "INT64", [39, 50, 60], np.int64),
    lambda: column("hours-per-week", "FP64", [40, np.nan, 12.5], np.float64),
    lambda: column("workclass", "BYTES", ["Private", "State-gov", "Private"], np.object_),
]


def test_tritonclient_finds_server_and_model(client: Any) -> None:
    credential = client.credential

    assert client.is_server_live(headers=credential)
    assert client.is_server_ready(headers=credential)
    assert client.is_model_ready("census-income", headers=credential)
    assert client.is_model_ready("census-income", "1", headers=credential)
    assert not client.is_model_ready("census-income", "9", headers=credential)
    assert not client.is_server_live()
    assert client.get_server_metadata(headers=credential)["name"] == "loopkeeper"
    metadata = client.get_model_metadata("census-income", headers=credential)
    assert [(i["name"], i["datatype"]) for i in metadata["inputs"]] == [
        ("age", "INT64"),
        ("hours-per-week", "FP64"),
        ("workclass", "BYTES"),
    ]
    assert metadata["versions"] == ["2", "1"]


def test_tritonclient_predicts(client: Any, processor: FakeProcessor) -> None:
    wanted = [triton.InferRequestedOutput(n, binary_data=False) for n in ("label", "probabilities", "id")]

    answer = client.infer(
        "census-income",
        [make() for make in COLUMNS],
        outputs=wanted,
        request_id="7",
        headers=client.credential,
    )

    assert list(answer.as_numpy("label")) == ["<=50K", ">50K", ">50K"]
    assert answer.as_numpy("probabilities").shape == (3, 2)
    assert json.loads(answer.get_output("probabilities")["parameters"]["classes"]) == ["<=50K", ">50K"]
    assert list(answer.as_numpy("id")) == ["p-0", "p-1", "p-2"]
    assert answer.get_response()["id"] == "7"
    assert processor.calls[-1].json["inputs"][1] == {
        "age": 50,
        "hours-per-week": None,
        "workclass": "State-gov",
    }


def test_tritonclient_predicts_without_naming_outputs(client: Any) -> None:
    answer = client.infer("census-income", [make() for make in COLUMNS], "1", headers=client.credential)

    assert answer.get_response()["model_version"] == "1"
    assert list(answer.as_numpy("ask")) == [False, False, False]


def test_tritonclient_understands_what_went_wrong(client: Any, processor: FakeProcessor) -> None:
    processor.on("POST", ".*/predictions", problem(422, "The age is wrong."))

    with pytest.raises(InferenceServerException, match="age is wrong"):
        client.infer("census-income", [COLUMNS[0]()], headers=client.credential)
