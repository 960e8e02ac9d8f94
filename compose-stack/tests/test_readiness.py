import asyncio
from collections.abc import Callable
from contextlib import suppress

import httpx

from compose_stack.readiness import FirstTraining, Readiness
from compose_stack.services import Service

GATEWAY = "http://gateway"
Answers = Callable[[httpx.Request], httpx.Response]


def asking(answers: Answers) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(answers))


def services() -> list[Service]:
    return [
        Service("pages", (), {}, "http://pages/readyz"),
        Service("gateway", (), {}, f"{GATEWAY}/readyz"),
        Service("worker", (), {}, None),
    ]


def test_everything_is_ready_once_each_process_says_so() -> None:
    asked: list[str] = []

    def answers(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        if request.url.host == "pages":
            raise httpx.ConnectError("not yet") if asked.count("pages") < 3 else AssertionError
        checks = {"model": "ok" if asked.count("gateway") > 1 else "No version is served yet."}
        return httpx.Response(200 if asked.count("gateway") > 1 else 503, json={"checks": checks})

    def patient(request: httpx.Request) -> httpx.Response:
        try:
            return answers(request)
        except AssertionError:
            return httpx.Response(200)

    async def wait() -> Readiness:
        async with asking(patient) as client:
            readiness = Readiness(client, services())
            await asyncio.wait_for(readiness.wait(), 10)
            return readiness

    assert asyncio.run(wait()).waiting == []
    assert asked.count("gateway") == 2  # and not again once it was ready


def test_a_process_that_is_not_ready_is_quoted() -> None:
    checks = {"records": "ok", "models": "The data-processor cannot be reached."}

    async def reasons() -> dict[str, str]:
        async with asking(lambda _: httpx.Response(503, json={"checks": checks})) as client:
            readiness = Readiness(client, services())
            with suppress(TimeoutError):
                await asyncio.wait_for(readiness.wait(), 0.1)
            return readiness.reasons

    assert asyncio.run(reasons())["gateway"] == "models: The data-processor cannot be reached."


def describe_first_run(run: dict[str, object]) -> tuple[str | None, list[str]]:
    """Return what is said of a run, and what was asked for it."""
    asked: list[str] = []

    def answers(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.path}")
        if request.url.path == "/v1/runs":
            assert request.headers["Authorization"] == "Bearer a-token"
            return httpx.Response(200, json=[run])
        return httpx.Response(200, json={"access_token": "a-token"})

    async def describe() -> str | None:
        async with asking(answers) as client:
            training = FirstTraining(client, GATEWAY, lambda: "secret")
            said = await training.describe()
            await training.close()
            return said

    return asyncio.run(describe()), asked


def test_the_first_training_is_followed_as_admin_and_the_token_given_back() -> None:
    said, asked = describe_first_run({"status": "running", "step": "search_candidates", "progress": 0.4})
    assert said == "training the sample model: search candidates (40%)"
    assert asked == ["POST /v1/auth/token", "GET /v1/runs", "DELETE /v1/auth/token"]


def test_a_first_training_that_failed_says_why() -> None:
    said, _ = describe_first_run({"status": "failed", "error": "The disk is full."})
    assert said == "training the sample model failed: The disk is full."


def test_a_run_that_is_over_is_nothing_to_wait_for() -> None:
    assert describe_first_run({"status": "succeeded"})[0] is None


def test_without_a_password_nothing_is_asked() -> None:
    async def describe() -> str | None:
        async with asking(lambda _: httpx.Response(500)) as client:
            return await FirstTraining(client, GATEWAY, lambda: None).describe()

    assert asyncio.run(describe()) is None
