"""A stage that serves version 1 of a model, recorded predictions, and people who give feedback on them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from data_processor.caller import Caller, Role
from data_processor.database import Database
from data_processor.feedback.schemas import FeedbackRequest
from data_processor.feedback.service import FeedbackService
from data_processor.models.policy import Policy
from data_processor.predictions.records import Prediction
from data_processor.rows import DecisionRow, FeedbackRow, ModelRow, PromotionRow, RunRow, VersionRow
from data_processor.runs.service import Runs
from data_processor.service.database import now
from data_processor.settings import Settings

MODEL = "census"
CLASSES = ("<=50K", ">50K")


class Recorded(dict[str, Prediction]):
    """Recorded predictions, in memory."""

    def many(self, ids: Iterable[str]) -> dict[str, Prediction]:
        """Return those that exist."""
        return {one: self[one] for one in ids if one in self}


@dataclass
class Stage:
    """A stage and what is said of its predictions."""

    database: Database
    feedback: FeedbackService
    runs: Runs
    predictions: Recorded
    _numbers: Iterator[int] = field(default_factory=count)

    def predict(
        self, label: str | None = "<=50K", inputs: dict[str, Any] | None = None, **fields: Any
    ) -> str:
        """Record a prediction and return its id."""
        output = {"label": label, "probabilities": dict.fromkeys(CLASSES, 0.5)}
        described: dict[str, Any] = {
            "subject": "ann",
            "version": "1",
            "stage": "main",
            "pinned": False,
            "asked": False,
            "output": output,
        }
        one = Prediction(
            id=f"p{next(self._numbers)}",
            model=MODEL,
            at=now(),
            inputs=inputs or {},
            flags=[],
            latency_ms=1.0,
            trace_id="0" * 32,
            **{**described, **fields},
        )
        self.predictions[one.id] = one
        return one.id

    def give(
        self,
        prediction: str,
        subject: str = "ann",
        *,
        role: Role | None = None,
        key: str | None = None,
        **body: Any,
    ) -> Any:
        """Let a person give feedback: a user on their own predictions, on those of others an engineer."""
        said = FeedbackRequest.model_validate({"correct": True, **body})
        found = self.predictions.get(prediction)
        mine = found is None or found.subject == subject
        return self.feedback.give(
            prediction, Caller(subject, role or ("user" if mine else "engineer")), said, key
        )

    def give_before(self, prediction: str, subject: str, *, correct: bool = True) -> None:
        """Record feedback of before it was known who is trusted, when users judged any prediction."""
        found = self.predictions[prediction]
        label = found.output["label"] if correct else next(c for c in CLASSES if c != found.output["label"])
        with self.database.transaction() as session:
            session.add(
                FeedbackRow(
                    prediction=prediction,
                    model=MODEL,
                    stage=found.stage,
                    version=found.version,
                    pinned=found.pinned,
                    asked=found.asked,
                    subject=subject,
                    correct=correct,
                    label=label,
                    value=None,
                    comment=None,
                )
            )

    def rate(
        self,
        right: int,
        wrong: int = 0,
        subject: str = "ann",
        *,
        role: Role | None = None,
        **fields: Any,
    ) -> None:
        """Let a person give feedback on that many new predictions of their own."""
        for correct in [True] * right + [False] * wrong:
            self.give(self.predict(subject=subject, **fields), subject, role=role, correct=correct)

    def serve(self, version: str, holdout: dict[str, str] | None = None, **lineage: Any) -> None:
        """Let the stage serve a version."""
        with self.database.transaction() as session:
            if session.get(VersionRow, (MODEL, version)) is None:
                manifest = {
                    "table": {
                        "task": "tabular-classification",
                        "target": "income",
                        "columns": [],
                        "classes": list(CLASSES),
                        "holdout": holdout or {"by": "row"},
                    },
                    "lineage": {"feedback_seq": 0, **lineage},
                }
                session.add(
                    VersionRow(model=MODEL, version=version, manifest=manifest, artefact_uri="", barred=None)
                )
            entries = list(session.scalars(select(PromotionRow)))
            session.add(
                PromotionRow(
                    id=str(uuid4()),
                    model=MODEL,
                    stage="main",
                    seq=len(entries) + 1,
                    version=version,
                    previous=entries[-1].version if entries else None,
                    kind="promotion",
                    subject="loopkeeper",
                    reason="",
                    receipt=None,
                    run=None,
                )
            )

    def end_run(self, verdict: str | None, *, status: str = "succeeded", n: int = 100, **fields: Any) -> None:
        """End the open run, or a new one, with a verdict of its gate."""
        with self.database.transaction() as session:
            row = session.scalar(select(RunRow).where(RunRow.status == "queued"))
            if row is None:
                row = RunRow(
                    id=str(uuid4()), model=MODEL, stage="main", trigger="score", reason="", subject="x"
                )
                session.add(row)
            row.status, row.champion, row.finished_at = status, "1", now()
            if verdict is not None:
                row.gate = {"verdict": verdict, "slice": "recent", "n": n, "n_needed": None}
            for name, value in fields.items():
                setattr(row, name, value)

    def rows(self, table: type[Any]) -> list[Any]:
        """Return every row of a table."""
        with self.database.reading() as session:
            return list(session.scalars(select(table)))

    def decisions(self) -> list[DecisionRow]:
        """Return the decisions, oldest first."""
        return sorted(self.rows(DecisionRow), key=lambda row: row.id)

    def said(self) -> list[FeedbackRow]:
        """Return the feedback, oldest first."""
        return sorted(self.rows(FeedbackRow), key=lambda row: row.seq)


@pytest.fixture
def new_stage(database_url: str) -> Iterator[Callable[..., Stage]]:
    """Make a stage with a policy, which serves version 1; further ones are on the same database."""
    opened = []

    def make(
        task: str = "tabular-classification", *, controller_enabled: bool = True, **policy: Any
    ) -> Stage:
        database = Database(database_url)
        opened.append(database)
        database.create_tables()
        runs, predictions = Runs(database, "main"), Recorded()
        secret = "a-secret-of-the-tests"
        settings = Settings(
            service_token=secret,
            caller_key=secret,
            signing_key=secret,
            controller_enabled=controller_enabled,
        )
        feedback = FeedbackService(database, settings, predictions, runs)
        made = Stage(database, feedback, runs, predictions)
        with database.transaction() as session:
            row = ModelRow(name=MODEL, task=task, dataset=MODEL, target="income", salt="s", policy={})
            row.policy = Policy(**{"cooldown_s": 0, **policy}).model_dump(mode="json")
            session.merge(row)
        if not made.rows(PromotionRow):
            made.serve("1")
        return made

    yield make
    for database in opened:
        database.close()


@pytest.fixture
def stage(new_stage: Callable[..., Stage]) -> Stage:
    """A stage with the default policy, without a cooldown."""
    return new_stage()
