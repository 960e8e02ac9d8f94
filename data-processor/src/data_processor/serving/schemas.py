"""The bodies that the routes of predictions accept and return."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Input = dict[str, float | bool | str | None]
EXAMPLE: dict[str, Any] = {
    "inputs": [
        {
            "age": 39,
            "workclass": "State-gov",
            "education": "Bachelors",
            "education-num": 13,
            "marital-status": "Never-married",
            "occupation": "Adm-clerical",
            "relationship": "Not-in-family",
            "race": "White",
            "sex": "Male",
            "capital-gain": 2174,
            "capital-loss": 0,
            "hours-per-week": 40,
            "native-country": "United-States",
        }
    ]
}
"""A request to the sample model, as the example in the contract."""


class PredictionInputs(BaseModel):
    """Inputs to predict for: the body of a request."""

    model_config = ConfigDict(extra="forbid")

    inputs: list[Input] = Field(
        min_length=1,
        description="One object per row, as in the model's `schema`; nullable columns may be left out.",
    )
    version: str | None = Field(
        None,
        max_length=256,
        description="A version to ask instead of the one the stage serves; it does not count for the score.",
    )


class Answer(BaseModel):
    """The answer to one input."""

    id: str
    label: str | None = Field(
        None,
        description="Classification: the most probable class. Faces: whose it is; null: not recognised.",
    )
    probabilities: dict[str, float] | None = Field(
        None, description="Classification: the probability of every class."
    )
    value: float | None = Field(None, description="Regression: the predicted value.")
    person: str | None = Field(None, description="Faces: the id of the person with the label.")
    distance: float | None = Field(
        None,
        description="Faces: how far the nearest face of the gallery is that comes into question; null if "
        "none does: nobody is enrolled, or feedback said of all who are that they are not this face.",
    )
    threshold: float | None = Field(None, description="Faces: farther than this, nobody is recognised.")
    confidence: float | None = Field(
        None,
        description="Faces: how sure the answer is of the nearest face: 0.5 at the threshold, 1 at most.",
    )
    faces: int | None = Field(None, description="Faces: how many were seen; the largest one was taken.")
    flags: list[str] = Field(
        description="What was unusual about the input: `<column>: missing`, `<column>: unseen category …` or "
        "`<column>: out of range …`, `<column>: no whole number …`, "
        "or `<column>: no input of the model, ignored`."
    )
    ask: bool = Field(description="The platform asks for feedback on this prediction.")


class PredictionAnswer(BaseModel):
    """The answers to one request, all from one version and all on disk."""

    model: str
    version: str
    stage: str
    predictions: list[Answer]


class GivenFeedback(BaseModel):
    """A person's latest feedback on a prediction."""

    subject: str
    correct: bool
    label: str | None
    value: float | None
    comment: str | None
    trace_id: str | None = Field(None, description="The trace of the request that gave it, 32 hex digits.")
    at: datetime


class RecordedPrediction(Answer):
    """One prediction as it was recorded, with its feedback."""

    model: str
    version: str
    stage: str
    pinned: bool = Field(description="Whether the caller chose the version.")
    subject: str
    at: datetime
    inputs: dict[str, Any]
    latency_ms: float
    trace_id: str
    feedback: list[GivenFeedback] = Field(
        description="The latest feedback of each person, the most recent last."
    )


class PredictionLineage(BaseModel):
    """The lineage of the version that answered."""

    dataset: str
    dataset_version: int
    dataset_revision: str
    run: str
    mlflow_run: str | None
    code_revision: str
    trained_at: datetime


class PredictionDetail(RecordedPrediction):
    """One prediction with everything that is known about it."""

    lineage: PredictionLineage | None = Field(
        description="The lineage of its version; null once the version has been deleted."
    )


class Contribution(BaseModel):
    """How far one input moved an answer."""

    input: str
    given: Any = Field(description="The input's value; null if it was left out.")
    contribution: float = Field(description="In the explanation's unit; negative if it lowered the answer.")


class WordContribution(BaseModel):
    """How far a word, or several consecutive words, of a text moved an answer."""

    text: str
    start: int = Field(description="Where it starts in the text, in characters.")
    end: int
    contribution: float


class Explanation(BaseModel):
    """Which inputs moved a prediction most: baseline and contributions add up to the value."""

    prediction: str
    model: str
    version: str
    explained: str = Field(
        description="What is explained, in words, e.g. the probability of the predicted class."
    )
    label: str | None = Field(description="Classification: the predicted class.")
    unit: str = Field(
        description="The unit of baseline, value and contributions: `probability`, or the target's name."
    )
    method: str
    background_rows: int = Field(
        description="Training rows that the input is compared with; 0 for texts: a blank text."
    )
    evaluations: int = Field(description="How many rows the version predicted for it.")
    milliseconds: float = Field(description="How long it took to compute.")
    baseline: float = Field(description="The version's mean answer to its background rows.")
    value: float = Field(description="The version's answer to this input.")
    contributions: list[Contribution] = Field(description="The largest first, in either direction.")
    words: list[WordContribution] | None = Field(
        None, description="For a text, in order; they add up to its contribution. Null for tables."
    )
