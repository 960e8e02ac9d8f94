"""The queries on feedback: rows are written once and never changed; score, snapshot and watch read them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, func, insert, or_, select
from sqlalchemy.orm import Session, aliased

from data_processor.models.policy import Policy
from data_processor.rows import FeedbackRow
from data_processor.statistics.score import FeedbackEntry, Score, majority, summarise

LOOK_BACK = (2, 5, 20)
"""Rows of feedback that are read for each prediction of the window: some are repeated, some left out.

More are read only where fewer are not enough: a flood by one rater must not wash away what the others said.
"""

F = FeedbackRow

# Built once: on the path of every feedback, making a statement costs more than running it.
_APPEND = insert(F).returning(F.seq)
_GIVEN_BEFORE = (
    select(F.seq).where(F.prediction == bindparam("prediction"), F.subject == bindparam("subject")).limit(1)
)


class Labelled(NamedTuple):
    """A prediction whose truth is known."""

    seq: int
    """The first feedback that gave it a label: what was fitted to it then is never tested on it later."""
    prediction: str
    truth: str | float


def append(session: Session, feedback: Mapping[str, Any]) -> int:
    """Write a row of feedback and return its number."""
    return session.connection().execute(_APPEND, feedback).scalar_one()


def given_before(session: Session, prediction: str, subject: str) -> bool:
    """Say whether a person gave feedback on a prediction before."""
    whose = {"prediction": prediction, "subject": subject}
    return session.connection().execute(_GIVEN_BEFORE, whose).first() is not None


def score_of(session: Session, model: str, stage: str, version: str, policy: Policy) -> Score:
    """Return the score of a version from its newest feedback, as much as it takes and no more."""
    for look_back in LOOK_BACK:
        entries = _newest_of(session, _unpinned(model, stage, version), policy, policy.window * look_back)
        score = summarise(entries, policy)
        all_read = len(entries) < policy.window * look_back
        if all_read or (score.deciding.n >= policy.window and score.raters >= policy.min_raters):
            break
    return score


def count_new_feedback(session: Session, model: str, stage: str, version: str, after: int) -> int:
    """Count the predictions of a version that got their first feedback later than `after`.

    Those on which raters are evenly divided do not count (the statistics' *Score*).
    """
    earlier = aliased(F)
    query = select(F.prediction, F.subject, F.correct).where(
        *_unpinned(model, stage, version),
        F.seq > after,
        ~select(earlier.seq).where(earlier.prediction == F.prediction, earlier.seq <= after).exists(),
    )
    ratings: dict[str, dict[str, bool]] = {}
    for prediction, subject, correct in session.execute(query.order_by(F.seq)):
        ratings.setdefault(prediction, {})[subject] = correct
    return sum(majority(found) is not None for found in ratings.values())


def count_new_labels(session: Session, model: str, after: int, limit: int) -> int:
    """Count the predictions of a model that first got a label later than `after`, up to `limit` of them."""
    earlier = aliased(F)
    newly = (
        select(F.prediction)
        .distinct()
        .where(
            F.model == model,
            F.seq > after,
            _labelled(F),
            ~select(earlier.seq)
            .where(earlier.prediction == F.prediction, earlier.seq <= after, _labelled(earlier))
            .exists(),
        )
        .limit(limit)
    )
    return session.scalar(select(func.count()).select_from(newly.subquery())) or 0


def labelled_since(
    session: Session,
    model: str,
    after: int = 0,
    *,
    stage: str | None = None,
    version: str | None = None,
) -> list[Labelled]:
    """Return the predictions that first got a label later than `after`, in that order.

    The truth is each rater's latest word, of several raters what most of them say (of values the median);
    where they are evenly divided it is unknown. Pinned predictions count: a version does not make a truth.
    """
    latest: dict[str, dict[str, str | float | None]] = {}
    first: dict[str, int] = {}
    wanted = select(F.prediction).where(*feedback_on(model, stage, version), F.seq > after, _labelled(F))
    query = select(F.seq, F.prediction, F.subject, F.label, F.value).where(F.prediction.in_(wanted))
    for seq, prediction, subject, label, value in session.execute(query.order_by(F.seq)):
        truth = label if label is not None else value
        latest.setdefault(prediction, {})[subject] = truth
        if truth is not None:
            first.setdefault(prediction, seq)
    agreed = ((seq, prediction, _agreed(latest[prediction].values())) for prediction, seq in first.items())
    return [Labelled(seq, p, truth) for seq, p, truth in agreed if seq > after and truth is not None]


def count_with_feedback(session: Session, model: str, stage: str, version: str, after: int) -> int:
    """Count the predictions of a version with feedback later than `after`, labelled or not."""
    query = select(func.count(F.prediction.distinct()))
    return session.scalar(query.where(*feedback_on(model, stage, version), F.seq > after)) or 0


def _agreed(truths: Iterable[str | float | None]) -> str | float | None:
    known = [truth for truth in truths if truth is not None]
    values = [truth for truth in known if isinstance(truth, float)]
    if values:
        return median(values)
    ranked = Counter(known).most_common(2)
    if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def feedback_on(model: str, stage: str | None, version: str | None) -> list[ColumnElement[bool]]:
    """Return the conditions for feedback on this model, of this stage and version if given."""
    given = ((F.model, model), (F.stage, stage), (F.version, version))
    return [column == value for column, value in given if value is not None]


def _unpinned(model: str, stage: str, version: str) -> tuple[ColumnElement[bool], ...]:
    return (*feedback_on(model, stage, version), F.pinned.is_(False))


def _newest_of(
    session: Session, mine: tuple[ColumnElement[bool], ...], policy: Policy, limit: int
) -> list[FeedbackEntry]:
    """Return, in order, all feedback on the predictions that the newest `limit` rows are about.

    If the platform asks about some, the newest about those are among them, however rare they are.
    """
    newest = [_newest(mine, limit)]
    if policy.ask_rate > 0:
        newest.append(_newest((*mine, F.asked.is_(True)), limit))
    wanted = or_(*(F.prediction.in_(some) for some in newest))
    query = select(F.prediction, F.subject, F.correct, F.asked).where(wanted).order_by(F.seq)
    return [FeedbackEntry._make(row) for row in session.connection().execute(query)]


def _newest(conditions: Iterable[ColumnElement[bool]], limit: int) -> Select[tuple[str]]:
    newest = select(F.prediction).where(*conditions).order_by(F.seq.desc()).limit(limit).subquery()
    return select(newest.c.prediction)


def _labelled(row: type[FeedbackRow]) -> ColumnElement[bool]:
    return or_(row.label.is_not(None), row.value.is_not(None))
