"""The steps of a training run on faces, carried out in its child process.

What is learnt is a recogniser: which extractor, which projection, which threshold. Persons on the holdout
side are never fitted to; the gate compares challenger and champion on them alone. The folder of the run holds
no face: each process signs those of the dataset version anew.
"""

import time
from datetime import datetime
from typing import Any

import numpy as np

from data_processor.datasets.version_store import open_version_store
from data_processor.models.manifest import RECOGNISER_FILE, Parity
from data_processor.runs.context import TaskContext, TaskError
from data_processor.service.database import now
from data_processor.statistics.gate import decide
from data_processor.statistics.receipt import Receipt
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.faces.extractors import LBP
from data_processor.tasks.faces.recogniser import Recogniser, load_recogniser
from data_processor.training.faces import candidates
from data_processor.training.faces.candidates import Floats as Signed
from data_processor.training.faces.candidates import Signatures
from data_processor.training.faces.questions import Asked, ask
from data_processor.training.faces.snapshot import Faces, gallery_table, last_feedback, read_faces
from data_processor.training.faces.versions import extractors_of, load_version
from data_processor.training.metrics import selection_metric
from data_processor.training.plan import Plan, make_plan, read_plan, rows_of
from data_processor.training.registration import FILES, Result, register_version

SEARCHED = "search.json"
GATED = "gate.json"
PARITY = "parity.json"
SEARCH_FROM, SEARCH_TO = 0.18, 0.60
CHECKED = 100
"""Faces that a registered recogniser is asked about."""


def snapshot(context: TaskContext) -> dict[str, Any]:
    """Store the enrolled faces as a dataset version, and fix the run's terms."""
    row, model = rows_of(context)
    with context.database.reading() as session:
        table, seq = gallery_table(session, model.name), last_feedback(session, model.name)
    version = open_version_store(context).add_gallery(model.dataset, table, feedback_seq=seq, request=row.id)
    plan = make_plan(context, row, model, version)
    context.log.say(
        f"Dataset {version.dataset!r}, version {version.version} (revision {version.revision}): "
        f"{version.rows} enrolled pictures. Seed {plan.seed}; {plan.opponent}."
    )
    return {"row": {"dataset_version": version.version}}


def validate(context: TaskContext) -> dict[str, Any]:
    """Check that every face of the snapshot can be read."""
    found = _signatures(context).by(LBP)
    if not np.isfinite(found).all():
        raise TaskError("A face of the gallery cannot be described: take its picture out, and try again.")
    return {}


def split(context: TaskContext) -> dict[str, Any]:
    """Divide the persons by the hash of their ids."""
    faces = _faces(context)
    held_out = len(np.unique(faces.persons[faces.held_out]))
    context.log.say(
        f"Persons: {len(faces.names) - held_out} to fit to, with {int((~faces.held_out).sum())} pictures, "
        f"and {held_out} held out, with {int(faces.held_out.sum())}."
    )
    return {}


def search(context: TaskContext) -> dict[str, Any]:
    """Compare the candidates on the persons that may be fitted to."""
    plan, faces, signatures = read_plan(context), _faces(context), _signatures(context)
    extractors, fitted = extractors_of(context), ~faces.held_out
    listed = candidates.candidates(signatures, plan.candidates, plan.budget_s, context.log.say)
    if not listed:
        raise TaskError("None of the extractors that were asked for can be used here.")
    tried: list[tuple[Candidate, Asked, float, float]] = []
    began = time.monotonic()
    for place, candidate in enumerate(listed, 1):
        if tried and time.monotonic() - began > plan.budget_s:
            context.log.say(f"The budget is used up: {len(listed) - len(tried)} candidates are not tried.")
            break
        mine = signatures.by(candidate.estimator)[fitted]
        if fitted.any():
            by = extractors.named(candidate.estimator)
            tried.append((candidate, *candidates.try_out(candidate, by, mine, faces.persons[fitted])))
        share = SEARCH_FROM + (SEARCH_TO - SEARCH_FROM) * place / len(listed)
        context.log.progress(share)
    lines = candidates.leaderboard(tried, extractors) if tried else []
    board = [line.model_dump(mode="json") for line in lines]
    best = Candidate.model_validate(board[0]["candidate"]) if board else listed[0]
    context.log.say(
        f"The search tried {len(tried)} candidates and chose {_in_words(best)}."
        if tried
        else f"Nobody is enrolled to compare candidates by: {_in_words(best)} is taken."
    )
    history = [line["metrics"]["accuracy"] for line in board]
    context.write_json(SEARCHED, {"best": best.as_json(), "leaderboard": board, "history": history})
    return {"row": {"leaderboard": board}}


