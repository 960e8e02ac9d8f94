"""A gateway that keeps nothing but a few lists, over real HTTP; run it alone to look at the pages.

It is held to the gateway's contract: so must be what a page sends, and what it is answered.
"""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import canned
import canned_faces
from contract import Contract, Operation
from fake_faces import FakeFaces
from fake_http import Answer, Handlers, Refused, form, handler
from fake_live import FakeLive
from fake_models import FakeModels
from fake_monitoring import FakeMonitoring, canned_traffic
from fake_notifications import FakeNotifications
from fake_people import FakePeople
from fake_predictions import FakePredictions
from fake_runs import FakeRuns
from fake_training import FakeTraining

ROLES = ("user", "engineer", "maintainer")


class FakeGateway(
    FakePeople, FakeModels, FakePredictions, FakeRuns, FakeLive, FakeNotifications, FakeMonitoring, FakeFaces
):
    """The state, and who answers what."""

    def __init__(self) -> None:
        FakePeople.__init__(self)
        FakeModels.__init__(self)
        FakePredictions.__init__(self)
        FakeRuns.__init__(self)
        FakeLive.__init__(self)
        FakeNotifications.__init__(self)
        FakeMonitoring.__init__(self)
        FakeFaces.__init__(self)
        self.training = FakeTraining()
        self.url = ""
        self.contract = Contract.load()
        self.violations: list[str] = []
        """What was asked or answered against the contract."""
        self.troubles: list[tuple[str, Refused]] = []
        """Path prefix → the problem that every request below it meets."""
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []

    def trouble(self, prefix: str, status: int, detail: str = "Something is not right.", **more: Any) -> None:
        self.troubles.append((prefix, Refused(status, detail, **more)))

    def empty(self) -> None:
        """Forget everything that happened; keep the models."""
        self.score, self.history = canned.NO_SCORE, []
        self.versions, self.promotions, self.runs, self.predictions, self.keys = [], [], [], [], []
        self.training.datasets, self.drift = [], []
        self.destinations, self.deliveries = [], []
        self.persons, self.reviews = [], []
        self.traffic, self.service_logs = canned_traffic(0), {**self.service_logs, "entries": []}

    def handlers(self) -> Handlers:
        return {
            "GET /healthz": lambda **_: (200, {"status": "ok", "checks": {}}),
            **self.people_handlers(),
            **self.model_handlers(),
            **self.prediction_handlers(),
            **self.run_handlers(),
            **self.live_handlers(),
            **self.notification_handlers(),
            **self.monitoring_handlers(),
            **self.face_handlers(),
            **self.training.handlers(),
            "POST /v1/models": self.create_model,
            "POST /v1/models/{model}/predictions": self.answer_inputs,
            "POST /v1/models/{model}/resume": self.resume,
        }

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer a request, and note what was against the contract in it or in its answer."""
        split, kind = urlsplit(target), headers.get("content-type", "").partition(";")[0]
        given = _given(headers.get("content-type", ""), body) if body else None
        self.requests.append((method, target, headers, given))
        found = self.contract.find(method, split.path)
        if found is None:
            self._note(method, target, "the contract has no such operation")
            raise Refused(404, f"There is nothing at {split.path}.")
        operation, parts = found
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        faults = list(self.contract.faults_of_request(operation, query, kind if body else "", given))
        try:
            status, answered = self._dispatch(operation, split.path, parts, headers, query=query, given=given)
        except Refused as refused:
            self._note(
                method, target, *self.contract.faults_of_answer(operation, refused.status, refused.body)
            )
            raise
        # What the real gateway refuses, this one may refuse in its own words, but may not take.
        self._note(method, target, *faults, *self.contract.faults_of_answer(operation, status, answered))
        return status, answered

    def _dispatch(
        self, operation: Operation, path: str, parts: dict[str, str], headers: dict[str, str], **request: Any
    ) -> Answer:
        for prefix, refused in self.troubles:
            if path.startswith(prefix):
                raise refused
        user = None
        if operation.role:
            user = self.signed_in(headers)
            if ROLES.index(user["role"]) < ROLES.index(operation.role):
                raise Refused(403, f"This needs the role {operation.role}.")
        named = {name: unquote(value) for name, value in parts.items()}
        answer = self.handlers()[f"{operation.method} {operation.path}"]
        return answer(**named, headers=headers, user=user, **request)

    def _note(self, method: str, target: str, *faults: str) -> None:
        self.violations += [f"{method} {target}: {fault}" for fault in faults]

    def answer_inputs(self, model: str, given: Any, headers: dict[str, str], user: Any, **_: Any) -> Answer:
        found = self.model(model)
        if found["takes"] == "pictures":
            return self.recognise(found, given, user, self.predictions)
        return self.predict(found, given, headers, user)

    def create_model(self, given: Any, **more: Any) -> Answer:
        made = self.training.create_model(given, **more)
        if "dataset" not in given:
            self.models[given["name"]] = canned_faces.model(given["name"])
        return made

    def resume(self, model: str, **_: Any) -> Answer:
        self.models[model]["state"] = "healthy"
        return 200, self.score


def _given(kind: str, body: bytes) -> Any:
    if kind.startswith("multipart/form-data"):
        return form(kind, body)
    if kind.startswith("image/"):
        return body
    if kind.startswith("application/x-www-form-urlencoded"):
        return {name: values[0] for name, values in parse_qs(body.decode()).items()}
    return json.loads(body)


@contextmanager
def serving(port: int = 0) -> Iterator[FakeGateway]:
    """Serve a fresh gateway on a free port; at the end nothing may have been against the contract."""
    gateway = FakeGateway()
    server = ThreadingHTTPServer(("127.0.0.1", port), handler(gateway))
    server.daemon_threads = True
    gateway.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        server.server_close()
    assert not gateway.violations, "\n".join(["against the contract:", *gateway.violations])


if __name__ == "__main__":
    with serving(18_000) as running:
        sys.stdout.write(f"{running.url}: maya/m, erin/e, uma/u\n")
        sys.stdout.flush()
        threading.Event().wait()
