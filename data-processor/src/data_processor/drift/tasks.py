"""The step of a drift run: compares recent inputs with the training data, and records what follows."""

from dataclasses import asdict
from typing import Any

import structlog
from sqlalchemy import select

from data_processor.adapters.stores import open_report_store
from data_processor.caller import PLATFORM
from data_processor.datasets.version_store import open_version_store
from data_processor.drift import answers
from data_processor.drift.consequences import conclude
from data_processor.drift.page import render
from data_processor.drift.samples import Sides, compare_sides, reference_rows
from data_processor.feedback.facts import gather
from data_processor.models.access import registry_of
from data_processor.models.engine import load_engine
from data_processor.models.manifest import Manifest
from data_processor.models.policy import Policy
from data_processor.models.repository import current_entry, find_model
from data_processor.notifications import events as notifications
from data_processor.predictions.records import Answered, Prediction, PredictionStore
from data_processor.rows import DriftReportRow, ModelRow, RunRow, VersionRow
from data_processor.runs.context import TaskContext, TaskError
from data_processor.runs.service import Runs
from data_processor.service.errors import Conflict
from data_processor.statistics.drift import LEAST_ROWS, find_drift
from data_processor.tasks.candidates import Candidate

log = structlog.get_logger(__name__)

SEED = 0
"""Everything is drawn alike in each report: what differs between two of them is the inputs."""


def compare_inputs(context: TaskContext) -> dict[str, Any]:
    """Compare recent inputs with the training data of what is served; repeating it changes nothing."""
    with context.database.reading() as session:
        run = session.get_one(RunRow, context.run)
        model = session.get(ModelRow, run.model)
        entry = current_entry(session, run.model, run.stage)
        made = session.get(DriftReportRow, run.id)
    if model is None or entry is None:
        raise TaskError(
            f"Stage {run.stage!r} serves no version of {run.model!r}, so there is nothing to compare."
        )
    if made is None:
        policy = Policy.model_validate(model.policy)
        manifest = registry_of(context).manifest(run.model, entry.version)
        recent = _recent(context, run, manifest, policy)
        sides = _sides(context, manifest, manifest.salt or model.salt, recent)
        found = find_drift(sides.features, reference_rows=sides.reference_rows, rows=sides.rows, seed=SEED)
        context.log.say(found.reason)
        context.log.progress(0.5)
        title = f"Drift of {run.model}, version {entry.version} in {run.stage}"
        key = f"drift/{run.model}/{run.id}.html"
        open_report_store(context.settings).put(
            key, render(title, found, sides.features).encode(), "text/html"
        )
        made = DriftReportRow(
            id=run.id,
            model=run.model,
            stage=run.stage,
            version=entry.version,
            verdict=found.verdict,
            reason=found.reason,
            rows=sides.rows,
            reference_rows=sides.reference_rows,
            last_prediction=recent[0].id if recent else "",
            features=[asdict(one) for one in found.features],
            left_out=sides.left_out,
            page=key,
        )
        _record(context, made, policy)
    return {
        "result": {
            "report": made.id,
            "verdict": made.verdict,
            "reason": made.reason,
            "consequence": made.consequence,
        }
    }


def _recent(context: TaskContext, run: RunRow, manifest: Manifest, policy: Policy) -> list[Prediction]:
    """Return the newest predictions of the version, newest first; pinned ones as the policy says."""
    store = PredictionStore(context.settings.predictions_url)
    try:
        store.create_tables()
        mine = Answered(run.model, run.stage, manifest.version, policy.use_pinned)
        return store.answered_by(mine, policy.drift_window)
    finally:
        store.close()


def _sides(context: TaskContext, manifest: Manifest, salt: str, recent: list[Prediction]) -> Sides:
    """Return the answers and every input, before and now."""
    lineage, schema = manifest.lineage, manifest.table
    frame = open_version_store(context).read(lineage.dataset, lineage.dataset_version)
    share, seq = Candidate.model_validate(manifest.candidate).recent_share, _champion_seq(context, manifest)
    drawn = reference_rows(frame, share, seq, SEED)
    sides = compare_sides(drawn, [one.inputs for one in recent], schema, SEED)
    if len(recent) < LEAST_ROWS:
        return sides
    held_out = answers.held_out_rows(frame, manifest, salt, seq, SEED)
    if held_out is None:
        few = f"fewer than {LEAST_ROWS} rows were kept from fitting that its answers could be compared on"
        return sides._replace(left_out={answers.name_of(schema): few, **sides.left_out})
    folder = registry_of(context).directory(manifest.model, manifest.version)
    engine = load_engine(folder, manifest, context.settings.trusted_types)
    answered = answers.compare_answers(engine, schema, held_out, [one.output for one in recent])
    return sides._replace(features=[answered, *sides.features])


def _champion_seq(context: TaskContext, manifest: Manifest) -> int | None:
    """Return the last feedback that the version's champion was trained on; later rows were recent to it.

    None for a first version, and for one that another stage trained.
    """
    with context.database.reading() as session:
        run = session.get(RunRow, manifest.lineage.run)
        champion = session.get(VersionRow, (manifest.model, run.champion)) if run and run.champion else None
    return int(champion.manifest["lineage"]["feedback_seq"]) if champion is not None else None


def _record(context: TaskContext, made: DriftReportRow, policy: Policy) -> None:
    """Record a report with what follows from it, in one transaction."""
    drifted = [one["feature"] for one in made.features if one["drifted"]]
    with context.database.transaction() as session:
        model = find_model(session, made.model, context.database)
        earlier = select(DriftReportRow.news).where(
            DriftReportRow.model == made.model,
            DriftReportRow.stage == made.stage,
            DriftReportRow.version == made.version,
        )
        told = {name for names in session.scalars(earlier) for name in names}
        on = context.settings.controller_enabled
        facts = gather(session, model, policy, made.stage, made.version, on=on)
        concluded = conclude(drifted, told, facts, policy)
        made.news, made.consequence, made.run = list(concluded.news), concluded.reason, None
        if concluded.open_run:
            reason = f"{made.reason} New: {', '.join(concluded.news)}."
            runs = Runs(context.database, made.stage)
            try:
                made.run = runs.open(session, made.model, trigger="drift", reason=reason, subject=PLATFORM).id
            except Conflict as conflict:  # a person was faster
                made.consequence = conflict.detail
        session.add(made)
        session.flush()
        if made.news:
            notifications.record(
                session,
                "drift.found",
                stage=made.stage,
                model=made.model,
                about=made.id,
                message=f"{made.reason} New: {', '.join(made.news)}. {made.consequence}",
                version=made.version,
                run=made.run,
            )
        session.expunge(made)
    if made.news:
        context.log.say(f"New under version {made.version}: {', '.join(made.news)}.", "warning")
        log.warning("drift_found", model=made.model, version=made.version, report=made.id, run=made.run)
