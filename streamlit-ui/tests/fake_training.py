"""The part of the fake gateway that trains: datasets, tasks, new models, comparisons, removals."""

import copy
from typing import Any

import canned
import canned_live
import canned_training
from fake_http import Answer, Handlers, Refused, find


class FakeTraining:
    """Datasets, what can be trained, new models, comparisons."""

    def __init__(self) -> None:
        self.tasks = copy.deepcopy(canned_training.TASKS)
        for task in self.tasks:
            task["live_estimators"] = [] if task.get("takes") == "pictures" else canned_live.ESTIMATORS
        self.proposal = canned_training.PROPOSAL
        """What the next upload seems to hold."""
        self.datasets = [canned_training.dataset("census-income", models=["census-income"])]
        self.dataset_versions = list(canned_training.VERSIONS)
        self.evaluation = canned_training.EVALUATION
        self.created: list[dict[str, Any]] = []
        self.removed: list[str] = []

    def handlers(self) -> Handlers:
        one, model = "/v1/datasets/{dataset}", "/v1/models/{model}"
        return {
            "GET /v1/tasks": lambda **_: (200, self.tasks),
            "GET /v1/datasets": self.list_datasets,
            "POST /v1/datasets": self.upload,
            f"GET {one}": lambda dataset, **_: (200, find(self.datasets, "name", dataset)),
            f"PUT {one}/schema": self.confirm,
            f"PUT {one}/reading": self.read_again,
            f"DELETE {one}": self.delete,
            f"GET {one}/versions": lambda **_: (200, self.dataset_versions),
            f"GET {one}/holdout": lambda **_: (200, canned_training.LATER_TARGET),
            "POST /v1/models": self.create_model,
            f"POST {model}/evaluations": lambda **_: (200, self.evaluation),
            "DELETE /v1/models": self.remove_unused_models,
            f"DELETE {model}/versions": self.remove_unused,
            f"DELETE {model}/versions/{{version}}": self.remove_version,
            f"DELETE {model}": self.remove_model,
        }

    def list_datasets(self, **_: Any) -> Answer:
        short = ("name", "state", "version", "rows", "task", "target", "created_at")
        return 200, [{name: one[name] for name in short} for one in self.datasets]

    def upload(self, given: Any, **_: Any) -> Answer:
        name, (_filename, content) = given["name"], given["file"]
        if not content:
            raise Refused(
                422,
                "Nothing was stored: The file is empty.",
                errors=[{"loc": ["body", "file"], "message": "The file is empty."}],
            )
        proposal = {**self.proposal, "name": name}
        before = next((one for one in self.datasets if one["name"] == name), None)
        if before:
            before.update(state="proposed", proposal=proposal)
        else:
            made = canned_training.dataset(
                name, state="proposed", version=None, task=None, tables=[], proposal=proposal
            )
            self.datasets.append(made)
        return 201, proposal

    def read_again(self, dataset: str, given: Any, **_: Any) -> Answer:
        found = find(self.datasets, "name", dataset)
        if "skip_rows" in given:
            raise Refused(422, "Nothing was stored: Column 2 has no name in the header: give it one.")
        source = {
            **found["proposal"]["source"],
            "notes": ["The rows are values."],
            "choices": [],
            "header": False,
        }
        found["proposal"] = {**found["proposal"], "source": source}
        return 200, found["proposal"]

    def confirm(self, dataset: str, given: Any, **_: Any) -> Answer:
        found = find(self.datasets, "name", dataset)
        if given["target"] == "age":
            raise Refused(
                422,
                "The dataset was not stored.",
                errors=[
                    {"loc": ["body", "target"], "message": "There is nothing to tell apart."},
                    {"loc": ["body", "columns", "workclass", "kind"], "message": "It cannot be numeric."},
                ],
            )
        found.update(state="storing", target=given["target"], task=given["task"])
        return 202, {"name": dataset, "state": "storing", "run": "run-9"}

    def delete(self, dataset: str, **_: Any) -> Answer:
        found = find(self.datasets, "name", dataset)
        if found["models"]:
            raise Refused(
                409, f"Dataset {dataset!r} cannot be deleted: model {found['models'][0]!r} uses it."
            )
        self.datasets.remove(found)
        return 204, None

    def create_model(self, given: Any, **_: Any) -> Answer:
        if given["name"] == "taken":
            raise Refused(409, "There is a model 'taken' already.")
        if not given["name"].islower():
            raise Refused(
                422,
                "The request is not valid.",
                errors=[{"loc": ["body", "name"], "message": "must be in small letters"}],
            )
        self.created.append(given)
        dataset = given.get("dataset") or given["name"]
        task = given.get("task") or find(self.datasets, "name", dataset)["task"]
        return 201, {"name": given["name"], "dataset": dataset, "task": task, "run": "run-2"}

    def remove_unused(self, model: str, **_: Any) -> Answer:
        self.removed.append(f"{model}/*")
        return 200, {"deleted": ["1", "3"]}

    def remove_version(self, model: str, version: str, **_: Any) -> Answer:
        self.removed.append(f"{model}/{version}")
        return 204, None

    def remove_unused_models(self, **_: Any) -> Answer:
        self.removed.append("*")
        return 200, {"deleted": ["rents"], "kept": {"flowers": "Model 'flowers' stays: a run is open."}}

    def remove_model(self, model: str, **_: Any) -> Answer:
        if model == "census-income":
            raise Refused(409, "Model 'census-income' cannot be deleted: version 2, stage main serves it.")
        self.removed.append(model)
        return 204, None


STORING = canned.run(
    "run-9",
    kind="dataset",
    model=None,
    trigger="upload",
    status="running",
    step="warehouse",
    progress=0.6,
    finished_at=None,
    leaderboard=[],
    gate=None,
)
