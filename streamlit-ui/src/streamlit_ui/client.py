"""The gateway as one person sees it: who they are, predictions, versions and runs (`calls.py` sends)."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from streamlit_ui.calls import SLOW_S, GatewayError, SignedOut, Unreachable, connect
from streamlit_ui.contract.types import (
    Device,
    DriftReport,
    DriftReportShort,
    DriftRunStarted,
    Explanation,
    FeedbackRequest,
    Key,
    MadeDevice,
    MadeKey,
    ModelDetail,
    ModelScore,
    ModelShort,
    PredictionAnswer,
    PredictionDetail,
    PromotionEntry,
    RecordedPrediction,
    Role,
    RunDetail,
    RunShort,
    ScorePoint,
    Token,
    User,
    VersionShort,
)
from streamlit_ui.faces_client import FacesClient
from streamlit_ui.live_client import LiveClient
from streamlit_ui.monitoring_client import MonitoringClient
from streamlit_ui.notifications_client import NotificationsClient
from streamlit_ui.training_client import TrainingClient

__all__ = ["SLOW_S", "Gateway", "GatewayError", "SignedOut", "Unreachable", "connect"]

RUNS = 200
"""How many runs are asked for."""


class Gateway(TrainingClient, LiveClient, NotificationsClient, MonitoringClient, FacesClient):
    """The gateway as one person sees it."""

    def alive(self) -> None:
        """Raise unless the gateway answers."""
        self._call("GET", "/healthz")

    # Who

    def sign_in(self, username: str, password: str, headers: Mapping[str, str] | None = None) -> Token:
        """Trade a name and a password for a token; `headers` say where the person is (`visitor.py`)."""
        body = {"username": username, "password": password}
        return cast(Token, self._json("POST", "/v1/auth/token", data=body, headers=headers))

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
        self._call("PATCH", "/v1/auth/users/{username}", username, json=changes)

    def delete_user(self, username: str) -> None:
        """Delete a user, who then has no access any more."""
        self._call("DELETE", "/v1/auth/users/{username}", username)

    def keys(self) -> list[Key]:
        """List the programs that may call the gateway."""
        return cast(list[Key], self._json("GET", "/v1/auth/keys"))

    def create_key(self, name: str, role: Role, expires_in_days: int, *, trusted: bool) -> MadeKey:
        """Make a key; its secret is in this answer and never again."""
        body = {"name": name, "role": role, "expires_in_days": expires_in_days, "trusted": trusted}
        return cast(MadeKey, self._json("POST", "/v1/auth/keys", json=body))

    def trust_key(self, key: str, *, trusted: bool) -> None:
        """Say whether the labels that a key gives count as an engineer's."""
        self._call("PATCH", "/v1/auth/keys/{key_id}", key, json={"trusted": trusted})

    def delete_key(self, key: str) -> None:
        """Revoke a key by its id."""
        self._call("DELETE", "/v1/auth/keys/{key_id}", key)

    def devices(self) -> list[Device]:
        """List the things that may ask over MQTT."""
        return cast(list[Device], self._json("GET", "/v1/auth/devices"))

    def create_device(self, name: str, *, public_topics: bool) -> MadeDevice:
        """Make a device; its password is in this answer and never again."""
        body = {"name": name, "public_topics": public_topics}
        return cast(MadeDevice, self._json("POST", "/v1/auth/devices", json=body))

    def delete_device(self, device: str) -> None:
        """Revoke a device by its id."""
        self._call("DELETE", "/v1/auth/devices/{device_id}", device)

    # Predict and give feedback

    def models(self) -> list[ModelShort]:
        """List the models."""
        return cast(list[ModelShort], self._json("GET", "/v1/models"))

    def model(self, model: str) -> ModelDetail:
        """Describe one model, its schema and policy included."""
        return cast(ModelDetail, self._json("GET", "/v1/models/{model}", model))

    def predict(
        self,
        model: str,
        inputs: Sequence[Mapping[str, Any]],
        idempotency_key: str,
        version: str | None = None,
    ) -> PredictionAnswer:
        """Predict rows; the same key and rows are recorded once however often they are sent.

        Without a version, the one that the stage serves answers.
        """
        return cast(
            PredictionAnswer,
            self._json(
                "POST",
                "/v1/models/{model}/predictions",
                model,
                json={"inputs": list(inputs), **({"version": version} if version else {})},
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def predictions(self, model: str, limit: int, before: str | None = None) -> list[RecordedPrediction]:
        """List predictions with their feedback, newest first, older than `before` if given."""
        params = {"limit": str(limit), **({"before": before} if before else {})}
        path = "/v1/models/{model}/predictions"
        return cast(list[RecordedPrediction], self._json("GET", path, model, params=params))

    def prediction(self, prediction: str) -> PredictionDetail:
        """Show one prediction with its lineage, trace id and feedback."""
        return cast(PredictionDetail, self._json("GET", "/v1/predictions/{prediction_id}", prediction))

    def explanation(self, prediction: str) -> Explanation:
        """Explain which inputs moved a prediction most; the first explanation in a while takes seconds."""
        path = "/v1/predictions/{prediction_id}/explanation"
        return cast(Explanation, self._json("GET", path, prediction, timeout=SLOW_S))

    def give_feedback(self, prediction: str, feedback: FeedbackRequest) -> None:
        """Say whether a prediction was right; what somebody says last replaces what they said before."""
        self._call("POST", "/v1/predictions/{prediction_id}/feedback", prediction, json=dict(feedback))

    def score(self, model: str) -> ModelScore:
        """Show the current score of a model."""
        return cast(ModelScore, self._json("GET", "/v1/models/{model}/score", model))

    def score_history(self, model: str, limit: int) -> list[ScorePoint]:
        """Show the score over time, oldest first."""
        return cast(
            list[ScorePoint],
            self._json("GET", "/v1/models/{model}/score/history", model, params={"limit": str(limit)}),
        )

    # Drift

    def drift_reports(self, model: str, limit: int) -> list[DriftReportShort]:
        """List the newest drift reports of a model, newest first."""
        path = "/v1/models/{model}/drift-reports"
        return cast(list[DriftReportShort], self._json("GET", path, model, params={"limit": str(limit)}))

    def drift_report(self, model: str, report: str) -> DriftReport:
        """Show a drift report with every feature."""
        path = "/v1/models/{model}/drift-reports/{report}"
        return cast(DriftReport, self._json("GET", path, model, report))

    def drift_page(self, model: str, report: str) -> bytes:
        """Return a drift report with its charts as one HTML file."""
        path = "/v1/models/{model}/drift-reports/{report}.html"
        return self._call("GET", path, model, report, timeout=SLOW_S).content

    def compare_inputs(self, model: str) -> DriftRunStarted:
        """Have recent inputs compared with the training data now."""
        return cast(DriftRunStarted, self._json("POST", "/v1/models/{model}/drift-reports", model))

    # Versions and the ledger

    def versions(self, model: str) -> list[VersionShort]:
        """List the trained versions of a model."""
        return cast(list[VersionShort], self._json("GET", "/v1/models/{model}/versions", model))

    def load_version(self, model: str, version: str) -> None:
        """Load a version beside the one that the stage serves; 409 when there is no room."""
        self._call("POST", "/v1/models/{model}/versions/{version}/load", model, version, timeout=SLOW_S)

    def unload_version(self, model: str, version: str) -> None:
        """Unload a version from memory."""
        self._call("POST", "/v1/models/{model}/versions/{version}/unload", model, version)

    def promotions(self, model: str) -> list[PromotionEntry]:
        """Read the ledger, newest first."""
        return cast(list[PromotionEntry], self._json("GET", "/v1/models/{model}/promotions", model))

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
        self._call("POST", "/v1/models/{model}/promotions", model, json=body)

    def roll_back(self, model: str, stage: str, reason: str) -> None:
        """Let a stage serve what it served before."""
        self._call("POST", "/v1/models/{model}/rollback", model, json={"stage": stage, "reason": reason})

    def resume(self, model: str, reason: str) -> None:
        """Let the controller of a paused model start runs again."""
        self._call("POST", "/v1/models/{model}/resume", model, json={"reason": reason})

    def change_policy(self, model: str, changes: Mapping[str, Any]) -> None:
        """Change some fields of a model's policy."""
        self._call("PATCH", "/v1/models/{model}", model, json={"policy": dict(changes)})

    # Runs

    def runs(
        self, model: str | None = None, *, kind: str | None = None, status: str | None = None
    ) -> list[RunShort]:
        """List the newest runs that match, newest first."""
        asked = {"model": model, "kind": kind, "status": status, "limit": RUNS}
        params = {name: value for name, value in asked.items() if value is not None}
        return cast(list[RunShort], self._json("GET", "/v1/runs", params=params))

    def run(self, run: str) -> RunDetail:
        """Show one run in full."""
        return cast(RunDetail, self._json("GET", "/v1/runs/{run}", run))

    def run_log(self, run: str) -> str:
        """Return a run's log as text."""
        return self._call("GET", "/v1/runs/{run}/logs", run).text

    def cancel_run(self, run: str) -> None:
        """Ask for a run to be cancelled."""
        self._call("POST", "/v1/runs/{run}/cancel", run)
