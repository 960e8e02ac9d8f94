"""Whether the service is alive, and whether everything it needs is there."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import structlog
from fastapi import APIRouter, Response
from pydantic import BaseModel

from .errors import NotReady, Problem
from .problem_responses import problem_of

CHECK_SECONDS = 2.0
Check = Callable[[], Awaitable[None]]
log = structlog.get_logger(__name__)


class Health(BaseModel):
    """Whether the service can work and, for each dependency, `ok` or what is wrong."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, str]


def health_router(checks: Mapping[str, Check]) -> APIRouter:
    """Return /healthz, which touches nothing, and /readyz, which runs every check; a failing one raises."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="Alive")
    async def healthz() -> Health:
        return Health(status="ok", checks={})

    @router.get("/readyz", summary="Ready", responses={503: {"model": Health}})
    async def readyz(response: Response) -> Health:
        answers = await asyncio.gather(*(_ask(name, check) for name, check in checks.items()))
        found = dict(zip(checks, answers, strict=True))
        if all(answer == "ok" for answer in answers):
            return Health(status="ok", checks=found)
        unavailable = NotReady("")
        response.status_code = unavailable.status
        response.headers.update(unavailable.headers)
        return Health(status="unavailable", checks=found)

    return router


async def _ask(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except Problem as problem:
        return problem.detail
    except TimeoutError:
        return f"{name} did not answer within {CHECK_SECONDS:g} s."
    except Exception as error:
        log.warning("check_failed", check=name, exc_info=True)
        known = problem_of(error, "")
        return known.detail if known else f"{name} cannot be reached."
    return "ok"
