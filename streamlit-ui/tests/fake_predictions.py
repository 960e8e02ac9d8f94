"""The part of the fake gateway that predicts and takes feedback."""

from typing import Any

import canned
from fake_http import Answer, Handlers, Refused, find


class FakePredictions:
    """What was predicted, what was said of it, and how right the models are said to be."""

    def __init__(self) -> None:
        self.predictions = [canned.prediction(number) for number in range(1, 61)]
        self.predictions[1]["feedback"] = [canned.feedback(correct=False, label=">50K")]
        self.predictions[2]["feedback"] = [canned.feedback(correct=True, label="<=50K")]
        self.score = canned.score()
        self.history = canned.history()
        self.explanation = canned.EXPLANATION
        self.ask = False
        """Whether feedback on the next predictions is asked for."""
        self.recorded: dict[str, Any] = {}
        """Idempotency key → answer."""

    def prediction_handlers(self) -> Handlers:
        return {
            "GET /v1/models/{model}/predictions": self.list_predictions,
            "GET /v1/predictions/{prediction_id}": self.read,
            "GET /v1/predictions/{prediction_id}/explanation": self.explain,
            "POST /v1/predictions/{prediction_id}/feedback": self.give_feedback,
            "GET /v1/models/{model}/score": lambda **_: (200, self.score),
            "GET /v1/models/{model}/score/history": lambda **_: (200, self.history),
        }

    def predict(
        self, model: dict[str, Any], given: dict[str, Any], headers: dict[str, str], user: dict[str, Any]
    ) -> Answer:
        key = headers.get("idempotency-key", "")
        if key in self.recorded:
            return 200, self.recorded[key]
        if model["version"] is None and not given.get("version"):
            raise Refused(503, "No version is served yet.", headers={"Retry-After": "5"})
        errors = [
            {"loc": ["body", "inputs", number, "age"], "message": "must be a number from 0 on"}
            for number, row in enumerate(given["inputs"])
            if row.get("age") is not None and not str(row["age"]).replace(".", "", 1).isdigit()
        ]
        if errors:
            raise Refused(
                422, f"{len(errors)} fields are not valid. Nothing was predicted or recorded.", errors=errors
            )
        version = given.get("version") or "2"
        answers = [self._answer(model, row, version, user["username"]) for row in given["inputs"]]
        self.recorded[key] = {
            "model": model["name"],
            "version": version,
            "stage": "main",
            "predictions": answers,
        }
        return 200, self.recorded[key]

    def _answer(self, model: dict[str, Any], row: dict[str, Any], version: str, who: str) -> dict[str, Any]:
        flags = [f"{name}: missing" for name in model["schema"]["properties"] if row.get(name) is None]
        answer: dict[str, Any] = {"id": f"made-{len(self.predictions)}", "flags": flags, "ask": self.ask}
        if classes := model["classes"]:
            shares = {name: 0.2 / (len(classes) - 1) for name in classes} | {classes[0]: 0.8}
            answer |= {"label": classes[0], "probabilities": shares}
        else:
            answer |= {"value": 1234.5}
        recorded = {**canned.prediction(1, model["name"], version=version), "inputs": row, "subject": who}
        for name in ("label", "probabilities"):
            del recorded[name]
        self.predictions.insert(0, {**recorded, **answer, "at": canned.ago()})
        return answer

    def list_predictions(self, model: str, query: dict[str, str], user: Any, **_: Any) -> Answer:
        seen = [
            {name: value for name, value in one.items() if name != "lineage"}
            for one in self.predictions
            if one["model"] == model and (user["role"] != "user" or one["subject"] == user["username"])
        ]
        start = next((place + 1 for place, one in enumerate(seen) if one["id"] == query.get("before")), 0)
        return 200, seen[start : start + int(query.get("limit", "50"))]

    def read(self, prediction_id: str, **_: Any) -> Answer:
        return 200, find(self.predictions, "id", prediction_id)

    def explain(self, prediction_id: str, **_: Any) -> Answer:
        found = find(self.predictions, "id", prediction_id)
        if "value" not in found:
            return 200, self.explanation
        return 200, {**self.explanation, "label": None, "unit": "rent", "baseline": 900, "value": 1050.5}

    def give_feedback(self, prediction_id: str, given: Any, user: Any, **_: Any) -> Answer:
        found = find(self.predictions, "id", prediction_id)
        others = [one for one in found["feedback"] if one["subject"] != user["username"]]
        again = len(others) < len(found["feedback"])
        entry = {
            **canned.feedback(correct=given["correct"], subject=user["username"]),
            "comment": None,
        }
        entry |= {**given, "at": canned.ago()}
        found["feedback"] = [*others, entry]
        about = {"prediction": prediction_id, "model": found["model"], "version": found["version"]}
        about["trace_id"] = "0af7651916cd43dd8448eb211c80319c"
        return (200 if again else 201), {"id": "feedback-1", **about, **entry}
