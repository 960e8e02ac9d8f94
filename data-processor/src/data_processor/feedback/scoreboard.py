"""The score of what a stage serves: shown to people, and evaluated by the controller."""

from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from data_processor.caller import PLATFORM
from data_processor.database import Database
from data_processor.feedback.believing import believe
from data_processor.feedback.controller import Decision, Facts, decide
from data_processor.feedback.estimates import Estimate, Estimates
from data_processor.feedback.facts import gather, last_decision
from data_processor.feedback.repository import count_new_feedback
from data_processor.feedback.schemas import EstimatedShare, ModelScore, ScorePoint, ShareOfRight
from data_processor.feedback.score_history import score_history
from data_processor.models.policy import Policy
from data_processor.models.repository import current_entry, find_model, serving_version
from data_processor.notifications.events import record
from data_processor.rows import DecisionRow, ModelRow, PromotionRow
from data_processor.runs.service import Runs
from data_processor.service.database import now
from data_processor.service.errors import Conflict
from data_processor.settings import Settings
from data_processor.statistics.score import Share


class Scoreboard:
    """The scores of one stage's models, and the controller that evaluates them."""

    def __init__(
        self, database: Database, settings: Settings, runs: Runs, estimates: Estimates | None = None
    ) -> None:
        """Open runs if the settings say that this stage does so automatically."""
        self._database = database
        self._estimates = estimates
        self._runs = runs
        self._stage = settings.stage
        self._on = settings.controller_enabled
        self._not_before: dict[tuple[str, str, int], int] = {}

    def score(self, model: str, stage: str | None = None) -> ModelScore:
        """Return the score of what a stage serves; raises `NotFound`."""
        with self._database.reading() as session:
            return self._score(session, find_model(session, model), stage or self._stage)

    def history(self, model: str, limit: int) -> list[ScorePoint]:
        """Return the newest points of the score, oldest first; raises `NotFound`."""
        with self._database.reading() as session:
            policy = Policy.model_validate(find_model(session, model).policy)
            return score_history(session, model, self._stage, policy, limit)

    def evaluate(self, session: Session, model: str, policy: Policy, version: str, seq: int) -> None:
        """Let the controller evaluate the score if this version is served and a checkpoint is reached.

        The decision and the run that it opens belong to the caller's transaction, which wrote feedback `seq`
        and holds the model's row.
        """
        if seq < self._not_before.get((model, version, policy.check_every), 0):
            return
        if version != serving_version(session, model, self._stage):
            return
        last = last_decision(session, model, self._stage, version)
        after = last.score["seq"] if last else 0
        new = count_new_feedback(session, model, self._stage, version, after, policy=policy)
        if new < policy.check_every:
            # One feedback adds at most one prediction: until then there is nothing to count.
            self._not_before[model, version, policy.check_every] = seq + policy.check_every - new
            return
        row = find_model(session, model)
        facts = gather(session, row, policy, self._stage, version, on=self._on)
        decision, run = decide(facts, policy, checkpoint=True), None
        if decision.open_run:
            try:
                run = self._runs.open(
                    session, model, trigger="score", reason=decision.reason, subject=PLATFORM
                ).id
            except Conflict as conflict:  # a person was faster: their run is open now
                facts = replace(facts, open_run=str(conflict.extra["run"]))
                decision = decide(facts, policy, checkpoint=True)
        session.add(self._row(row, facts, decision, seq, run=run))
        if decision.degraded and not facts.was_degraded:
            record(
                session,
                "score.fell",
                stage=self._stage,
                model=model,
                about=f"{model} {version} {seq}",
                version=version,
                run=run,
                message=decision.reason,
            )

    def resume(self, model: str, subject: str, reason: str) -> ModelScore:
        """Close the circuit breaker, record who did so and why, and return the score; raises `NotFound`."""
        with self._database.transaction() as session:
            row = find_model(session, model, self._database)
            row.resumed_at = now()
            session.flush()
            version = serving_version(session, model, self._stage)
            if version is not None:
                policy = Policy.model_validate(row.policy)
                facts = gather(session, row, policy, self._stage, version, on=self._on)
                decision = decide(facts, policy, checkpoint=False)
                said = reason if reason.endswith((".", "!", "?")) else f"{reason}."
                decision = replace(decision, reason=f"{subject} resumed retraining: {said} {decision.reason}")
                # This is not a checkpoint: the next one is due when it was due before.
                last = last_decision(session, model, self._stage, version)
                seq = last.score["seq"] if last else 0
                session.add(self._row(row, facts, decision, seq, run=None))
            return self._score(session, row, self._stage)

    def _score(self, session: Session, model: ModelRow, stage: str) -> ModelScore:
        policy = Policy.model_validate(model.policy)
        entry = current_entry(session, model.name, stage)
        version = entry.version if entry else None
        if entry is None or version is None:
            nothing = ShareOfRight.of(Share(0, 0))
            known: dict[str, Any] = {
                **nothing.model_dump(),
                "state": "collecting",
                "reason": f"Stage {stage!r} serves no version of {model.name!r} yet.",
                "asked": None,
                "volunteered": nothing,
                "estimate": None,
                "estimate_reason": "",
            }
        else:
            facts = gather(session, model, policy, stage, version, on=self._on)
            decision, asked = decide(facts, policy, checkpoint=False), facts.score.asked
            estimated = self._estimate(session, entry, policy)
            believed, why = believe(facts.score, estimated, policy)
            known = {
                **ShareOfRight.of(facts.score.deciding).model_dump(),
                "state": decision.state,
                "reason": decision.reason,
                "asked": ShareOfRight.of(asked) if asked else None,
                "volunteered": ShareOfRight.of(facts.score.volunteered),
                "estimate": EstimatedShare.estimated(estimated),
                "estimate_reason": estimated.reason,
                "believe": believed,
                "believe_reason": why,
            }
        return ModelScore.model_validate(
            {
                **known,
                "window": policy.window,
                "threshold": policy.threshold,
                "version": version,
            }
        )

    def _estimate(self, session: Session, entry: PromotionRow, policy: Policy) -> Estimate:
        if self._estimates is None:
            return Estimate(None, "Nothing is estimated in this process.")
        return self._estimates.of(
            session, entry.model, entry.stage, entry.version, since=entry.at, policy=policy
        )

    def _row(
        self, model: ModelRow, facts: Facts, decision: Decision, seq: int, *, run: str | None
    ) -> DecisionRow:
        share = ShareOfRight.of(facts.score.deciding).model_dump()
        return DecisionRow(
            model=model.name,
            stage=self._stage,
            version=facts.version,
            state=decision.state,
            reason=decision.reason,
            score={**share, "seq": seq, "degraded": decision.degraded},
            run=run,
        )
