"""The journey of the loop through the edge of a stage: sign in, predict, give feedback, see it counted."""

from dataclasses import dataclass

import httpx

from compose_stack.client import Client
from compose_stack.stack.compose import Compose
from compose_stack.stack.edge import edge_transport, sign_in
from compose_stack.stack.layout import Layout, Stage
from compose_stack.traffic import MODEL, Labelled

PAGES = ("/", "/_stcore/health")
"""The shell of the pages, and their health check."""
HIDDEN = "/metrics"
"""A path that the edge does not expose."""
NOT_FOUND = 404


@dataclass(frozen=True)
class Travelled:
    """The result of the journey."""

    stage: str
    version: str
    predictions: tuple[str, ...]
    feedback: int
    """How much feedback the score counts, including that of the journey."""


class JourneyEnded(Exception):
    """A step of the journey failed; the message says which."""


def travel(layout: Layout, platform: Compose, stage: Stage, rows: list[Labelled]) -> Travelled:
    """Make the journey in a stage with labelled rows; raises `JourneyEnded` or `Refused`."""
    _open_pages(layout, platform, stage)
    with sign_in(layout, platform, stage) as admin:
        return predict_and_give_feedback(admin, stage, rows)


def predict_and_give_feedback(admin: Client, stage: Stage, rows: list[Labelled]) -> Travelled:
    """Predict rows, read each answer back, and give feedback on it."""
    before = admin.score(MODEL)["n"]
    answer = admin.predict(MODEL, [row.inputs for row in rows])
    if answer["stage"] != stage:
        raise JourneyEnded(f"The request went to stage {stage}, but {answer['stage']!r} answered.")
    ids = tuple(prediction["id"] for prediction in answer["predictions"])
    for row, prediction in zip(rows, answer["predictions"], strict=True):
        recorded = admin.prediction(prediction["id"])
        if recorded["version"] != answer["version"]:
            raise JourneyEnded(f"Prediction {prediction['id']} is recorded under another version.")
        correct = prediction["label"] == row.truth
        admin.give_feedback(prediction["id"], correct=correct, label=row.truth)
    after = admin.score(MODEL)["n"]
    if after < min(before + len(rows), admin.score(MODEL)["window"]):
        raise JourneyEnded(
            f"Feedback was given on {len(rows)} predictions, but the score counts {after} after {before}."
        )
    return Travelled(stage, answer["version"], ids, after)


def _open_pages(layout: Layout, platform: Compose, stage: Stage) -> None:
    with httpx.Client(
        transport=edge_transport(layout, platform), base_url=layout.url(stage), timeout=30
    ) as client:
        for path in PAGES:
            client.get(path).raise_for_status()
        if client.get(HIDDEN).status_code != NOT_FOUND:
            raise JourneyEnded(f"{HIDDEN} is visible from outside.")
