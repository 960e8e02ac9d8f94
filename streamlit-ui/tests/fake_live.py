"""The part of the fake gateway that has live runs; they learn when they are told to (`learn`)."""

import itertools
from typing import Any

import canned_live
from canned import ago
from fake_http import Answer, Handlers, Refused, find


class FakeLive:
    """Live runs: what is in force, what was measured, who changed what."""

    runs: list[dict[str, Any]]

    def __init__(self) -> None:
        self.live: dict[str, dict[str, Any]] = {}
        self.measured: dict[str, list[dict[str, Any]]] = {}
        self._live_numbers = itertools.count(1)

    def live_handlers(self) -> Handlers:
        one = "/v1/runs/{run}"
        return {
            "POST /v1/models/{model}/live-runs": self.start_live,
            f"GET {one}/live": lambda run, **_: (200, self.live_run(run)),
            f"PATCH {one}/hyperparameters": self.change_live,
            f"POST {one}/pause": lambda run, **_: self._told(
                run, state="paused", paused_until=ago(hours=-24)
            ),
            f"POST {one}/resume": lambda run, **_: self._told(run, state="running", paused_until=None),
            f"POST {one}/stop": lambda run, **_: self._told(run, state="ended", status="succeeded"),
            f"POST {one}/step": self.step_live,
            f"POST {one}/fork": self.fork_live,
            f"POST {one}/keep": self.keep_live,
            f"GET {one}/curves": self.live_curves,
            f"GET {one}/branches": self.live_branches,
        }

    # What happens in a run

    def add_live(self, **changes: Any) -> dict[str, Any]:
        """Add a live run, the newest of all runs."""
        made = canned_live.live(changes.pop("id", f"live-{next(self._live_numbers)}"), **changes)
        self.live[made["id"]] = made
        self.measured.setdefault(made["id"], [])
        self._list(made)
        return made

    def learn(self, run: str, epochs: int, **measured: Any) -> None:
        """Let a run learn some epochs, after what it was told and has not done yet."""
        one = self.live[run]
        self._apply(one)
        for number in range(one["epoch"] + 1, one["epoch"] + 1 + epochs):
            rate = one["hyperparameters"]["learning_rate"]
            self.measured[run].append(canned_live.epoch(number, rate, **measured))
        newest = self.measured[run][-1]
        best = max(self.measured[run], key=lambda found: found["validation_metric"] or 0)
        one.update(
            epoch=newest["epoch"],
            metric="roc_auc",
            best={"epoch": best["epoch"], "value": best["validation_metric"]},
            last_seq=one["last_seq"] + epochs,
        )
        self._list(one)

    # What is asked

    def live_run(self, run: str) -> dict[str, Any]:
        if run not in self.live:
            find(self.runs, "id", run)
            raise Refused(409, f"Run {run} is no live run.")
        return self.live[run]

    def start_live(self, model: str, given: Any, user: Any, **_: Any) -> Answer:
        if given["hyperparameters"]["learning_rate"] > 1:
            wrong = {"loc": ["body", "hyperparameters", "learning_rate"], "message": "5 is not possible"}
            raise Refused(422, "Nothing was done.", errors=[wrong])
        learns = find(canned_live.ESTIMATORS, "name", given["estimator"])
        made = self.add_live(
            model=model,
            estimator=learns,
            vectorizer=given.get("vectorizer"),
            epochs=given["epochs"],
            subject=user["username"],
            state="paused" if given["paused"] else "waiting",
            created_at=ago(),
        )
        made["hyperparameters"] |= given["hyperparameters"]
        return 202, {"id": made["id"], "status": "queued"}

    def change_live(self, run: str, given: Any, user: Any, **_: Any) -> Answer:
        one = self.live_run(run)
        if "momentum" in given:
            wrong = {"loc": ["body", "momentum"], "message": "the optimizer adam has no momentum"}
            raise Refused(422, "Nothing was done.", errors=[wrong])
        asked = {"kind": "hyperparameters", "subject": user["username"], "at": ago(), "changes": given}
        one["pending"].append(asked)
        return 202, one

    def step_live(self, run: str, given: Any, **_: Any) -> Answer:
        self.learn(run, given["epochs"])
        return self._told(run, state="paused", paused_until=ago(hours=-24))

    def fork_live(self, run: str, given: Any, user: Any, **_: Any) -> Answer:
        one = self.live_run(run)
        place = given.get("epoch")
        if place is None and given.get("change"):
            place = find(one["changes"], "number", given["change"])["epoch"]
        learns = find(canned_live.ESTIMATORS, "name", one["estimator"])
        made = self.add_live(
            model=one["model"],
            estimator=learns,
            parent=run,
            parent_epoch=place or 0,
            epoch=place or 0,
            epochs=given.get("epochs") or one["epochs"],
            subject=user["username"],
            state="paused" if given.get("paused") else "running",
            created_at=ago(),
        )
        made["hyperparameters"] = {**one["hyperparameters"], **given.get("hyperparameters", {})}
        return 202, {"id": made["id"], "status": "queued"}

    def keep_live(self, run: str, given: Any, **_: Any) -> Answer:
        one = self.live_run(run)
        if opened := next(
            (one for one in self.runs if one["kind"] == "training" and one["status"] == "running"), None
        ):
            raise Refused(409, f"The run {opened['id']} is still open.", run=opened["id"])
        if given["epoch"] == 13:
            wrong = {"loc": ["body", "epoch"], "message": "13 brings bad luck"}
            raise Refused(422, "Nothing was done.", errors=[wrong])
        one["kept_by"] = [*one["kept_by"], "run-2"]
        return 202, {"id": "run-2", "status": "queued"}

    def live_curves(self, run: str, query: dict[str, str], **_: Any) -> Answer:
        after, points = int(query.get("after", 0)), int(query["points"])
        later = [one for one in self.measured[self.live_run(run)["id"]] if one["epoch"] > after]
        few = later[:: len(later) // points + 1]
        found = {"metric": self.live[run]["metric"], "epochs": few, "count": len(self.measured[run])}
        return 200, {**found, "thinned": len(few) < len(later)}

    def live_branches(self, run: str, **_: Any) -> Answer:
        root = run
        while self.live[root]["parent"]:
            root = self.live[root]["parent"]
        tree = {root}
        for one in self.live.values():  # a fork comes after its parent
            tree |= {one["id"]} if one["parent"] in tree else set()
        fields = ("id", "parent", "parent_epoch", "status", "state", "estimator", "hyperparameters", "epoch",
                  "best", "subject", "created_at", "kept_by")  # fmt: skip
        runs = [
            {**{name: self.live[one][name] for name in fields}, "changes": len(self.live[one]["changes"])}
            for one in tree
        ]
        runs.sort(key=lambda one: -(one["best"] or {"value": -1})["value"])
        return 200, {"metric": self.live[run]["metric"], "lower_is_better": False, "runs": runs}

    def _told(self, run: str, **changes: Any) -> Answer:
        one = self.live_run(run)
        if one["state"] == "ended":
            raise Refused(409, f"Live run {run} has ended.")
        one.update(changes)
        self._list(one)
        return 202, one

    def _apply(self, one: dict[str, Any]) -> None:
        for asked in one["pending"]:
            moved = {
                name: {"from": one["hyperparameters"][name], "to": to}
                for name, to in asked["changes"].items()
            }
            one["hyperparameters"] = {**one["hyperparameters"], **asked["changes"]}
            place = {"epoch": one["epoch"], "row": 0, "seq": one["last_seq"] + 1}
            number = len(one["changes"]) + 1
            told = {"number": number, "at": asked["at"], "subject": asked["subject"], "changes": moved}
            one["changes"] = [*one["changes"], {**told, **place}]
        one["pending"] = []

    def _list(self, one: dict[str, Any]) -> None:
        known = next((place for place, run in enumerate(self.runs) if run["id"] == one["id"]), None)
        if known is None:
            self.runs.insert(0, canned_live.listed(one))
        else:
            self.runs[known] = canned_live.listed(one)
