import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_api.mqtt.messages import answer, encode, read, refusal, text_of
from pipeline_api.service.errors import BadRequest


def test_what_a_request_says_is_passed_on_as_it_was_written() -> None:
    request = read(b'{"inputs": [{"n": 1.10, "big": 123456789012345678901234567890}], "$id": "a"}', 1000)

    assert request.problem is None
    assert request.id == "a"
    assert encode(request.fields) == b'{"inputs":[{"n": 1.10, "big": 123456789012345678901234567890}]}'


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_arrives_is_a_request_or_a_problem(payload: bytes) -> None:
    request = read(payload, 150)

    assert (request.id is None) is (request.problem is not None)
    assert request.problem is None or json.loads(refusal(request.id, request.problem))["error"]["message"]


@pytest.mark.parametrize("given_id", ["null", "true", '""', "1.5", "[]", '"' + "x" * 256 + '"'])
def test_an_id_is_an_integer_or_a_short_text(given_id: str) -> None:
    request = read(b'{"$id": %b}' % given_id.encode(), 1000)

    assert request.problem is not None
    assert "'$id' must be" in request.problem.detail


def test_an_answer_has_the_id_of_its_request() -> None:
    assert json.loads(answer(7, 200, b'{"predictions": []}')) == {"$id": 7, "predictions": []}


def test_what_the_processor_refuses_is_said_in_its_words() -> None:
    body = b'{"type":"about:blank","detail":"Too old.","status":422,"errors":[{"loc":["age"],"message":"x"}]}'
    assert json.loads(answer("a", 422, body)) == {
        "$id": "a",
        "error": {"message": "Too old.", "status": 422, "errors": [{"loc": ["age"], "message": "x"}]},
    }
    assert "status 502" in json.loads(answer("a", 502, b"<html>"))["error"]["message"]


def test_a_text_that_is_missing_is_named() -> None:
    for payload in (b'{"$id":1}', b'{"$id":1,"prediction":3}'):
        with pytest.raises(BadRequest, match="'prediction' must be given"):
            text_of(read(payload, 100).fields, "prediction")
