"""Several versions on the same labelled rows: how good each is, and how sure their differences are.

Which rows are fair follows from what each version was fitted to (`features/holdout.py`). Of the dataset it
was trained on, those on the holdout side, which no version ever sees. Of another dataset, all but those
whose inputs the version's own training rows have too. A row must be fair to every version that is compared.
Of the rows of feedback no rater who is not trusted supplies more than their share.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.metrics import auc, average_precision_score, confusion_matrix, precision_recall_curve, roc_curve
from sqlalchemy.orm import Session

from data_processor.datasets.version_store import open_version_store
from data_processor.features import holdout, ties
from data_processor.features.packing import pack
from data_processor.features.rereading import read_again
from data_processor.features.schema import Schema
from data_processor.features.split import PREDICTION_COLUMN
from data_processor.features.ties import Cutoff
from data_processor.feedback.repository import labels_of
from data_processor.models.access import registry_of
from data_processor.models.engine import load_engine
from data_processor.models.manifest import Manifest
from data_processor.models.policy import Policy
from data_processor.runs.context import TaskContext, TaskError
from data_processor.statistics.measures import CLASSIFICATION_METRICS, REGRESSION_METRICS, Answers, prepare
from data_processor.statistics.paired import intervals
from data_processor.tasks.comparison import as_answers, metrics
from data_processor.training.label_sources import Sources

MOST_ROWS = 50_000
"""More rows would not make the intervals noticeably narrower; those used are drawn by their hash."""
MOST_CLASSES = 100
POINTS = 200
BINS = 10
LEVEL = 0.95
SEED = 1
HELD_OUT = {
    "row": "The holdout rows, chosen by the hash of their inputs: no version is ever fitted to them.",
    "group": "The rows of the holdout groups, chosen by their hash: no version is ever fitted to them.",
    "time": "The rows that are later than all that any of the versions was fitted to.",
}
CHUNK = 4096
"""Rows that a version is asked at a time."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Points = list[tuple[float, float]]


@dataclass(frozen=True)
class VersionAnswers:
    """What one version answered."""

    version: str
    outputs: Floats
    """Probabilities (rows, classes) in the order of the evaluation's classes, or values (rows, 1)."""
    answers: Answers


def assess(context: TaskContext, model: str, versions: list[str], dataset: str) -> dict[str, Any]:
    """Evaluate versions on a dataset's newest version: the step of an evaluation. Raises `TaskError`."""
    manifests = [registry_of(context).manifest(model, version) for version in versions]
    number = _newest(context, dataset)
    every = open_version_store(context).read(dataset, number)
    row = registry_of(context).get_model(model)
    own = dataset in {manifest.lineage.dataset for manifest in manifests}
    with context.database.reading() as session:
        counting = every[counted(session, every, Policy.model_validate(row.policy))]
    if not own:
        counting = read_again(counting, manifests[0].table)
    frame = _fair_rows(context, counting, manifests, dataset, row.salt)
    if not len(frame):
        raise TaskError(
            f"Dataset {dataset!r} has no labelled rows that none of these versions was fitted to."
        )
    schema = _shared_schema(frame, manifests)
    truth, groups = _truth(frame, schema), None
    if schema.holdout.groups is not None and schema.holdout.groups in frame:
        groups = ties.positions(frame, schema, row.salt)
    answered = []
    for manifest in manifests:
        answered.append(_ask(context, manifest, frame, schema))
        context.log.progress(len(answered) / (len(manifests) + 1))
    which = (
        HELD_OUT[manifests[0].table.holdout.by]
        if own
        else "Rows whose inputs, group or time are not among those that any of the versions was fitted to."
    )
    found = {
        "model": model,
        "rows": {
            "dataset": dataset,
            "dataset_version": number,
            "used": len(frame),
            "left_out": len(every) - len(frame),
            "which": which,
        },
        "classes": list(schema.classes),
        "versions": [describe(one, truth, schema) for one in answered],
        "differences": [
            line for one in answered[1:] for line in differences(answered[0], one, truth, schema, groups)
        ],
    }
    context.log.say(
        f"Compared on {len(frame)} of {len(every)} rows of {dataset!r}, version {number}. {which}"
    )
    return {"row": {"dataset_version": number}, "result": found}


