"""Registers versions in MLflow through its own client. Only the training process imports this module.

Everything is searched for by the run's id before it is created, so an interrupted call can be repeated: one
run of ours becomes one MLflow run and one model version, whatever happens in between.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
# `patiently` waits for a server that is away; the client's own retries must not multiply that.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, Metric, Param
from mlflow.exceptions import MlflowException
from requests import RequestException

from data_processor.adapters.mlflow_connection import UNAVAILABLE, MlflowUnreachableError

RUN_TAG = "loopkeeper.run"
DESCRIBED_TAG = "loopkeeper.described"
SOURCE_NAME = "mlflow.source.name"
MAX_VALUE = 6000
"""The most characters of one parameter that MLflow accepts."""


@dataclass(frozen=True)
class Experiment:
    """What MLflow records about one run of ours."""

    model: str
    run: str
    params: Mapping[str, object]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    """The lineage, as tags of both the run and the version."""
    dataset: str
    revision: str
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """The successive values of a metric, e.g. the best loss during the search."""


@dataclass(frozen=True)
class Registered:
    """A version as MLflow numbered it."""

    version: str
    mlflow_run: str
    artefact_uri: str


class MlflowRegistry:
    """The model registry of one MLflow server."""

    def __init__(self, url: str) -> None:
        """Open lazily: nothing is connected before the first call."""
        self._url = url
        self._client = MlflowClient(url, url)

    def register(self, experiment: Experiment, files: Path) -> Registered:
        """Record a run with its files and register it as the model's next version, once per run.

        Raises `MlflowUnreachableError` while the server is away; repeat the call then.
        """
        with self._translated():
            run, uri = self._run(experiment)
            self._client.log_artifacts(run, str(files))
            return Registered(self._version(experiment, run, uri), run, uri)

    def add_file(self, registered: Registered, file: Path) -> None:
        """Add a file to a version and finish its run; safe to repeat."""
        with self._translated():
            self._client.log_artifact(registered.mlflow_run, str(file))
            self._client.set_terminated(registered.mlflow_run, "FINISHED")

    def _run(self, experiment: Experiment) -> tuple[str, str]:
        home = self._experiment(experiment.model)
        found = self._client.search_runs([home], f"tags.`{RUN_TAG}` = '{experiment.run}'", max_results=1)
        tags = {**experiment.tags, RUN_TAG: experiment.run, SOURCE_NAME: "loopkeeper"}
        run = found[0] if found else self._client.create_run(home, tags=tags, run_name=experiment.run)
        if DESCRIBED_TAG not in run.data.tags:
            self._describe(run.info.run_id, experiment, run.info.start_time)
        uri = run.info.artifact_uri
        if uri is None:
            raise MlflowException(f"MLflow gave its run {run.info.run_id} no artefact URI.")
        return run.info.run_id, uri

    def _experiment(self, name: str) -> str:
        experiment = self._client.get_experiment_by_name(name)
        if experiment is None:
            return self._client.create_experiment(name)
        if experiment.lifecycle_stage == "deleted":
            self._client.restore_experiment(experiment.experiment_id)
        return experiment.experiment_id

    def _describe(self, run: str, experiment: Experiment, at: int) -> None:
        source = DatasetInput(
            Dataset(
                name=experiment.dataset,
                digest=experiment.revision[:36],
                source_type="dvc",
                source=experiment.revision,
            ),
            [],
        )
        self._client.log_inputs(run, datasets=[source])
        params = [Param(key, str(value)[:MAX_VALUE]) for key, value in experiment.params.items()]
        metrics = [Metric(key, value, at, 0) for key, value in experiment.metrics.items()]
        for key, values in experiment.history.items():
            metrics += [Metric(key, value, at, step) for step, value in enumerate(values)]
        self._client.log_batch(run, params=params)
        for start in range(0, len(metrics), 1000):  # MLflow's limit for one call
            self._client.log_batch(run, metrics=metrics[start : start + 1000])
        self._client.set_tag(run, DESCRIBED_TAG, "true")

    def _version(self, experiment: Experiment, run: str, uri: str) -> str:
        name = experiment.model
        if not self._client.search_registered_models(f"name = '{name}'"):
            self._client.create_registered_model(name)
        made = self._client.search_model_versions(f"name = '{name}' and run_id = '{run}'")
        version = (
            made[0]
            if made
            else self._client.create_model_version(
                name,
                source=uri,
                run_id=run,
                tags={**experiment.tags, RUN_TAG: experiment.run},
                await_creation_for=0,
            )
        )
        return str(version.version)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except RequestException as error:
            raise MlflowUnreachableError(self._url, error) from error
        except MlflowException as error:
            # A call without a response raises the same class, with the code of an internal error.
            status = error.get_http_status_code()  # type: ignore[no-untyped-call] # MLflow does not annotate it
            if status in UNAVAILABLE:
                raise MlflowUnreachableError(self._url, error) from error
            raise
