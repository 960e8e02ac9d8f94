"""The gateway, called over HTTP: the only module of the pages that does.

GatewayError          anything that kept the gateway from doing what was asked, with a sentence to show
├── SignedOut         401: no credential, or one that has ended
└── Unreachable       no answer at all, or none in time
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import quote

import httpx

from streamlit_ui.answers import (
    Explanation,
    Judgement,
    Key,
    Model,
    ModelSummary,
    Prediction,
    Predictions,
    Promotion,
    Role,
    Run,
    Score,
    ScorePoint,
    Token,
    User,
    Version,
)

RUNS = 200
"""How many runs are asked for."""
SLOW_S = 120
"""How long the few calls may take that load something before they answer."""
_UNEXPECTED = "The gateway answered in a way this page does not understand."


class GatewayError(Exception):
    """The gateway refused, or failed: the sentence says why."""

    def __init__(
        self,
        sentence: str,
        status: int | None = None,
        body: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status
        self.body = body or {}
        """The problem details as they came."""
        self.retry_after = retry_after
        """Seconds to wait before asking again, if the gateway said so."""

    @property
    def passing(self) -> bool:
        """It may be gone in a moment, and is nothing that the request could do better."""
        status = self.status
        return (
            status is None or status == httpx.codes.TOO_MANY_REQUESTS or httpx.codes.is_server_error(status)
        )

    @property
    def errors(self) -> list[tuple[tuple[str | int, ...], str]]:
        """What is wrong with the request: each place with its message."""
        found = self.body.get("errors") or []
        return [(tuple(error.get("loc", ())), str(error.get("message", ""))) for error in found]


class SignedOut(GatewayError):
    """The credential is missing, revoked or past its end."""


class Unreachable(GatewayError):
    """There was no answer."""


def connect(url: str, timeout_s: float) -> httpx.Client:
    """Return a pool of connections to the gateway, shared by every session of this process."""
    # Connecting is repeated, a request never: what was sent may have been done.
    return httpx.Client(base_url=url, timeout=timeout_s, transport=httpx.HTTPTransport(retries=2))


class Gateway:
    """The gateway as one person sees it."""

    def __init__(self, http: httpx.Client, token: str | None = None) -> None:
        """Call through a pool of connections, with a person's token once they have one."""
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def alive(self) -> None:
        """Raise unless the gateway answers."""
        self._call("GET", "/healthz")

    # Who

    def sign_in(self, username: str, password: str) -> Token:
        """Trade a name and a password for a token."""
        return cast(
            Token, self._json("POST", "/v1/auth/token", data={"username": username, "password": password})
        )

    def sign_out(self) -> None:
        """Revoke this person's token."""
        self._call("DELETE", "/v1/auth/token")

    def users(self) -> list[User]:
        """List who may sign in."""
        return cast(list[User], self._json("GET", "/v1/auth/users"))

    def create_user(self, username: str, password: str, role: Role) -> None:
        """Let somebody sign in."""
        self._call("POST", "/v1/auth/users", json={"username": username, "password": password, "role": role})

    def change_user(self, username: str, **changes: str) -> None:
        """Change a user's `role` or `password`."""
        self._call("PATCH", f"/v1/auth/users/{_path(username)}", json=changes)

    def delete_user(self, username: str) -> None:
        """Take a user's access away."""
        self._call("DELETE", f"/v1/auth/users/{_path(username)}")

    def keys(self) -> list[Key]:
        """List the programs that may call the gateway."""
        return cast(list[Key], self._json("GET", "/v1/auth/keys"))

    def create_key(self, name: str, role: Role, expires_in_days: int) -> Key:
        """Make a key; its secret is in this answer and never again."""
        body = {"name": name, "role": role, "expires_in_days": expires_in_days}
        return cast(Key, self._json("POST", "/v1/auth/keys", json=body))

    def delete_key(self, key: str) -> None:
        """Revoke a key by its id."""
        self._call("DELETE", f"/v1/auth/keys/{_path(key)}")

    # Predict and give feedback

    def models(self) -> list[ModelSummary]:
        """List the models."""
        return cast(list[ModelSummary], self._json("GET", "/v1/models"))

    def model(self, model: str) -> Model:
        """Describe one model, its schema and policy included."""
        return cast(Model, self._json("GET", f"/v1/models/{_path(model)}"))

    def predict(self, model: str, inputs: Sequence[Mapping[str, Any]], idempotency_key: str) -> Predictions:
        """Predict rows; the same key and rows are recorded once however often they are sent."""
        return cast(
            Predictions,
            self._json(
                "POST",
                f"/v1/models/{_path(model)}/predictions",
                json={"inputs": list(inputs)},
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def predictions(self, model: str, limit: int, before: str | None = None) -> list[Prediction]:
        """List predictions with their feedback, newest first, older than `before` if given."""
        params = {"limit": str(limit), **({"before": before} if before else {})}
        return cast(
            list[Prediction], self._json("GET", f"/v1/models/{_path(model)}/predictions", params=params)
        )

    def prediction(self, prediction: str) -> Prediction:
        """Show one prediction with its lineage, trace id and feedback."""
        return cast(Prediction, self._json("GET", f"/v1/predictions/{_path(prediction)}"))

    def explanation(self, prediction: str) -> Explanation:
        """Say what moved a prediction most; the first in a while takes seconds."""
        path = f"/v1/predictions/{_path(prediction)}/explanation"
        return cast(Explanation, self._json("GET", path, timeout=SLOW_S))

    def judge(self, prediction: str, judgement: Judgement) -> None:
        """Say whether a prediction was right; saying it again changes one's mind."""
        self._call("POST", f"/v1/predictions/{_path(prediction)}/feedback", json=dict(judgement))

    def score(self, model: str) -> Score:
        """Show how right a model is of late."""
        return cast(Score, self._json("GET", f"/v1/models/{_path(model)}/score"))

    def score_history(self, model: str, limit: int) -> list[ScorePoint]:
        """Show the score over time, oldest first."""
        return cast(
            list[ScorePoint],
            self._json("GET", f"/v1/models/{_path(model)}/score/history", params={"limit": str(limit)}),
        )

    # Versions and the ledger

    def versions(self, model: str) -> list[Version]:
        """List the trained versions of a model."""
        return cast(list[Version], self._json("GET", f"/v1/models/{_path(model)}/versions"))

    def load_version(self, model: str, version: str) -> None:
        """Keep a version in memory beside the stage's own; 409 when there is no place for it."""
        self._call("POST", f"/v1/models/{_path(model)}/versions/{_path(version)}/load", timeout=SLOW_S)

    def unload_version(self, model: str, version: str) -> None:
        """Let a version go from memory."""
        self._call("POST", f"/v1/models/{_path(model)}/versions/{_path(version)}/unload")

    def promotions(self, model: str) -> list[Promotion]:
        """Read the ledger, newest first."""
        return cast(list[Promotion], self._json("GET", f"/v1/models/{_path(model)}/promotions"))

    def promote(
        self,
        model: str,
        *,
        version: str,
        stage: str,
        reason: str,
        expected_version: str | None,
        override: bool,
    ) -> None:
        """Let a stage serve a version, unless the stage has moved from `expected_version` meanwhile."""
        body: dict[str, Any] = {"version": version, "stage": stage, "reason": reason}
        if expected_version is not None:
            body["expected_version"] = expected_version
        if override:
            body["override"] = True
        self._call("POST", f"/v1/models/{_path(model)}/promotions", json=body)

    def roll_back(self, model: str, stage: str, reason: str) -> None:
        """Let a stage serve what it served before."""
        self._call("POST", f"/v1/models/{_path(model)}/rollback", json={"stage": stage, "reason": reason})

    def resume(self, model: str, reason: str) -> None:
        """Let the controller of a paused model open runs again."""
        self._call("POST", f"/v1/models/{_path(model)}/resume", json={"reason": reason})

    def change_policy(self, model: str, changes: Mapping[str, Any]) -> None:
        """Change some of a model's own numbers."""
        self._call("PATCH", f"/v1/models/{_path(model)}", json={"policy": dict(changes)})

    # Runs

    def start_run(self, model: str, budget_s: float, reason: str) -> str:
        """Queue a training run and return its id; 409 with the open run's id when one is open."""
        body = {"budget_s": budget_s, "reason": reason}
        return str(self._json("POST", f"/v1/models/{_path(model)}/runs", json=body)["id"])

    def runs(
        self, model: str | None = None, *, kind: str | None = None, status: str | None = None
    ) -> list[Run]:
        """List the newest runs that match, newest first."""
        asked = {"model": model, "kind": kind, "status": status, "limit": RUNS}
        params = {name: value for name, value in asked.items() if value is not None}
        return cast(list[Run], self._json("GET", "/v1/runs", params=params))

    def run(self, run: str) -> Run:
        """Show everything known of one run."""
        return cast(Run, self._json("GET", f"/v1/runs/{_path(run)}"))

    def run_log(self, run: str) -> str:
        """Return a run's log as text."""
        return self._call("GET", f"/v1/runs/{_path(run)}/logs").text

    def cancel_run(self, run: str) -> None:
        """Ask for a run to end."""
        self._call("POST", f"/v1/runs/{_path(run)}/cancel")

    # One call

    def _json(self, method: str, path: str, **request: Any) -> Any:
        response = self._call(method, path, **request)
        try:
            return response.json()
        except ValueError as error:
            raise GatewayError(_UNEXPECTED, response.status_code) from error

    def _call(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **request: Any
    ) -> httpx.Response:
        with _network_errors_as_sentences():
            response = self._http.request(
                method, path, headers={**self._headers, **(headers or {})}, **request
            )
        if response.is_success:
            return response
        raise _problem(response)


def _path(name: str) -> str:
    """Return a name as one segment of a path: `.` and `..` would otherwise be resolved away."""
    return "%2E" * len(name) if name in (".", "..") else quote(name, safe="")


@contextmanager
def _network_errors_as_sentences() -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as error:
        raise Unreachable("The gateway took too long to answer. Please try again.") from error
    except httpx.TransportError as error:
        raise Unreachable("The gateway cannot be reached at the moment. Please try again shortly.") from error


def _problem(response: httpx.Response) -> GatewayError:
    try:
        body = response.json()
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    sentence = str(
        body.get("detail") or body.get("title") or f"{_UNEXPECTED} (status {response.status_code})"
    )
    wait = response.headers.get("Retry-After", "")
    kind = SignedOut if response.status_code == httpx.codes.UNAUTHORIZED else GatewayError
    return kind(sentence, response.status_code, body, float(wait) if wait.isdigit() else None)
