import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

from fake_processor import MODEL, FakeProcessor, Reply, as_json, problem
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


@pytest.mark.parametrize(
    ("datatype", "number", "why"),
    [
        ("INT8", b"4000", "age (INT8): expected a whole number from -128 to 127, not 4000."),
        ("UINT8", b"-1", "age (UINT8): expected a whole number from 0 to 255, not -1."),
        ("FP16", b"70000", "age (FP16): expected a number from -65504 to 65504, not 70000."),
        ("FP64", b"9" * 310, "age (FP64): expected a number from -1.79769e+308 to 1.79769e+308, not 999"),
        ("BOOL", b"1", "age (BOOL): expected true or false, not 1."),
    ],
)
def test_a_value_that_its_datatype_does_not_hold_is_refused_before_anything_is_predicted(
    gateway: Gateway, processor: FakeProcessor, datatype: str, number: bytes, why: str
) -> None:
    content = b'{"inputs":[{"name":"age","shape":[1],"datatype":"%b","data":[%b]}]}' % (
        datatype.encode(),
        number,
    )

    answer = gateway.client.post(INFER, content=content, headers=gateway.admin)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["inputs", 0, "data", 0]
    assert why in answer.json()["error"]
    assert not processor.calls


@pytest.mark.parametrize("digits", [5_000, 100_000])
def test_an_integer_that_python_does_not_read_is_refused_too(gateway: Gateway, digits: int) -> None:
    content = b'{"inputs":[{"name":"age","shape":[1],"datatype":"INT64","data":[%b]}]}' % (b"9" * digits)

    assert gateway.client.post(INFER, content=content, headers=gateway.admin).status_code == 422


def test_what_is_null_in_a_request_is_absent_from_it_and_from_the_answer(gateway: Gateway) -> None:
    body: dict[str, Any] = {
        "id": None,
        "parameters": None,
        "outputs": None,
        "inputs": tensors(age=("INT64", [39])),
    }
    body["inputs"][0]["parameters"] = None

    answer = infer(gateway, body)

    assert answer.status_code == 200
    assert "id" not in answer.json()
    assert answer.json()["outputs"][0]["name"] == "label"


@pytest.mark.parametrize(
    ("outputs", "why"),
    [
        ([{"name": "id"}, {"name": "id"}], "requested twice"),
        ([{"name": "label", "parameters": {"classification": 1}}], "extension is not offered"),
    ],
)
def test_an_output_that_cannot_be_given_as_requested_is_refused(
    gateway: Gateway, processor: FakeProcessor, outputs: list[dict[str, Any]], why: str
) -> None:
    answer = infer(gateway, {"inputs": tensors(age=("INT64", [39])), "outputs": outputs})

    assert answer.status_code == 422
    assert answer.json()["error"].count(why) == 1
    assert [call.method for call in processor.calls] == ["GET"]


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


@pytest.mark.parametrize("path", ["", "/ready", "/versions/1", "/versions/1/ready"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        json.dumps(MODEL | {"schema": {}}).encode(),
        json.dumps(MODEL | {"schema": {"properties": {"age": 7}}}).encode(),
        json.dumps(MODEL | {"versions": [{}]}).encode(),
    ],
)
def test_a_model_that_is_described_in_another_way_is_a_problem_of_the_upstream(
    gateway: Gateway, processor: FakeProcessor, path: str, body: bytes
) -> None:
    processor.on("GET", "/v1/models/census-income", Reply(body=body))

    answer = gateway.client.get(f"/v2/models/census-income{path}", headers=gateway.admin)

    assert answer.status_code == 502
    assert "answer about the model 'census-income' cannot be read" in answer.json()["error"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"model":"m","version":"1","predictions":[{}]}'])
def test_predictions_that_are_told_in_another_way_are_a_problem_of_the_upstream(
    gateway: Gateway, processor: FakeProcessor, body: bytes
) -> None:
    processor.on("POST", ".*/predictions", Reply(body=body))

    answer = infer(gateway, {"inputs": tensors(age=("INT64", [39]))})

    assert answer.status_code == 502
    assert "predictions of the model 'census-income' cannot be read" in answer.json()["error"]


GROUPED = {
    **MODEL,
    "schema": {
        "properties": {"heat": {"type": "number"}, "day": {"type": "string"}},
        "required": ["heat"],
        "x-holdout": {"by": "group", "column": "unit", "time": "day"},
    },
}


def test_the_group_of_a_row_may_be_sent_beside_its_inputs(gateway: Gateway, processor: FakeProcessor) -> None:
    processor.on("GET", "/v1/models/census-income", as_json(GROUPED))

    found = gateway.client.get("/v2/models/census-income", headers=gateway.admin).json()["inputs"]
    infer(gateway, {"inputs": tensors(heat=("FP64", [1.5, 2.5]), unit=("INT64", [7, None]))})

    assert [(one["name"], one["parameters"]) for one in found] == [
        ("heat", {"required": True}),
        ("day", {"required": False}),
        ("unit", {"required": False, "holdout": "group"}),
    ]
    assert processor.calls[-1].json == {"inputs": [{"heat": 1.5, "unit": 7}, {"heat": 2.5, "unit": None}]}


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


WHOLE = (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)
REAL = (np.float16, np.float32, np.float64)
SENT: list[tuple[str, Any, list[Any]]] = [
    ("BOOL", np.bool_, [True, False, True]),
    ("BYTES", np.object_, ["Private", "", "Šárka"]),
    *((kind.__name__.upper(), kind, [np.iinfo(kind).min, 0, np.iinfo(kind).max]) for kind in WHOLE),
    *((f"FP{np.finfo(kind).bits}", kind, [np.finfo(kind).max, np.nan, np.finfo(kind).tiny]) for kind in REAL),
]


@pytest.mark.parametrize(("datatype", "kind", "values"), SENT)
def test_tritonclient_sends_each_datatype_to_its_limits(
    client: Any, processor: FakeProcessor, datatype: str, kind: Any, values: list[Any]
) -> None:
    client.infer("census-income", [column("x", datatype, values, kind)], headers=client.credential)

    sent = [row["x"] for row in processor.calls[-1].json["inputs"]]
    assert sent == [None if kind in REAL and np.isnan(value) else value for value in values]


@pytest.mark.parametrize("kind", REAL)
def test_tritonclient_is_told_that_infinity_is_no_value(
    client: Any, processor: FakeProcessor, kind: Any
) -> None:
    datatype = f"FP{np.finfo(kind).bits}"

    with pytest.raises(InferenceServerException, match=rf"age \({datatype}\): .*, not Infinity"):
        client.infer("census-income", [column("age", datatype, [np.inf], kind)], headers=client.credential)
    assert not processor.calls


def test_tritonclient_is_told_to_send_json(client: Any, processor: FakeProcessor) -> None:
    tensor = triton.InferInput("age", [1], "INT64")
    tensor.set_data_from_numpy(np.array([39]))

    with pytest.raises(InferenceServerException, match="binary_data=False"):
        client.infer("census-income", [tensor], headers=client.credential)
    assert not processor.calls


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
