"""A client of the public API, as any program would use it."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

TIMEOUT_S = 60.0
NO_CONTENT = 204


class Refused(Exception):
    """The gateway answered with a problem; the message gives the request, the status and the detail."""

    def __init__(self, response: httpx.Response) -> None:
        """Take the detail from a problem-details body if there is one."""
        self.status = response.status_code
        try:
            problem = response.json()
            detail = problem.get("detail") or problem.get("title") or response.text
        except (ValueError, AttributeError):
            detail = response.text
        request = response.request
        super().__init__(f"{request.method} {request.url.path} was answered with {self.status}: {detail}")


class Client:
    """One person's or program's connection to the gateway."""

    def __init__(
        self, url: str, token: str | None = None, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        """Connect to the gateway at `url` with a token or key, over `transport` if one is given."""
        self.url = url
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # Ignore proxies in the environment: the gateway is on this machine.
        self._http = httpx.Client(
            base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=False, transport=transport
        )

    @classmethod
    def sign_in(
        cls, url: str, username: str, password: str, *, transport: httpx.BaseTransport | None = None
    ) -> Self:
        """Exchange a password for a token."""
        client = cls(url, transport=transport)
        form = {"username": username, "password": password}
        try:
            token = client.call("POST", "/v1/auth/token", data=form)["access_token"]
        except BaseException:
            client.close()
            raise
        client._http.headers["Authorization"] = f"Bearer {token}"
        return client

    @property
    def authorization(self) -> str:
        """The header that carries the credential."""
        return self._http.headers["Authorization"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def call(self, method: str, path: str, **options: Any) -> Any:
        """Make one request and return the decoded answer; raise Refused unless it is a success."""
        response = self._http.request(method, path, **options)
        if not response.is_success:
            raise Refused(response)
        if response.status_code == NO_CONTENT:
            return None
        return response.json() if "json" in response.headers.get("content-type", "") else response.text

    def create_user(self, username: str, password: str, role: str = "user") -> Any:
        """Create a user (maintainer)."""
        body = {"username": username, "password": password, "role": role}
        return self.call("POST", "/v1/auth/users", json=body)

    def delete_user(self, user: str) -> None:
        """Delete a user (maintainer)."""
        self.call("DELETE", f"/v1/auth/users/{user}")

    def model(self, model: str) -> Any:
        """Return everything about a model."""
        return self.call("GET", f"/v1/models/{model}")

    def predict(self, model: str, inputs: Sequence[Mapping[str, Any]], *, key: str | None = None) -> Any:
        """Request a prediction for each input; the same `key` gives the same answer, recorded once."""
        headers = {"Idempotency-Key": key} if key else {}
        path = f"/v1/models/{model}/predictions"
        return self.call("POST", path, json={"inputs": list(inputs)}, headers=headers)

    def prediction(self, prediction: str) -> Any:
        """Return one recorded prediction with its feedback."""
        return self.call("GET", f"/v1/predictions/{prediction}")

    def give_feedback(
        self, prediction: str, *, correct: bool, label: str | None = None, key: str | None = None
    ) -> Any:
        """Say whether a prediction was right, and what the right label is."""
        body: dict[str, Any] = {"correct": correct} | ({"label": label} if label is not None else {})
        headers = {"Idempotency-Key": key} if key else {}
        return self.call("POST", f"/v1/predictions/{prediction}/feedback", json=body, headers=headers)

    def score(self, model: str) -> Any:
        """Return a model's score, its state and the reason for it in words."""
        return self.call("GET", f"/v1/models/{model}/score")

    def set_policy(self, model: str, **policy: Any) -> Any:
        """Change fields of a model's policy (engineer)."""
        return self.call("PATCH", f"/v1/models/{model}", json={"policy": policy})

    def start_run(self, model: str, **options: Any) -> Any:
        """Start a training run (engineer)."""
        return self.call("POST", f"/v1/models/{model}/runs", json=options)

    def run(self, run: str) -> Any:
        """Return one run."""
        return self.call("GET", f"/v1/runs/{run}")

    def runs(self, model: str) -> Any:
        """Return the training runs of a model, newest first."""
        return self.call("GET", "/v1/runs", params={"model": model, "kind": "training"})

    def ledger(self, model: str) -> Any:
        """Return the promotions of a model, newest first."""
        return self.call("GET", f"/v1/models/{model}/promotions")

    def promote(self, model: str, version: str, reason: str, *, override: bool = False) -> Any:
        """Promote a version (maintainer)."""
        body = {"version": version, "stage": "main", "reason": reason, "override": override}
        return self.call("POST", f"/v1/models/{model}/promotions", json=body)

    def roll_back(self, model: str, reason: str) -> Any:
        """Roll back to the previous version (maintainer)."""
        return self.call("POST", f"/v1/models/{model}/rollback", json={"stage": "main", "reason": reason})
