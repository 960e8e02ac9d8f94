"""What the gateway needs to be ready: its database, and a data-processor that serves a model."""

import time
from collections.abc import Mapping

from anyio import to_thread
from fastapi import FastAPI
from pydantic import BaseModel, ValidationError

from pipeline_api.service.errors import NotReady, Problem
from pipeline_api.service.health import Check
from pipeline_api.service.problem_responses import problem_of
from pipeline_api.state import Gateway

_CACHED_S = 1.0
"""Anybody may probe: the processor is asked at most this often."""
_TIMEOUT_S = 1.5
_OK = 200


class _Health(BaseModel):
    checks: dict[str, str] = {}


def readiness_checks(app: FastAPI) -> Mapping[str, Check]:
    """Return the checks of `/readyz` by what they check; each raises a problem when it is not ready."""
    return {
        "database": _Cached(lambda: _database(app.state.gateway)),
        "data-processor": _Cached(lambda: _processor(app.state.gateway)),
    }


class _Cached:
    """A check whose result is kept for a second."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self._until = 0.0
        self._problem: Problem | None = None

    async def __call__(self) -> None:
        if time.monotonic() >= self._until:
            try:
                await self._check()
                self._problem = None
            except Exception as error:
                self._problem = problem_of(error, "")
                if self._problem is None:
                    raise
            self._until = time.monotonic() + _CACHED_S
        if self._problem is not None:
            raise NotReady(self._problem.detail)


async def _database(gateway: Gateway) -> None:
    await to_thread.run_sync(gateway.auth.verifier.poll)
    await to_thread.run_sync(gateway.auth.accounts.check_writable)


async def _processor(gateway: Gateway) -> None:
    answer = await gateway.upstream.request("GET", "/readyz", headers={}, timeout_s=_TIMEOUT_S)
    if answer.status == _OK:
        return
    try:
        checks = _Health.model_validate_json(answer.body).checks
    except ValidationError:
        checks = {}
    wrong = " ".join(f"{name}: {answer}" for name, answer in checks.items() if answer != "ok")
    raise NotReady(wrong or f"The data-processor is not ready (status {answer.status}).")
