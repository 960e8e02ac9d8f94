"""The part of the fake gateway that has runs, and the profiles that some of them compute."""

from typing import Any

import canned
import canned_profile
from fake_http import Answer, Handlers, Refused, find


class FakeRuns:
    """What is and was done in the background."""

    def __init__(self) -> None:
        self.runs = [
            dict(canned.RUNNING),
            dict(canned.FAILED),
            canned.run("run-2"),
            canned.run("run-1", trigger="initial", champion=None),
        ]
        self.profiles: dict[str, Any] = {
            "comments": canned_profile.PROFILE,
            "rents": canned_profile.REGRESSION,
        }

    def run_handlers(self) -> Handlers:
        return {
            "GET /v1/runs": self.list_runs,
            "GET /v1/runs/{run}": lambda run, **_: (200, find(self.runs, "id", run)),
            "GET /v1/runs/{run}/logs": lambda **_: (200, canned.LOG),
            "POST /v1/runs/{run}/cancel": self.cancel,
            "POST /v1/models/{model}/runs": self.start,
            "GET /v1/datasets/{dataset}/profile": self.profile,
            "POST /v1/datasets/{dataset}/profile": self.compute_profile,
            "GET /v1/datasets/{dataset}/profile.html": lambda **_: (200, "<!doctype html><p>A report."),
        }

    def list_runs(self, query: dict[str, str], **_: Any) -> Answer:
        asked = {name: query[name] for name in ("model", "kind", "status") if name in query}
        return 200, [
            {name: value for name, value in one.items() if name not in canned.ONLY_IN_DETAIL}
            for one in self.runs
            if asked.items() <= one.items()
        ]

    def start(self, given: Any, user: Any, **_: Any) -> Answer:
        for one in self.runs:
            if one["status"] in ("queued", "running"):
                raise Refused(409, f"The run {one['id']} is still open.", run=one["id"])
        made = {
            **canned.RUNNING,
            "id": f"run-{len(self.runs) + 1}",
            "status": "queued",
            "reason": given["reason"],
        }
        self.runs.insert(0, {**made, "subject": user["username"], "options": given})
        return 202, {"id": made["id"], "status": "queued"}

    def cancel(self, run: str, **_: Any) -> Answer:
        found = find(self.runs, "id", run)
        found.update(status="cancelled", cancel_requested=True, finished_at=canned.ago())
        return 202, found

    def profile(self, dataset: str, **_: Any) -> Answer:
        if dataset not in self.profiles:
            raise Refused(409, f"Dataset {dataset!r} has no version yet.")
        found = self.profiles[dataset]
        if found["state"] == "failed":
            raise Refused(409, "It was not computed. POST to try again.", run="run-4", error="no memory")
        return (200 if found["state"] == "ready" else 202), found

    def compute_profile(self, dataset: str, **_: Any) -> Answer:
        self.profiles[dataset] = canned_profile.COMPUTING
        return 202, canned_profile.COMPUTING
