"""A gateway that keeps nothing but a few lists, over real HTTP; run it alone to look at the pages."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import canned
import canned_schemas
from fake_http import Answer, Refused, handler

ROLES = ("user", "engineer", "maintainer")
Route = tuple[str, str, str, Callable[..., Answer]]


class FakeGateway:
    """The state and the routes."""

    def __init__(self) -> None:
        self.url = ""
        self.passwords = {"maya": "m", "erin": "e", "uma": "u"}
        self.users = [dict(user) for user in canned.USERS]
        self.keys = [dict(key) for key in canned.KEYS]
        self.tokens: dict[str, str] = {}
        self.expires_in = 3600
        self.models = {
            "census-income": self._model(
                "census-income", canned_schemas.CENSUS, "income-per-year", ["<=50K", ">50K"]
            ),
            "flowers": self._model("flowers", canned_schemas.FLOWERS, "species", ["iris", "rose", "tulip"]),
            "rents": self._model("rents", canned_schemas.RENTS, "rent", []),
        }
        self.score = canned.score()
        self.history = canned.history()
        self.versions = [
            canned.version("1"),
            canned.version("2", stages=["main"]),
            canned.version("3", receipt=canned.HOLD, barred=None),
        ]
        self.promotions = [canned.promotion(2), canned.promotion(1)]
        self.runs = [
            dict(canned.RUNNING),
            dict(canned.FAILED),
            canned.run("run-2"),
            canned.run("run-1", trigger="initial", champion=None),
        ]
        self.predictions = [canned.prediction(number) for number in range(1, 61)]
        self.predictions[1]["feedback"] = [canned.judgement(correct=False, label=">50K")]
        self.predictions[2]["feedback"] = [canned.judgement(correct=True, label="<=50K")]
        self.ask = False
        self.troubles: list[tuple[str, Refused]] = []
        """Path prefix → the problem that every request below it meets."""
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.recorded: dict[str, Any] = {}
        """Idempotency key → answer."""

    def trouble(self, prefix: str, status: int, detail: str = "Something is not right.", **more: Any) -> None:
        self.troubles.append((prefix, Refused(status, detail, **more)))

    def empty(self) -> None:
        """Forget everything that happened; keep the models."""
        self.score, self.history = canned.NO_SCORE, []
        self.versions, self.promotions, self.runs, self.predictions, self.keys = [], [], [], [], []

    @staticmethod
    def _model(name: str, schema: Any, target: str, classes: list[str]) -> dict[str, Any]:
        return {
            "name": name,
            "task": "tabular-classification" if classes else "tabular-regression",
            "version": "2",
            "stage": "main",
            "score": canned.score(),
            "state": "degraded",
            "schema": schema,
            "target": target,
            "classes": classes,
            "policy": dict(canned.POLICY),
            "versions": ["1", "2", "3"],
        }

    @property
    def routes(self) -> list[Route]:
        return [
            ("DELETE", "/v1/auth/token", "user", self.sign_out),
            ("GET", "/v1/auth/users", "maintainer", lambda **_: (200, self.users)),
            ("POST", "/v1/auth/users", "maintainer", self.create_user),
            ("PATCH", "/v1/auth/users/(?P<name>[^/]+)", "maintainer", self.change_user),
            ("DELETE", "/v1/auth/users/(?P<name>[^/]+)", "maintainer", self.delete_user),
            ("GET", "/v1/auth/keys", "maintainer", lambda **_: (200, self.keys)),
            ("POST", "/v1/auth/keys", "maintainer", self.create_key),
            ("DELETE", "/v1/auth/keys/(?P<name>[^/]+)", "maintainer", self.delete_key),
            ("GET", "/v1/models", "user", self.list_models),
            ("GET", "/v1/models/(?P<model>[^/]+)", "user", lambda model, **_: (200, self.model(model))),
            ("PATCH", "/v1/models/(?P<model>[^/]+)", "engineer", self.change_policy),
            ("POST", "/v1/models/(?P<model>[^/]+)/predictions", "user", self.predict),
            ("GET", "/v1/models/(?P<model>[^/]+)/predictions", "user", self.list_predictions),
            (
                "GET",
                "/v1/predictions/(?P<name>[^/]+)",
                "user",
                lambda name, **_: (200, self.found(self.predictions, "id", name)),
            ),
            ("GET", "/v1/predictions/(?P<name>[^/]+)/explanation", "user", self.explain),
            ("POST", "/v1/predictions/(?P<name>[^/]+)/feedback", "user", self.judge),
            ("GET", "/v1/models/(?P<model>[^/]+)/score", "user", lambda **_: (200, self.score)),
            ("GET", "/v1/models/(?P<model>[^/]+)/score/history", "user", lambda **_: (200, self.history)),
            ("GET", "/v1/models/(?P<model>[^/]+)/versions", "user", lambda **_: (200, self.versions)),
            (
                "GET",
                "/v1/models/(?P<model>[^/]+)/promotions",
                "maintainer",
                lambda **_: (200, self.promotions),
            ),
            (
                "POST",
                "/v1/models/(?P<model>[^/]+)/versions/(?P<name>[^/]+)/(?P<what>load|unload)",
                "engineer",
                self.keep,
            ),
            ("POST", "/v1/models/(?P<model>[^/]+)/promotions", "maintainer", self.promote),
            ("POST", "/v1/models/(?P<model>[^/]+)/rollback", "maintainer", self.roll_back),
            ("POST", "/v1/models/(?P<model>[^/]+)/resume", "maintainer", self.resume),
            ("POST", "/v1/models/(?P<model>[^/]+)/runs", "engineer", self.start_run),
            ("GET", "/v1/runs", "engineer", self.list_runs),
            (
                "GET",
                "/v1/runs/(?P<name>[^/]+)",
                "engineer",
                lambda name, **_: (200, self.found(self.runs, "id", name)),
            ),
            ("GET", "/v1/runs/(?P<name>[^/]+)/logs", "engineer", lambda **_: (200, canned.LOG)),
            ("POST", "/v1/runs/(?P<name>[^/]+)/cancel", "engineer", self.cancel_run),
        ]

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        split = urlsplit(target)
        given: Any = None
        if body:
            form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
            given = (
                {name: values[0] for name, values in parse_qs(body.decode()).items()}
                if form
                else json.loads(body)
            )
        self.requests.append((method, target, headers, given))
        for prefix, refused in self.troubles:
            if split.path.startswith(prefix):
                raise refused
        if split.path == "/healthz":
            return 200, {"status": "ok", "checks": {}}
        if (method, split.path) == ("POST", "/v1/auth/token"):
            return self.sign_in(given)
        user = self._user(headers)
        for verb, pattern, role, route in self.routes:
            if verb == method and (match := re.fullmatch(pattern, split.path)):
                if ROLES.index(user["role"]) < ROLES.index(role):
                    raise Refused(403, f"This needs the role {role}.")
                named = {name: unquote(value) for name, value in match.groupdict().items()}
                query = {name: values[0] for name, values in parse_qs(split.query).items()}
                return route(**named, given=given, query=query, headers=headers, user=user)
        raise Refused(404, f"There is nothing at {split.path}.")

    def _user(self, headers: dict[str, str]) -> dict[str, Any]:
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            raise Refused(401, "Sign in first.")
        return self.found(self.users, "username", self.tokens[token])

    @staticmethod
    def found(rows: list[dict[str, Any]], key: str, value: str) -> dict[str, Any]:
        for row in rows:
            if row[key] == value:
                return row
        raise Refused(404, f"There is no {value!r}.")

    def sign_in(self, given: Any) -> Answer:
        if self.passwords.get(given["username"]) != given["password"]:
            raise Refused(401, "Wrong username or password.")
        token = f"token-{len(self.tokens)}-of-{given['username']}"
        self.tokens[token] = given["username"]
        role = self.found(self.users, "username", given["username"])["role"]
        return 200, {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": self.expires_in,
            "role": role,
        }

    def sign_out(self, headers: dict[str, str], **_: Any) -> Answer:
        del self.tokens[headers["authorization"].removeprefix("Bearer ")]
        return 204, None

    def create_user(self, given: Any, **_: Any) -> Answer:
        if any(user["username"] == given["username"] for user in self.users):
            raise Refused(409, f"There is a user {given['username']!r} already.")
        made = {
            "username": given["username"],
            "role": given["role"],
            "created_at": canned.ago(),
            "created_by": "maya",
            "signed_in_at": None,
        }
        self.users.append(made)
        self.passwords[given["username"]] = given["password"]
        return 201, made

    def change_user(self, name: str, given: Any, **_: Any) -> Answer:
        user = self.found(self.users, "username", name)
        user.update({key: value for key, value in given.items() if key == "role"})
        return 200, user

    def delete_user(self, name: str, **_: Any) -> Answer:
        self.users.remove(self.found(self.users, "username", name))
        return 204, None

    def create_key(self, given: Any, **_: Any) -> Answer:
        made = {
            "id": f"key-{len(self.keys) + 2}",
            "name": given["name"],
            "role": given["role"],
            "requests_per_second": None,
            "created_at": canned.ago(),
            "created_by": "maya",
            "expires_at": "2027-03-01T00:00:00Z",
        }
        self.keys.append(made)
        return 201, {**made, "key": "lk_only-shown-once"}

    def delete_key(self, name: str, **_: Any) -> Answer:
        self.keys.remove(self.found(self.keys, "id", name))
        return 204, None

    def list_models(self, **_: Any) -> Answer:
        short = ("name", "task", "version", "stage", "score", "state")
        return 200, [{key: model[key] for key in short} for model in self.models.values()]

    def model(self, name: str) -> dict[str, Any]:
        if name not in self.models:
            raise Refused(404, f"There is no model {name!r}.")
        return self.models[name]

    def change_policy(self, model: str, given: Any, **_: Any) -> Answer:
        self.model(model)["policy"].update(given["policy"])
        return 200, self.model(model)

    def predict(self, model: str, given: Any, headers: dict[str, str], user: Any, **_: Any) -> Answer:
        described = self.model(model)
        key = headers.get("idempotency-key", "")
        if key in self.recorded:
            return 200, self.recorded[key]
        if described["version"] is None:
            raise Refused(503, "No version is served yet.", headers={"Retry-After": "5"})
        errors = [
            {"loc": ["body", "inputs", number, "age"], "message": "must be a number from 0 on"}
            for number, row in enumerate(given["inputs"])
            if isinstance(row.get("age"), int | float) and row["age"] < 0
        ]
        if errors:
            raise Refused(
                422, f"{len(errors)} fields are not valid. Nothing was predicted or recorded.", errors=errors
            )
        answers = [self._predict(described, row, user) for row in given["inputs"]]
        self.recorded[key] = {"model": model, "version": "2", "stage": "main", "predictions": answers}
        return 200, self.recorded[key]

    def _predict(self, described: dict[str, Any], row: dict[str, Any], user: Any) -> dict[str, Any]:
        flags = [f"{name}: missing" for name in described["schema"]["properties"] if row.get(name) is None]
        answer: dict[str, Any] = {"id": f"made-{len(self.predictions)}"}
        if described["classes"]:
            rest = len(described["classes"]) - 1
            shares = {
                name: 0.8 if place == 0 else 0.2 / rest for place, name in enumerate(described["classes"])
            }
            answer.update(label=described["classes"][0], probabilities=shares)
        else:
            answer.update(value=1234.5)
        answer.update(flags=flags, ask=self.ask)
        kept = {
            **canned.prediction(1, described["name"]),
            **answer,
            "inputs": row,
            "subject": user["username"],
            "at": canned.ago(),
        }
        if not described["classes"]:
            del kept["label"], kept["probabilities"]
        self.predictions.insert(0, kept)
        return answer

    def list_predictions(self, model: str, query: dict[str, str], user: Any, **_: Any) -> Answer:
        seen = [
            one
            for one in self.predictions
            if one["model"] == model and (user["role"] != "user" or one["subject"] == user["username"])
        ]
        start = next((place + 1 for place, one in enumerate(seen) if one["id"] == query.get("before")), 0)
        return 200, seen[start : start + int(query.get("limit", "50"))]

    def judge(self, name: str, given: Any, user: Any, **_: Any) -> Answer:
        judged = self.found(self.predictions, "id", name)
        again = [said for said in judged["feedback"] if said["subject"] == user["username"]]
        said = {
            "label": None,
            "value": None,
            "comment": None,
            **given,
            "subject": user["username"],
            "at": canned.ago(),
        }
        judged["feedback"] = [one for one in judged["feedback"] if one not in again] + [said]
        return (200 if again else 201), said

    def explain(self, name: str, **_: Any) -> Answer:
        found = self.found(self.predictions, "id", name)
        if "value" in found:
            return 200, {
                **canned.EXPLANATION,
                "label": None,
                "unit": "rent",
                "baseline": 900,
                "value": 1050.5,
            }
        return 200, canned.EXPLANATION

    def keep(self, model: str, name: str, what: str, **_: Any) -> Answer:
        loaded = self.found(self.versions, "version", name)["loaded"] = what == "load"
        return 200, {"model": model, "version": name, "loaded": loaded, "places": 4, "taken": int(loaded)}

    def promote(self, model: str, given: Any, user: Any, **_: Any) -> Answer:
        receipt = self.found(self.versions, "version", given["version"])["receipt"]
        if receipt["verdict"] != "promote" and not given.get("override"):
            raise Refused(409, f"Version {given['version']} has no receipt that says promote.")
        entry = canned.promotion(
            len(self.promotions) + 1,
            version=given["version"],
            reason=given["reason"],
            subject=user["username"],
        )
        self.promotions.insert(0, entry)
        self.model(model)["version"] = given["version"]
        return 201, entry

    def roll_back(self, model: str, given: Any, user: Any, **_: Any) -> Answer:
        back = self.promotions[0]["previous"]
        entry = canned.promotion(
            len(self.promotions) + 1,
            version=back,
            kind="rollback",
            reason=given["reason"],
            subject=user["username"],
        )
        self.promotions.insert(0, entry)
        self.model(model)["version"] = back
        return 201, entry

    def resume(self, model: str, **_: Any) -> Answer:
        self.model(model)["state"] = "healthy"
        return 200, self.score

    def list_runs(self, query: dict[str, str], **_: Any) -> Answer:
        asked = {name: query[name] for name in ("model", "kind", "status") if name in query}
        return 200, [one for one in self.runs if asked.items() <= one.items()]

    def start_run(self, given: Any, user: Any, **_: Any) -> Answer:
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

    def cancel_run(self, name: str, **_: Any) -> Answer:
        run = self.found(self.runs, "id", name)
        run.update(status="cancelled", cancel_requested=True, finished_at=canned.ago())
        return 202, run


@contextmanager
def serving(port: int = 0) -> Iterator[FakeGateway]:
    """Serve a fresh gateway on a free port."""
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


if __name__ == "__main__":
    with serving(18_000) as running:
        print(f"{running.url}: maya/m, erin/e, uma/u")  # noqa: T201  # it is a command here
        threading.Event().wait()
