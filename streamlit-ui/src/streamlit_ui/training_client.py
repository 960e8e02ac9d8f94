"""The part of the gateway that trains: datasets, models to be trained, comparisons, removals."""

from collections.abc import Mapping, Sequence
from typing import IO, Any, cast

from streamlit_ui.calls import SLOW_S, Caller
from streamlit_ui.contract.types import (
    CandidateRequest,
    DatasetDetail,
    DatasetProposal,
    DatasetShort,
    DatasetVersion,
    Evaluation,
    Profile,
    ProfileComputing,
    ProposedHoldout,
    TaskDescription,
)

UPLOAD_S = 1_860
"""Timeout of an upload, which the gateway passes on and the data-processor reads."""
EVALUATION_S = 300
AUDIT_S = 120


class TrainingClient(Caller):
    """What engineers do beside predicting; only maintainers remove models and versions."""

    # Datasets

    def datasets(self) -> list[DatasetShort]:
        """List the datasets by name."""
        return cast(list[DatasetShort], self._json("GET", "/v1/datasets"))

    def dataset(self, dataset: str) -> DatasetDetail:
        """Show one dataset, with the proposal for its newest file."""
        return cast(DatasetDetail, self._json("GET", "/v1/datasets/{dataset}", dataset))

    def dataset_versions(self, dataset: str) -> list[DatasetVersion]:
        """List a dataset's versions, newest first."""
        return cast(list[DatasetVersion], self._json("GET", "/v1/datasets/{dataset}/versions", dataset))

    def upload_dataset(
        self, name: str, filename: str, file: IO[bytes], hints: Mapping[str, str] | None = None
    ) -> DatasetProposal:
        """Upload a table, or a dataset's next version; `hints` say how to read it."""
        return cast(
            DatasetProposal,
            self._json(
                "POST",
                "/v1/datasets",
                data={"name": name, **(hints or {})},
                files={"file": (filename, file, "application/octet-stream")},
                timeout=UPLOAD_S,
            ),
        )

    def read_dataset_again(
        self, dataset: str, fields: Mapping[str, bool | int | str | None]
    ) -> DatasetProposal:
        """Read a dataset's newest file in another way; None has a field detected again."""
        path = "/v1/datasets/{dataset}/reading"
        return cast(DatasetProposal, self._json("PUT", path, dataset, json=dict(fields), timeout=UPLOAD_S))

    def confirm_dataset(self, dataset: str, confirmation: Mapping[str, Any]) -> None:
        """Confirm the columns, the target and the task, and start to store the dataset."""
        self._call("PUT", "/v1/datasets/{dataset}/schema", dataset, json=dict(confirmation))

    def dataset_holdout(self, dataset: str, target: str) -> ProposedHoldout:
        """Return whether rows of the newest file belong together, for a target: takes some seconds."""
        path = "/v1/datasets/{dataset}/holdout"
        return cast(
            ProposedHoldout, self._json("GET", path, dataset, params={"target": target}, timeout=AUDIT_S)
        )

    def delete_dataset(self, dataset: str) -> None:
        """Delete a dataset; 409 while a model uses it."""
        self._call("DELETE", "/v1/datasets/{dataset}", dataset)

    # The profile of a dataset version

    def profile(self, dataset: str, version: int | None = None) -> Profile | ProfileComputing:
        """Read the profile of a dataset version; the first request has it computed."""
        path = "/v1/datasets/{dataset}/profile"
        return cast(
            Profile | ProfileComputing,
            self._json("GET", path, dataset, params=_version(version), timeout=SLOW_S),
        )

    def profile_report(self, dataset: str, version: int | None = None) -> bytes:
        """Return a profile as one HTML file."""
        path = "/v1/datasets/{dataset}/profile.html"
        return self._call("GET", path, dataset, params=_version(version), timeout=SLOW_S).content

    def compute_profile(self, dataset: str, version: int | None = None) -> ProfileComputing:
        """Have a profile computed again, above all after a failure."""
        path = "/v1/datasets/{dataset}/profile"
        return cast(ProfileComputing, self._json("POST", path, dataset, params=_version(version)))

    # Training

    def tasks(self) -> list[TaskDescription]:
        """List what can be trained: for each task its metrics, estimators, vectorizers and preparation."""
        return cast(list[TaskDescription], self._json("GET", "/v1/tasks"))

    def create_model(self, name: str, dataset: str, **choices: Any) -> str:
        """Create a model and return the run that trains its first version.

        Choices: `task`, `selection_metric`, `policy`, `preparation`, `candidates`.
        """
        return str(
            self._json("POST", "/v1/models", json={"name": name, "dataset": dataset, **choices})["run"]
        )

    def start_run(
        self, model: str, budget_s: float, reason: str, candidates: Sequence[CandidateRequest] = ()
    ) -> str:
        """Queue a training run and return its id; 409 with the open run's id when one is open.

        Without candidates, it tries every estimator that the model's task has.
        """
        body: dict[str, Any] = {"budget_s": budget_s, "reason": reason}
        if candidates:
            body["candidates"] = list(candidates)
        return str(self._json("POST", "/v1/models/{model}/runs", model, json=body)["id"])

    # Comparing and removing

    def evaluate(self, model: str, versions: Sequence[str], dataset: str | None = None) -> Evaluation:
        """Compare versions with the first of them, on labelled rows that none was fitted to."""
        body = {"versions": list(versions), **({"dataset": dataset} if dataset else {})}
        path = "/v1/models/{model}/evaluations"
        return cast(Evaluation, self._json("POST", path, model, json=body, timeout=EVALUATION_S))

    def delete_version(self, model: str, version: str) -> None:
        """Remove a version; 409 while a stage points to it."""
        self._call("DELETE", "/v1/models/{model}/versions/{version}", model, version)

    def delete_unused_versions(self, model: str) -> list[str]:
        """Remove every version that no stage points to; return which they were."""
        return cast(list[str], self._json("DELETE", "/v1/models/{model}/versions", model)["deleted"])

    def delete_unused_models(self) -> tuple[list[str], dict[str, str]]:
        """Delete every unused model that people created; return which, and why the others stay."""
        answer = self._json("DELETE", "/v1/models")
        return list(answer["deleted"]), dict(answer["kept"])

    def delete_model(self, model: str) -> None:
        """Delete a model and its versions; 409 while a stage points to one or a run is open."""
        self._call("DELETE", "/v1/models/{model}", model)


def _version(version: int | None) -> dict[str, str]:
    return {} if version is None else {"version": str(version)}
