"""What the routes of predictions take and give."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Input = dict[str, float | str | None]
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
"""A request to the sample model, for those who read the contract."""


class PredictionRequest(BaseModel):
    """Inputs to answer."""

    model_config = ConfigDict(extra="forbid")

    inputs: list[Input] = Field(
        min_length=1,
        description="One object a row, as the model's `schema` says; nullable columns may be left out.",
    )
    version: str | None = Field(
        None,
        max_length=256,
        description="A version to ask instead of the one the stage serves; does not count for the score.",
    )


class Answer(BaseModel):
    """The answer to one input."""

    id: str
    label: str | None = Field(None, description="Classification: the most probable class.")
    probabilities: dict[str, float] | None = Field(None, description="Classification: of every class.")
    value: float | None = Field(None, description="Regression: the predicted value.")
    flags: list[str] = Field(
        description="What was odd about the input: `<column>: missing`, `<column>: unseen category …` or "
        "`<column>: out of range …`."
    )
    ask: bool = Field(description="The platform would like to know whether this one is right.")


class PredictionAnswer(BaseModel):
    """The answers to a request, all by one version, all on disk."""

    model: str
    version: str
    stage: str
    predictions: list[Answer]


class Judged(BaseModel):
    """What a person last said of a prediction."""

    subject: str
    correct: bool
    label: str | None
    value: float | None
    comment: str | None
    at: datetime


class RecordedPrediction(Answer):
    """One prediction as it was recorded, with what people said of it."""

    model: str
    version: str
    stage: str
    pinned: bool = Field(description="The caller had chosen the version.")
    subject: str
    at: datetime
    inputs: dict[str, Any]
    latency_ms: float
    trace_id: str
    feedback: list[Judged] = Field(description="Each person's latest word, the most recent last.")


class PredictionLineage(BaseModel):
    """Where the version that answered came from."""

    dataset: str
    dataset_version: int
    dataset_revision: str
    run: str
    mlflow_run: str | None
    code_revision: str
    trained_at: datetime


class PredictionDetail(RecordedPrediction):
    """One prediction with everything known of it."""

    lineage: PredictionLineage | None = Field(
        description="Where its version came from; null once the version was deleted."
    )


class Contribution(BaseModel):
    """How far one input moved an answer."""

    input: str
    given: Any = Field(description="The input's value; null if it was left out.")
    contribution: float = Field(description="In the explanation's unit; negative: it moved the answer down.")


class WordContribution(BaseModel):
    """How far some words of a text, one or several that follow each other, moved an answer."""

    text: str
    start: int = Field(description="Where it begins in the text, in characters.")
    end: int
    contribution: float


class Explanation(BaseModel):
    """Which inputs moved a prediction most: the baseline and all contributions add up to the value."""

    prediction: str
    model: str
    version: str
    explained: str = Field(description="What is explained, in words: the probability of the answered class.")
    label: str | None = Field(description="Classification: the answered class.")
    unit: str = Field(
        description="Of baseline, value and contributions: `probability`, or the target's name."
    )
    method: str
    background_rows: int = Field(
        description="Rows of the version's training data it is compared with; 0 for texts: a blank one."
    )
    evaluations: int = Field(description="How many rows the version was asked for it.")
    milliseconds: float = Field(description="How long it took to compute.")
    baseline: float = Field(description="What the version answers on its background, on average.")
    value: float = Field(description="What the version answers to this input.")
    contributions: list[Contribution] = Field(description="The largest first, whichever its direction.")
    words: list[WordContribution] | None = Field(
        None, description="Of a text, in its order; they add up to its contribution. Null for tables."
    )