def describe(answered: VersionAnswers, truth: NDArray[Any], schema: Schema) -> dict[str, Any]:
    """Return a version's metrics, confusion matrix and curves."""
    confusion = None
    if schema.classes:
        confusion = confusion_matrix(truth, answered.answers.labels, labels=list(schema.classes)).tolist()
    return {
        "version": answered.version,
        "metrics": metrics(truth, answered.answers, schema),
        "confusion": confusion,
        "curves": _curves(answered.outputs, truth, schema.classes),
    }


def differences(
    first: VersionAnswers,
    second: VersionAnswers,
    truth: NDArray[Any],
    schema: Schema,
    groups: Floats | None = None,
) -> list[dict[str, Any]]:
    """Return by how much the second differs from the first by each metric that has a value for both."""
    names = CLASSIFICATION_METRICS if schema.classes else REGRESSION_METRICS
    was, would_be = (metrics(truth, one.answers, schema) for one in (first, second))
    pairs = {
        name: (
            prepare(name, truth, first.answers, schema.classes),
            prepare(name, truth, second.answers, schema.classes),
        )
        for name in names
        if name in was and name in would_be
    }
    found = intervals(pairs, rows=len(truth), level=LEVEL, seed=SEED, groups=groups)
    lines = []
    for name in pairs:
        low, high = found[name] or (None, None)
        lines.append(
            {
                "version": second.version,
                "against": first.version,
                "metric": name,
                "difference": would_be[name] - was[name],
                "low": low,
                "high": high,
                "level": LEVEL,
            }
        )
    return lines


def counted(session: Session, frame: pd.DataFrame, policy: Policy) -> Flags:
    """Say of each row whether it counts: uploaded ones do, of feedback what each rater may supply."""
    if PREDICTION_COLUMN not in frame:
        return np.ones(len(frame), np.bool_)
    given = frame[PREDICTION_COLUMN].astype(object)
    labels = labels_of(session, given[given != ""].tolist(), policy)
    keep = (given == "").to_numpy(np.bool_, copy=True)
    places = np.flatnonzero(given.isin(labels))
    keep[places] = Sources.of(labels.values()).counting(
        given.iloc[places].tolist(), range(len(places)), policy
    )
    return keep


def fair(
    frame: pd.DataFrame,
    fitted: pd.DataFrame | None,
    schema: Schema,
    salt: str,
    cutoff: Cutoff | None = None,
) -> Flags:
    """Say of each row whether a version with this schema may be evaluated on it.

    `fitted` is the table that the version was trained on if `frame` is of another dataset, `cutoff` the last
    that it was fitted to, by time.
    """
    column = schema.holdout.times
    fair = np.ones(len(frame), np.bool_)
    if column is not None and column in frame:
        last = cutoff.time if cutoff is not None else None
        fair &= ties.moments(frame[column]) > (np.inf if last is None else last)
    if schema.holdout.by == "time" and column in frame:
        return fair
    at = ties.positions(frame, schema, salt)
    held_out = holdout.on_holdout(at)
    if fitted is None:
        return fair & held_out
    return fair & (held_out | ~np.isin(at, ties.positions(fitted, schema, salt)))


def _fair_rows(
    context: TaskContext, frame: pd.DataFrame, manifests: Sequence[Manifest], dataset: str, salt: str
) -> pd.DataFrame:
    """Return the labelled rows that are fair to every version, at most `MOST_ROWS`."""
    store = open_version_store(context)
    keep = np.ones(len(frame), np.bool_)
    for manifest in manifests:
        table, lineage = manifest.table, manifest.lineage
        needed = [table.target, *(column.name for column in table.inputs)]
        if absent := [name for name in needed if name not in frame]:
            raise TaskError(
                f"Dataset {dataset!r} has no column {', '.join(map(repr, absent))}, which version "
                f"{manifest.version} needs to be evaluated."
            )
        other = lineage.dataset != dataset
        fitted = store.read(lineage.dataset, lineage.dataset_version) if other else None
        try:
            keep &= fair(frame, fitted, table, salt, lineage.cutoff)
            keep &= frame[table.target].notna().to_numpy(np.bool_)
        except ValueError as error:
            raise TaskError(
                f"Dataset {dataset!r} does not suit version {manifest.version}: {error}"
            ) from error
    rows = frame[keep]
    if len(rows) > MOST_ROWS:
        at = holdout.positions(rows, manifests[0].table.inputs, salt)
        rows = rows.iloc[np.sort(np.argsort(at, kind="stable")[:MOST_ROWS])]
    return rows