def gate(context: TaskContext) -> dict[str, Any]:
    """Fit the chosen candidate to every person but those held out, and let these decide."""
    plan, faces = read_plan(context), _faces(context)
    candidate = Candidate.model_validate(context.read_json(SEARCHED)["best"])
    mine = _signatures(context).by(candidate.estimator)
    trained_at = now()
    extractors, fitted = extractors_of(context), ~faces.held_out
    by = extractors.named(candidate.estimator)
    recogniser = candidates.fit(candidate, by, mine[fitted], faces.persons[fitted])
    written = context.write(f"{FILES}/{RECOGNISER_FILE}", recogniser.save)
    parity = _read_back(recogniser, load_recogniser(written.read_bytes(), extractors), mine)
    context.write(PARITY, lambda path: path.write_text(parity.model_dump_json()))
    challenger = ask(recogniser, mine, faces.persons, faces.held_out)
    receipt = _first(plan, challenger)
    if plan.champion is not None:
        champion = load_version(context, plan.model, plan.champion)
        receipt = decide(
            slice="reference",
            labels=challenger.wanted,
            champion=ask(
                champion, _signatures(context).by(champion.extractor.name), faces.persons, faces.held_out
            ).as_answers(),
            challenger=challenger.as_answers(),
            metric="accuracy",
            policy=plan.policy,
            k=plan.gate_number,
            seed=plan.seed,
            groups=challenger.persons,
        )
    found = receipt.as_json()
    context.write_json(
        GATED, {"receipt": found, "metrics": challenger.metrics(), "trained_at": trained_at.isoformat()}
    )
    context.log.say(f"Gate: {receipt.verdict}. {receipt.reason}")
    return {"row": {"gate": found, "champion": plan.champion}, "verdict": receipt.verdict}


def compile(context: TaskContext) -> dict[str, Any]:  # noqa: A001  # the step's name
    """Say what will be served: there is nothing to compile, and that it reads back the same is proved."""
    content = context.path(f"{FILES}/{RECOGNISER_FILE}").read_bytes()
    recogniser = load_recogniser(content, extractors_of(context))
    projected = f"a projection to {recogniser.width} numbers" if recogniser.projection else "no projection"
    context.log.say(
        f"It will be served as arrays: {recogniser.extractor.name}, {projected}, threshold "
        f"{recogniser.threshold:.3f}."
    )
    return {}


def register(context: TaskContext) -> dict[str, Any]:
    """Register the challenger with its lineage and its receipt, whatever the verdict."""
    plan, gated, searched = read_plan(context), context.read_json(GATED), context.read_json(SEARCHED)
    result = Result(
        plan=plan,
        schema=plan.schema_,
        candidate=searched["best"],
        leaderboard=searched["leaderboard"],
        selection_metric=selection_metric(plan.policy, plan.schema_.task),
        history=searched["history"],
        metrics=gated["metrics"],
        preparation={},
        receipt=gated["receipt"],
        trained_at=datetime.fromisoformat(gated["trained_at"]),
        cutoff=None,
        parity=Parity.model_validate(context.read_json(PARITY)),
        calibration=None,
    )
    version = register_version(context, result)
    context.log.say(f"Registered as version {version} of {plan.model!r}.")
    return {"row": {"version": version}}


def smoke(context: TaskContext) -> dict[str, Any]:
    """Load the registered version as a stage would, and let it compare faces of its data."""
    row, _ = rows_of(context)
    served = load_version(context, row.model, str(row.version))
    some = _signatures(context).by(served.extractor.name)[:CHECKED]
    if not np.isfinite(served.vectors(some)).all():
        raise TaskError(f"Version {row.version} of {row.model!r} does not answer every face with numbers.")
    context.log.say(f"Smoke test: {len(some)} faces were compared.")
    return {}


def _first(plan: Plan, asked: Asked) -> Receipt:
    """Return the receipt of a first version: there is nothing to compare it with."""
    return Receipt(
        verdict="promote",
        reason="No version is served yet, and there is nothing to compare this one with. It knows nobody but "
        "those who are enrolled, and answers of everybody else that they are not recognised.",
        slice="reference",
        metric="accuracy",
        test="sign-flip",
        champion=None,
        challenger=asked.metrics().get("accuracy"),
        p_value=None,
        p_worse=None,
        alpha=plan.policy.gate_alpha,
        k=1,
        n=len(asked.truth),
        groups=len(np.unique(asked.persons)),
        n_needed=None,
        next_alpha=plan.policy.gate_alpha / 2,
        discordance=None,
        seed=plan.seed,
        resamples=None,
        slices={},
    )


def _read_back(fitted: Recogniser, read: Recogniser, signatures: Signed) -> Parity:
    """Compare what was fitted with what its file holds; raises `TaskError` if they differ."""
    same = fitted.extractor is read.extractor and fitted.threshold == read.threshold
    if not same or not np.array_equal(fitted.vectors(signatures), read.vectors(signatures)):
        raise TaskError("The recogniser's file does not hold what was fitted.")
    return Parity(
        rows=len(signatures),
        labels_differing=0,
        max_difference=0,
        passed=True,
        reason=f"Read back from its file, it compares {len(signatures)} faces exactly as it was fitted.",
    )


def _faces(context: TaskContext) -> Faces:
    def read() -> Faces:
        plan = read_plan(context)
        table = open_version_store(context).content(plan.dataset, plan.dataset_version)
        return read_faces(table, plan.salt)

    return context.keep("faces", read)


def _signatures(context: TaskContext) -> Signatures:
    return context.keep("signatures", lambda: Signatures(_faces(context).crops, extractors_of(context)))


def _in_words(candidate: Candidate) -> str:
    if "projection" not in candidate.params:
        return candidate.estimator
    return f"{candidate.estimator} {'with' if candidate.params['projection'] else 'without'} a projection"
