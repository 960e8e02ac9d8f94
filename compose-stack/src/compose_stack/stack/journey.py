"""The journey of the loop through the edge of a stage: sign in, predict, judge, see it counted."""

from dataclasses import dataclass

import httpx

from compose_stack.client import Client
from compose_stack.stack.compose import Compose
from compose_stack.stack.door import door_of, sign_in
from compose_stack.stack.layout import Layout, Stage
from compose_stack.traffic import MODEL, Labelled

PAGES = ("/", "/_stcore/health")
"""The pages' shell, and what says that they live."""
HIDDEN = "/metrics"
"""What the edge keeps to itself."""
NOT_FOUND = 404


@dataclass(frozen=True)
class Travelled:
    """What the journey came to."""

    stage: str
    version: str
    predictions: tuple[str, ...]
    judged: int
    """How much feedback the score counts, that of the journey included."""


class JourneyEnded(Exception):
    """A step of the journey did not lead on; the message says which."""


def travel(layout: Layout, platform: Compose, stage: Stage, rows: list[Labelled]) -> Travelled:
    """Walk the journey in a stage with labelled rows; raises `JourneyEnded` or `Refused`."""
    _see_pages(layout, platform, stage)
    with sign_in(layout, platform, stage) as admin:
        return judge(admin, stage, rows)


def judge(admin: Client, stage: Stage, rows: list[Labelled]) -> Travelled:
    """Predict rows, read each answer back, and say whether it was right."""
    before = admin.score(MODEL)["n"]
    answer = admin.predict(MODEL, [row.inputs for row in rows])
    if answer["stage"] != stage:
        raise JourneyEnded(f"Stage {stage} was asked, and {answer['stage']!r} answered.")
    ids = tuple(prediction["id"] for prediction in answer["predictions"])
    for row, prediction in zip(rows, answer["predictions"], strict=True):
        recorded = admin.prediction(prediction["id"])
        if recorded["version"] != answer["version"]:
            raise JourneyEnded(f"Prediction {prediction['id']} is recorded with another version.")
        correct = prediction["label"] == row.truth
        admin.give_feedback(prediction["id"], correct=correct, label=row.truth)
    judged = admin.score(MODEL)["n"]
    if judged < min(before + len(rows), admin.score(MODEL)["window"]):
        raise JourneyEnded(f"{len(rows)} answers were judged, but the score went from {before} to {judged}.")
    return Travelled(stage, answer["version"], ids, judged)


def _see_pages(layout: Layout, platform: Compose, stage: Stage) -> None:
    with httpx.Client(transport=door_of(layout, platform), base_url=layout.url(stage), timeout=30) as client:
        for path in PAGES:
            client.get(path).raise_for_status()
        if client.get(HIDDEN).status_code != NOT_FOUND:
            raise JourneyEnded(f"{HIDDEN} can be seen from outside.")