def _shared_schema(frame: pd.DataFrame, manifests: Sequence[Manifest]) -> Schema:
    """Return the first version's schema, with the classes of all versions and of the rows."""
    table = manifests[0].table
    if any(manifest.table.target != table.target for manifest in manifests):
        raise TaskError("These versions predict different columns and cannot be compared.")
    if not table.classes:
        return table
    known = {label for manifest in manifests for label in manifest.table.classes}
    classes = known | set(frame[table.target].astype(str).unique())
    if len(classes) > MOST_CLASSES + len(known):
        raise TaskError(
            f"Column {table.target!r} has {len(classes)} labels, too many for what these versions predict."
        )
    return table.model_copy(update={"classes": tuple(sorted(classes))})


def _truth(frame: pd.DataFrame, schema: Schema) -> NDArray[Any]:
    target = frame[schema.target]
    if schema.classes:
        return target.astype(str).to_numpy(object)
    try:
        return target.to_numpy(np.float64)
    except (TypeError, ValueError) as error:
        raise TaskError(
            f"Column {schema.target!r} holds texts, and these versions predict numbers."
        ) from error


def _ask(context: TaskContext, manifest: Manifest, frame: pd.DataFrame, schema: Schema) -> VersionAnswers:
    """Ask a version as it is served; a class it does not know gets 0."""
    folder = registry_of(context).directory(manifest.model, manifest.version)
    engine = load_engine(folder, manifest, context.settings.trusted_types)
    packed = pack(frame, manifest.table)
    ends = [*range(0, len(frame), CHUNK), len(frame)]
    parts = [engine.predict(packed.numeric[a:b], packed.strings[a:b]) for a, b in pairwise(ends)]
    outputs = np.concatenate(parts).astype(np.float64)
    if schema.classes:
        aligned = np.zeros((len(frame), len(schema.classes)))
        aligned[:, [schema.classes.index(label) for label in manifest.table.classes]] = outputs
        outputs = aligned
    return VersionAnswers(manifest.version, outputs, as_answers(outputs, schema))


def _curves(outputs: Floats, truth: NDArray[Any], classes: tuple[str, ...]) -> list[dict[str, Any]]:
    places = list(enumerate(classes))[1 if len(classes) == 2 else 0 :]  # noqa: PLR2004  # two mirror each other
    found = []
    for place, label in places:
        is_class = truth == label
        if not 0 < is_class.sum() < len(truth):
            continue
        probability = np.clip(outputs[:, place], 0, 1)
        false, true, _ = roc_curve(is_class, probability)
        right, recall, _ = precision_recall_curve(is_class, probability)
        happened, answered = calibration_curve(is_class, probability, n_bins=BINS, strategy="quantile")
        found.append(
            {
                "label": label,
                "roc_auc": float(auc(false, true)),
                "average_precision": float(average_precision_score(is_class, probability)),
                "roc": _thinned(false, true),
                "precision_recall": _thinned(recall[::-1], right[::-1]),
                "calibration": _thinned(answered, happened),
            }
        )
    return found


def _thinned(x: Floats, y: Floats) -> Points:
    """Return at most `POINTS` points of a curve, its ends among them, evenly spaced along it."""
    if len(x) > POINTS:
        along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
        which = np.unique(np.searchsorted(along, np.linspace(0, along[-1], POINTS)).clip(0, len(x) - 1))
        which[0] = 0
        x, y = x[which], y[which]
    return [(round(float(a), 5), round(float(b), 5)) for a, b in zip(x, y, strict=True)]


def _newest(context: TaskContext, dataset: str) -> int:
    known = open_version_store(context).versions(dataset)
    if not known:
        raise TaskError(f"Dataset {dataset!r} has no version yet.")
    return known[-1].version
