"""The part of the fake gateway that has models: what they take, their versions, and who moved what."""

from typing import Any

import canned
import canned_faces
import canned_schemas
from fake_http import Answer, Handlers, Refused, find


class FakeModels:
    """The models, each with the same versions and the same ledger."""

    def __init__(self) -> None:
        self.models = {
            "census-income": canned.model("census-income", canned_schemas.CENSUS, ["<=50K", ">50K"]),
            "flowers": canned.model("flowers", canned_schemas.FLOWERS, ["iris", "rose", "tulip"]),
            "rents": canned.model("rents", canned_schemas.RENTS, []),
            "comments": canned.model("comments", canned_schemas.COMMENTS, ["0", "1"]),
            "front-door": canned_faces.model("front-door"),
        }
        self.versions = [
            canned.version("1"),
            canned.version("2", stages=["main"]),
            canned.version("3", receipt=canned.HOLD, barred=None),
        ]
        self.drift = [canned.drift_report(1), canned.NO_DRIFT_VERDICT]
        self.promotions = [canned.promotion(2), canned.promotion(1)]

    def model_handlers(self) -> Handlers:
        memory = "/v1/models/{model}/versions/{version}"
        return {
            "GET /v1/models": self.list_models,
            "GET /v1/models/{model}": lambda model, **_: (200, self.model(model)),
            "PATCH /v1/models/{model}": self.change_policy,
            "GET /v1/models/{model}/drift-reports": self.list_drift,
            "POST /v1/models/{model}/drift-reports": lambda **_: (202, {"id": "drift-3", "status": "queued"}),
            "GET /v1/models/{model}/drift-reports/{report}": lambda report, **_: (
                200,
                find(self.drift, "id", report),
            ),
            "GET /v1/models/{model}/drift-reports/{report}.html": lambda report, **_: (
                200,
                f"<h1>{find(self.drift, 'id', report)['id']}</h1>",
            ),
            "GET /v1/models/{model}/versions": lambda **_: (200, self.versions),
            f"POST {memory}/load": lambda version, model, **_: self.keep(model, version, loaded=True),
            f"POST {memory}/unload": lambda version, model, **_: self.keep(model, version, loaded=False),
            "GET /v1/models/{model}/promotions": lambda **_: (200, self.promotions),
            "POST /v1/models/{model}/promotions": self.promote,
            "POST /v1/models/{model}/rollback": self.roll_back,
        }

    def model(self, name: str) -> dict[str, Any]:
        if name not in self.models:
            raise Refused(404, f"There is no model {name!r}.")
        return {**self.models[name], "versions": self.versions}

    def list_models(self, **_: Any) -> Answer:
        short = ("name", "task", "takes", "built_in", "version", "stage", "score", "state")
        return 200, [{key: model[key] for key in short} for model in self.models.values()]

    def list_drift(self, model: str, **_: Any) -> Answer:
        if self.model(model)["takes"] == "pictures":
            raise Refused(409, f"Model {model!r} takes pictures: there is nothing to compare by columns.")
        return 200, [
            {name: value for name, value in one.items() if name not in ("features", "left_out")}
            for one in self.drift
        ]

    def change_policy(self, model: str, given: Any, **_: Any) -> Answer:
        self.models[model]["policy"].update(given["policy"])
        return 200, {"name": model, "policy": self.models[model]["policy"]}

    def keep(self, model: str, version: str, *, loaded: bool) -> Answer:
        find(self.versions, "version", version)["loaded"] = loaded
        return 200, {"model": model, "version": version, "loaded": loaded, "places": 4, "taken": int(loaded)}

    def promote(self, model: str, given: Any, user: Any, **_: Any) -> Answer:
        receipt = find(self.versions, "version", given["version"])["receipt"]
        if receipt["verdict"] != "promote" and not given.get("override"):
            raise Refused(409, f"Version {given['version']} has no receipt that says promote.")
        return 201, self._move(model, given["version"], "promotion", given["reason"], user)

    def roll_back(self, model: str, given: Any, user: Any, **_: Any) -> Answer:
        back = self.promotions[0]["previous"]
        return 201, self._move(model, back, "rollback", given["reason"], user)

    def _move(self, model: str, version: str, kind: str, reason: str, user: Any) -> dict[str, Any]:
        entry = canned.promotion(
            len(self.promotions) + 1, version=version, kind=kind, reason=reason, subject=user["username"]
        )
        self.promotions.insert(0, entry)
        self.models[model]["version"] = version
        return entry
