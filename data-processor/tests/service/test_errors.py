import pytest
from fastapi import FastAPI, WebSocket
from pydantic import BaseModel, Field
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from data_processor.service.errors import (
    BadRequest,
    Conflict,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    NotReady,
    Problem,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    UpstreamSlow,
    UpstreamUnreachable,
)
from data_processor.service.problem_responses import problem_response


class Order(BaseModel):
    amount: int = Field(ge=1)
    name: str


@pytest.mark.parametrize(
    ("problem", "status", "title"),
    [
        (BadRequest("No."), 400, "Bad Request"),
        (Unauthenticated("No."), 401, "Unauthorized"),
        (Forbidden("No."), 403, "Forbidden"),
        (NotFound("No."), 404, "Not Found"),
        (Conflict("No."), 409, "Conflict"),
        (TooLarge("No."), 413, "Content Too Large"),
        (Invalid("No."), 422, "Unprocessable Content"),
        (TooManyRequests("No.", retry_after=1), 429, "Too Many Requests"),
        (UpstreamUnreachable("No."), 502, "Bad Gateway"),
        (NotReady("No."), 503, "Service Unavailable"),
        (UpstreamSlow("No."), 504, "Gateway Timeout"),
        (Problem("No."), 500, "Internal Server Error"),
    ],
)
def test_each_problem_is_rendered_with_its_status(problem: Problem, status: int, title: str) -> None:
    response = problem_response(problem, "/here")
    assert response.status_code == status
    assert response.media_type == "application/problem+json"
    assert problem.body("/here") == {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": "No.",
        "instance": "/here",
    }


def test_a_raised_problem_becomes_the_answer(app: FastAPI, client: TestClient) -> None:
    @app.get("/taken")
    async def taken() -> None:
        raise Conflict("A run is open.", run="r-1", headers={"X-Extra": "1"})

    response = client.get("/taken")
    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-extra"] == "1"
    assert response.json()["run"] == "r-1"
    assert response.json()["instance"] == "/taken"


def test_extra_members_never_replace_the_standard_ones() -> None:
    body = Conflict("A run is open.", status="fine", title="Fine").body()
    assert (body["status"], body["title"]) == (409, "Conflict")


def test_errors_name_every_field() -> None:
    errors = [FieldError(loc=("inputs", 0, "age"), message="Missing.")]
    assert Invalid("Bad.", errors=errors).body()["errors"] == [
        {"loc": ["inputs", 0, "age"], "message": "Missing."}
    ]


def test_a_bad_payload_names_all_its_fields_and_echoes_no_value(app: FastAPI, client: TestClient) -> None:
    @app.post("/orders")
    async def orders(order: Order) -> None:
        assert order

    response = client.post("/orders", json={"amount": "hunter2"})
    assert response.status_code == 422
    assert [error["loc"] for error in response.json()["errors"]] == [["body", "amount"], ["body", "name"]]
    assert "hunter2" not in response.text


def test_the_frameworks_errors_are_problems_too(client: TestClient) -> None:
    missing = client.get("/nowhere")
    wrong_method = client.delete("/metrics")
    assert (missing.status_code, missing.json()["detail"]) == (404, "There is nothing at /nowhere.")
    assert (wrong_method.status_code, wrong_method.headers["allow"]) == (405, "GET")
    assert (
        missing.headers["content-type"] == wrong_method.headers["content-type"] == "application/problem+json"
    )


def test_an_unexpected_error_says_nothing_of_its_cause(app: FastAPI, client: TestClient) -> None:
    @app.get("/crash")
    async def crash() -> None:
        raise RuntimeError("dsn=postgresql://user:hunter2@db")

    response = client.get("/crash")
    assert response.status_code == 500
    assert "hunter2" not in response.text
    assert "Traceback" not in response.text
    assert response.json()["trace_id"] == response.headers["x-request-id"]


def test_an_unauthenticated_caller_is_told_the_scheme() -> None:
    assert problem_response(Unauthenticated("Sign in.")).headers["www-authenticate"] == "Bearer"


def test_the_wait_is_told_in_whole_seconds_rounded_up() -> None:
    assert problem_response(TooManyRequests("Slow down.", retry_after=1.2)).headers["retry-after"] == "2"


def test_not_ready_always_says_when_to_come_again() -> None:
    waits = [
        NotReady("Later."),
        NotReady("Later.", retry_after=0.2),
        NotReady("Later.", headers={"Retry-After": "9"}),
    ]
    assert [problem_response(problem).headers["retry-after"] for problem in waits] == ["5", "1", "9"]


def test_a_refused_websocket_handshake_gets_the_problem(app: FastAPI, client: TestClient) -> None:
    @app.websocket("/events")
    async def events(websocket: WebSocket) -> None:
        raise Forbidden(f"Not for {websocket.url.path}.")

    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/events"):
        pass
    assert refused.value.status_code == 403
    assert refused.value.json()["detail"] == "Not for /events."


def test_an_open_websocket_is_closed_with_the_sentence(app: FastAPI, client: TestClient) -> None:
    @app.websocket("/events")
    async def events(websocket: WebSocket) -> None:
        await websocket.accept()
        raise NotReady("Later.")

    with client.websocket_connect("/events") as websocket, pytest.raises(WebSocketDisconnect) as closed:
        websocket.receive_text()
    assert (closed.value.code, closed.value.reason) == (1011, "Later.")
