"""The fake gateway is held to the contract: what breaks it is noted, and fails the test it happens in."""

import pytest

import canned
from fake_gateway import FakeGateway, serving
from streamlit_ui.client import Gateway, GatewayError


@pytest.fixture
def noted(fake: FakeGateway) -> list[str]:
    """What was noted until then, which the test makes happen on purpose."""
    fake.violations = _Forgiven()
    return fake.violations


class _Forgiven(list[str]):
    """Violations that fail no test."""

    def __bool__(self) -> bool:
        return False


def test_an_answer_with_a_field_too_many_or_too_few_is_noted(
    fake: FakeGateway, gateway: Gateway, noted: list[str]
) -> None:
    fake.score = {name: value for name, value in canned.score().items() if name != "reason"} | {"mood": "bad"}
    gateway.score("rents")
    assert [line.partition(": ")[0] for line in noted] == ["GET /v1/models/rents/score"] * 2
    assert any("'mood' was unexpected" in line for line in noted)
    assert any("'reason' is a required property" in line for line in noted)


def test_a_request_that_the_gateway_would_refuse_is_noted(gateway: Gateway, noted: list[str]) -> None:
    gateway.change_policy("rents", {"window": 100})
    gateway.cancel_run("run-4")
    assert noted == []
    gateway.start_run("rents", -1, "because")
    assert len(noted) == 1
    assert noted[0].startswith("POST /v1/models/rents/runs: budget_s: -1 is less than")


def test_what_the_fake_refuses_itself_is_not_noted(
    fake: FakeGateway, gateway: Gateway, noted: list[str]
) -> None:
    fake.trouble("/v1/models", 422)
    with pytest.raises(GatewayError):
        gateway.start_run("rents", -1, "because")
    assert noted == []


def test_a_time_without_its_zone_is_noted(fake: FakeGateway, gateway: Gateway, noted: list[str]) -> None:
    fake.promotions = [canned.promotion(1, at="2026-01-31T12:00:00")]
    gateway.promotions("rents")
    assert "is not a 'date-time'" in noted[0]


def test_an_unknown_parameter_and_an_unknown_path_are_noted(gateway: Gateway, noted: list[str]) -> None:
    gateway._json("GET", "/v1/runs", params={"colour": "red", "limit": "0"})
    assert [line.partition(": ")[2] for line in noted] == [
        "it has no parameter 'colour'",
        "it: 0 is less than the minimum of 1",
    ]
    with pytest.raises(GatewayError, match="nothing at"):
        gateway._json("GET", "/v1/moods")
    assert noted[-1] == "GET /v1/moods: the contract has no such operation"


def test_a_newer_gateway_may_know_more_values(fake: FakeGateway, gateway: Gateway, noted: list[str]) -> None:
    fake.score = canned.score(state="blue")
    fake.contract = fake.contract.allowing(state="blue")
    gateway.score("rents")
    assert noted == []
    fake.score = canned.score(state="green")
    gateway.score("rents")
    assert len(noted) == 1


def test_a_violation_fails_the_test_it_happens_in() -> None:
    with pytest.raises(AssertionError, match="against the contract"), serving() as gateway:
        gateway.violations.append("GET /v1/models: it: is wrong")


def test_every_operation_that_the_fake_answers_is_one_of_the_contract(fake: FakeGateway) -> None:
    known = {
        f"{method.upper()} {path}"
        for path, methods in fake.contract.document["paths"].items()
        for method in methods
    }
    assert set(fake.handlers()) <= known
