"""When everything is ready, and what people are waiting for until then."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any

import httpx

from compose_stack.services import Service

POLL_S = 0.15
SAMPLE_MODEL = "census-income"


class Readiness:
    """Ask each process whether it is ready, over HTTP, until all of them are."""

    def __init__(self, client: httpx.AsyncClient, services: Iterable[Service]) -> None:
        """Watch `services` through `client`."""
        self._client = client
        self._waiting = {service.name: service.ready_url for service in services if service.ready_url}
        self.reasons: dict[str, str] = {}
        """Why each process that answers is not ready, in its own words."""

    @property
    def waiting(self) -> list[str]:
        """The processes that are not ready yet."""
        return list(self._waiting)

    async def wait(self) -> None:
        """Return once every process reports that it is ready."""
        while self._waiting:
            await asyncio.gather(*(self._ask(name, url) for name, url in list(self._waiting.items())))
            await asyncio.sleep(POLL_S)

    async def _ask(self, name: str, url: str) -> None:
        try:
            response = await self._client.get(url)
        except httpx.HTTPError:
            return
        if response.is_success:
            del self._waiting[name]
            self.reasons.pop(name, None)
        else:
            self.reasons[name] = _reason(response)


class FirstTraining:
    """Follow the run that trains the sample model through the gateway, as any engineer could."""

    def __init__(
        self, client: httpx.AsyncClient, gateway_url: str, password: Callable[[], str | None]
    ) -> None:
        """Sign in as `admin` with `password()`, once there is one."""
        self._client = client
        self._gateway_url = gateway_url
        self._password = password
        self._token: str | None = None

    async def describe(self) -> str | None:
        """Describe what the first run is doing, or return None while that is unknown."""
        with contextlib.suppress(httpx.HTTPError, KeyError, ValueError, TypeError):
            for run in (await self._runs())[:1]:
                return _describe(run)
        return None

    async def close(self) -> None:
        """Revoke the token."""
        if self._token is not None:
            with contextlib.suppress(httpx.HTTPError):
                await self._client.delete(f"{self._gateway_url}/v1/auth/token", headers=self._headers())

    async def _runs(self) -> list[dict[str, Any]]:
        if self._token is None:
            await self._sign_in()
        if self._token is None:
            return []
        response = await self._client.get(
            f"{self._gateway_url}/v1/runs",
            params={"model": SAMPLE_MODEL, "kind": "training"},
            headers=self._headers(),
        )
        return list(response.json()) if response.is_success else []

    async def _sign_in(self) -> None:
        password = self._password()
        if password is None:
            return
        response = await self._client.post(
            f"{self._gateway_url}/v1/auth/token", data={"username": "admin", "password": password}
        )
        if response.is_success:
            self._token = response.json()["access_token"]

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


def _describe(run: dict[str, Any]) -> str | None:
    if run["status"] == "failed":
        return f"training the sample model failed: {run.get('error') or 'see the log of data-processor-work'}"
    if run["status"] not in ("queued", "running"):
        return None
    step = str(run.get("step") or "waiting for the worker").replace("_", " ")
    return f"training the sample model: {step} ({float(run.get('progress') or 0):.0%})"


def _reason(response: httpx.Response) -> str:
    try:
        checks = response.json()["checks"]
        return "; ".join(f"{name}: {text}" for name, text in checks.items() if text != "ok")
    except (ValueError, KeyError, AttributeError, TypeError):
        return f"answers with {response.status_code}"
