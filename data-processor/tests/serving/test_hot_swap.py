"""1 000 requests while the stage moves ten times: every one is answered, each by one version, rightly."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from data_processor.app import create_app

M = "census-income"
PATH = f"/v1/models/{M}/predictions"
SWAPS, REQUESTS, CALLERS = 10, 1000, 8
WITHIN_S = 5.0
"""What is promised: whoever asks later than this after a promotion is answered by the promoted version."""
Rows = list[dict[str, Any]]


def expected(tiny_versions: Any, inputs: Rows) -> dict[str, list[float]]:
    from data_processor.features.packing import pack_rows  # noqa: PLC0415
    from data_processor.models.engine import load_engine  # noqa: PLC0415

    answers = {}
    for version in "12":
        tiny = tiny_versions[version]
        engine = load_engine(tiny.folder, tiny.manifest, ())
        answers[version] = engine.predict(*pack_rows(inputs, tiny.manifest.table))[:, 1].tolist()
    return answers


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(6000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


def test_no_request_notices_that_the_stage_moves(
    serving_world: Any,
    headers: Callable[..., dict[str, str]],
    acting_as: Callable[..., Any],
    inputs: Rows,
    tiny_versions: Any,
) -> None:
    right = expected(tiny_versions, inputs)
    app = create_app(serving_world.settings)
    statuses: dict[int, int] = {}
    answers: list[tuple[float, str]] = []  # when it was asked, and which version answered
    left = REQUESTS

    async def call(client: httpx.AsyncClient, number: int) -> None:
        nonlocal left
        while left > 0 or len(swapped) < SWAPS:
            left -= 1
            place = (number * 31 + left) % (len(inputs) - 1)
            asked = time.monotonic()
            answer = await client.post(PATH, content=json.dumps({"inputs": inputs[place : place + 2]}))
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            found = answer.json()
            answers.append((asked, found["version"]))
            given = [prediction["probabilities"][">50K"] for prediction in found["predictions"]]
            assert given == pytest.approx(right[found["version"]][place : place + 2], abs=1e-5)

    swapped: list[str] = []
    late: list[float] = []

    async def swap(client: httpx.AsyncClient) -> None:
        for number in range(SWAPS):
            await asyncio.sleep(0.05)
            version = "21"[number % 2]
            answer = await client.post(
                f"/v1/models/{M}/promotions",
                json={"version": version, "stage": "main", "reason": "swap"},
                headers=headers("max", "maintainer"),
            )
            assert answer.status_code == 201, answer.text
            promoted, before = time.monotonic(), len(answers)
            await until(lambda version=version: answers[-1][1] == version)  # type: ignore[misc]  # mypy sees no default
            late.extend(asked - promoted for asked, answered in answers[before:] if answered != version)
            swapped.append(version)

    async def play() -> None:
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://test", auth=acting_as()
            ) as client:
                await until(lambda: app.state.loopkeeper.manager.find(M) is not None)
                await asyncio.gather(swap(client), *(call(client, number) for number in range(CALLERS)))

    asyncio.run(play())
    assert swapped == ["2", "1"] * 5
    assert max(late, default=0) < WITHIN_S
    assert list(statuses) == [200]
    assert statuses[200] >= REQUESTS
    recorded = serving_world.predictions.page(M, limit=10 * REQUESTS)
    assert len(recorded) == 2 * statuses[200]
    assert {found.version for found in recorded} == {"1", "2"}
