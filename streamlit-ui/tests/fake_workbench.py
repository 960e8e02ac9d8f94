"""The part of the fake gateway that whoever makes models talks to."""

import copy
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import canned
import canned_workbench
from fake_http import Answer, Refused


def form(content_type: str, body: bytes) -> dict[str, Any]:
    """Take a multipart form apart: fields as texts, the file as its name and its bytes."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    found: dict[str, Any] = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
        name = part.get_param("name", header="content-disposition")
        content: Any = part.get_payload(decode=True)
        filename = part.get_filename()
        found[str(name)] = (filename, content) if filename else content.decode()
    return found


class FakeWorkbench:
    """Datasets, what can be trained, new models, comparisons."""

    def __init__(self) -> None:
        self.tasks = copy.deepcopy(canned_workbench.TASKS)
        self.proposal = canned_workbench.PROPOSAL
        """What the next upload seems to hold."""
        self.datasets = [canned_workbench.dataset("census-income", models=["census-income"])]
        self.dataset_versions = list(canned_workbench.VERSIONS)
        self.evaluation = canned_workbench.EVALUATION
        self.created: list[dict[str, Any]] = []
        self.removed: list[str] = []

    @property
    def routes(self) -> list[tuple[str, str, str, Any]]:
        one, model = "/v1/datasets/(?P<name>[^/]+)", "/v1/models/(?P<model>[^/]+)"
        return [
            ("GET", "/v1/tasks", "engineer", lambda **_: (200, self.tasks)),
            ("GET", "/v1/datasets", "engineer", lambda **_: (200, self.datasets)),
            ("POST", "/v1/datasets", "engineer", self.upload),
            ("GET", one, "engineer", lambda name, **_: (200, self.found(name))),
            ("PUT", f"{one}/schema", "engineer", self.confirm),
            ("DELETE", one, "engineer", self.delete),
            ("GET", f"{one}/versions", "engineer", lambda **_: (200, self.dataset_versions)),
            ("POST", "/v1/models", "engineer", self.create_model),
            ("POST", f"{model}/evaluations", "engineer", lambda **_: (200, self.evaluation)),
            ("DELETE", "/v1/models", "maintainer", self.remove_unused_models),
            ("DELETE", f"{model}/versions", "maintainer", self.remove_unused),
            ("DELETE", f"{model}/versions/(?P<name>[^/]+)", "maintainer", self.remove_version),
            ("DELETE", model, "maintainer", self.remove_model),
        ]

    def found(self, name: str) -> dict[str, Any]:
        for dataset in self.datasets:
            if dataset["name"] == name:
                return dataset
        raise Refused(404, f"There is no dataset {name!r}.")

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
            made = canned_workbench.dataset(
                name, state="proposed", version=None, task=None, tables=[], proposal=proposal
            )
            self.datasets.append(made)
        return 201, proposal

    def confirm(self, name: str, given: Any, **_: Any) -> Answer:
        dataset = self.found(name)
        if given["target"] == "age":
            raise Refused(
                422,
                "The dataset was not stored.",
                errors=[
                    {"loc": ["body", "target"], "message": "There is nothing to tell apart."},
                    {"loc": ["body", "columns", "workclass", "kind"], "message": "It cannot be numeric."},
                ],
            )
        dataset.update(state="storing", target=given["target"], task=given["task"])
        return 202, {"name": name, "state": "storing"}

    def delete(self, name: str, **_: Any) -> Answer:
        dataset = self.found(name)
        if dataset["models"]:
            raise Refused(409, f"Dataset {name!r} cannot be deleted: model {dataset['models'][0]!r} uses it.")
        self.datasets.remove(dataset)
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
        return 201, {"name": given["name"], "dataset": given["dataset"], "task": "x", "run": "run-2"}

    def remove_unused(self, model: str, **_: Any) -> Answer:
        self.removed.append(f"{model}/*")
        return 200, {"deleted": ["1", "3"]}

    def remove_version(self, model: str, name: str, **_: Any) -> Answer:
        self.removed.append(f"{model}/{name}")
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
