"""Shows at `/metrics` what the records say of the loop: read when somebody scrapes, with a short memory.

Only the leader of a stage's workers shows it: every replica would show the same, and each would read for it.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple, get_args

import structlog
from prometheus_client import Counter
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import select
from sqlalchemy.orm import Session

from data_processor.caller import PLATFORM
from data_processor.database import Database
from data_processor.drift.schedule import last_report
from data_processor.feedback.controller import ModelState
from data_processor.feedback.schemas import ModelScore, ShareOfRight
from data_processor.feedback.scoreboard import Scoreboard
from data_processor.models.repository import count_entries, current_entries
from data_processor.monitoring import metrics as m
from data_processor.rows import DriftReportRow, FeedbackRow, PromotionRow, RunRow, VersionRow
from data_processor.runs.repository import open_runs
from data_processor.service.signals import AnyMetric
from data_processor.statistics.terms import DriftVerdict

REMEMBERED_S = 10.0
"""Seconds for which what was read is shown again."""
MOST_FEATURES = 50
DIRECTIONS = {"higher": 1, "lower": -1}

log = structlog.get_logger(__name__)


class Sample(NamedTuple):
    """One value of a declared metric."""

    metric: AnyMetric
    labels: tuple[str, ...]
    value: float


class LoopCollector(Collector):
    """Collects the metrics of one stage's loop."""

    def __init__(
        self, database: Database, scoreboard: Scoreboard, stage: str, leads: Callable[[], bool]
    ) -> None:
        """Read these records while `leads` says that this worker leads the stage."""
        self._database = database
        self._scoreboard = scoreboard
        self._stage = stage
        self._leads = leads
        self._turn = threading.Lock()
        self._read: list[Sample] = []
        self._read_at = -REMEMBERED_S

    def describe(self) -> Iterable[Any]:
        """Describe nothing, so that registering this does not read."""
        return ()

    def collect(self) -> Iterator[Any]:
        """Yield every metric with its samples; records that cannot be read show nothing, and are logged."""
        leads = self._leads()
        samples = [Sample(m.LEADER, (), float(leads)), *(self._samples() if leads else ())]
        families: dict[str, Any] = {}
        for metric, labels, value in samples:
            if metric.name not in families:
                kind = CounterMetricFamily if metric.kind is Counter else GaugeMetricFamily
                families[metric.name] = kind(metric.name, metric.meaning, labels=tuple(metric.labels))
            families[metric.name].add_metric(labels, value)
        yield from families.values()

    def _samples(self) -> list[Sample]:
        with self._turn:
            if time.monotonic() - self._read_at >= REMEMBERED_S:
                try:
                    self._read = list(self._gather())
                except Exception:  # whoever scrapes still gets the metrics of the process
                    log.exception("records_not_collected")
                    self._read = []
                self._read_at = time.monotonic()
            return self._read

    def _gather(self) -> Iterator[Sample]:
        with self._database.reading() as session:
            serving = current_entries(session, self._stage)
            yield from _promotions(session, self._stage)
            yield from _runs(session, self._stage)
            for entry in serving.values():
                yield from _serving(session, entry)
                report = last_report(session, entry.model, self._stage, entry.version)
                if report is not None:
                    yield from _drift(report)
        for model in serving:
            yield from _score(model, self._scoreboard.score(model))


def _score(model: str, score: ModelScore) -> Iterator[Sample]:
    shares: dict[str, ShareOfRight | None] = {
        "deciding": score,
        "asked": score.asked,
        "volunteered": score.volunteered,
        "estimate": score.estimate,
    }
    for source, share in shares.items():
        if share is None:
            continue
        yield Sample(m.SCORE_PREDICTIONS, (model, source), share.n)
        if share.value is not None and share.low is not None and share.high is not None:
            yield Sample(m.SCORE, (model, source), share.value)
            yield Sample(m.SCORE_LOW, (model, source), share.low)
            yield Sample(m.SCORE_HIGH, (model, source), share.high)
    yield Sample(m.THRESHOLD, (model,), score.threshold)
    for state in get_args(ModelState):
        yield Sample(m.STATE, (model, state), float(state == score.state))


def _serving(session: Session, entry: PromotionRow) -> Iterator[Sample]:
    row = session.get(VersionRow, (entry.model, entry.version))
    if row is not None:
        trained = datetime.fromisoformat(row.manifest["lineage"]["trained_at"])
        yield Sample(m.SERVING, (entry.model, entry.version, row.manifest["table"]["task"]), 1)
        yield Sample(m.TRAINED, (entry.model,), trained.timestamp())
    yield Sample(m.SERVING_SINCE, (entry.model,), entry.at.timestamp())
    newest = (
        select(FeedbackRow.at)
        .where(
            FeedbackRow.model == entry.model,
            FeedbackRow.stage == entry.stage,
            FeedbackRow.version == entry.version,
        )
        .order_by(FeedbackRow.seq.desc())
        .limit(1)
    )
    if (at := session.scalar(newest)) is not None:
        yield Sample(m.LAST_FEEDBACK, (entry.model,), at.timestamp())


def _drift(report: DriftReportRow) -> Iterator[Sample]:
    model = report.model
    yield Sample(m.DRIFT_AT, (model,), report.at.timestamp())
    for verdict in get_args(DriftVerdict):
        yield Sample(m.DRIFT_VERDICT, (model, verdict), float(verdict == report.verdict))
    yield Sample(m.DRIFT_ROWS, (model, "reference"), report.reference_rows)
    yield Sample(m.DRIFT_ROWS, (model, "current"), report.rows)
    yield Sample(m.DRIFT_FEATURES, (model,), sum(one["drifted"] for one in report.features))
    for one in report.features[:MOST_FEATURES]:
        labels = (model, one["feature"])
        yield Sample(m.FEATURE_DRIFT, labels, float(one["drifted"]))
        yield Sample(m.FEATURE_DISTANCE, labels, one["distance"])
        yield Sample(m.FEATURE_THRESHOLD, labels, one["threshold"])
        yield Sample(m.FEATURE_INDEX, labels, one["index"])
        yield Sample(m.FEATURE_P, labels, one["p_value"])
        yield Sample(m.FEATURE_ROWS, labels, one["n"])
        yield Sample(m.FEATURE_DIRECTION, labels, DIRECTIONS.get(one["direction"], 0))


def _promotions(session: Session, stage: str) -> Iterator[Sample]:
    for model, kind, platform, count in count_entries(session, stage, PLATFORM):
        yield Sample(m.PROMOTIONS, (model, kind, "platform" if platform else "person"), count)


def _runs(session: Session, stage: str) -> Iterator[Sample]:
    counts: dict[tuple[str, str], int] = {}
    oldest: dict[str, RunRow] = {}
    for row in open_runs(session, stage=stage):
        counts[row.kind, row.status] = counts.get((row.kind, row.status), 0) + 1
        if row.status == "queued":
            oldest.setdefault(row.kind, row)
    for kind in ("training", "dataset", "evaluation", "profile", "drift"):
        for status in ("queued", "running"):
            yield Sample(m.OPEN_RUNS, (kind, status), counts.get((kind, status), 0))
    for kind, row in oldest.items():
        yield Sample(m.OLDEST_QUEUED, (kind,), row.created_at.timestamp())
