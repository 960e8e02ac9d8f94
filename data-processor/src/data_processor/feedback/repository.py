"""The queries on feedback: rows are written once and never changed; score, snapshot and watch read them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, func, insert, or_, select
from sqlalchemy.orm import Session, aliased

from data_processor.models.policy import Policy
from data_processor.rows import FeedbackRow
from data_processor.statistics.raters import Source, Voice, agreed, within_share
from data_processor.statistics.score import FeedbackEntry, Score, summarise

LOOK_BACK = (2, 5, 20)
"""Rows of feedback that are read for each prediction of the window: some are repeated, some left out.

More are read only where fewer are not enough: a flood by one rater must not wash away what the others said.
"""
LABELS_BACK = 5
"""Labels that are read for each one wanted: others may be more than a rater's share."""

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
    source: Source = Source(trusted=False)
    """Who says so."""


AT_ONCE = 500
"""The most predictions that one query names."""


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
        entries = _newest_of(
            session, scoring(model, stage, version, policy), policy, policy.window * look_back
        )
        score = summarise(entries, policy)
        all_read = len(entries) < policy.window * look_back
        if all_read or (score.deciding.n >= policy.window and score.raters >= policy.min_raters):
            break
    return score


def count_new_feedback(
    session: Session, model: str, stage: str, version: str, after: int, *, policy: Policy
) -> int:
    """Count the predictions of a version that got their first feedback later than `after`.

    Those on which raters stay divided do not count (the statistics' *Score*).
    """
    earlier = aliased(F)
    query = select(F.prediction, F.subject, F.correct, F.trusted, F.own).where(
        *scoring(model, stage, version, policy),
        F.seq > after,
        ~select(earlier.seq).where(earlier.prediction == F.prediction, earlier.seq <= after).exists(),
    )
    ratings: dict[str, dict[str, Voice]] = {}
    for prediction, subject, *said in session.execute(query.order_by(F.seq)):
        ratings.setdefault(prediction, {})[subject] = Voice(*said)
    return sum(agreed(found.values()) is not None for found in ratings.values())


def count_new_labels(session: Session, model: str, after: int, limit: int, *, policy: Policy) -> int:
    """Count the predictions of a model that first got a label later than `after`, up to `limit` of them.

    As many as a run would use: of the newest, and of raters who are not trusted at most their share.
    """
    earlier = aliased(F)
    newly = (
        select(F.prediction, F.subject, F.trusted)
        .where(
            *_eligible(model, policy),
            F.seq > after,
            _labelled(F),
            ~select(earlier.seq)
            .where(earlier.prediction == F.prediction, earlier.seq <= after, _labelled(earlier))
            .exists(),
        )
        .order_by(F.seq.desc())
        .limit(limit * LABELS_BACK)
    )
    raters: dict[str, dict[str, bool]] = {}
    for prediction, subject, trusted in session.execute(newly):
        raters.setdefault(prediction, {}).setdefault(subject, trusted)
    sources = [Source(tuple(found), any(found.values())) for found in raters.values()]
    return min(limit, int(within_share(sources, range(len(sources)), policy).sum()))


def labelled_since(
    session: Session,
    model: str,
    after: int = 0,
    *,
    policy: Policy,
    stage: str | None = None,
    version: str | None = None,
) -> list[Labelled]:
    """Return the predictions that first got a label later than `after`, in that order.

    The truth is each rater's latest word, of several raters what they agree on (`raters.py: agreed`); where
    they stay divided it is unknown. Pinned predictions do not count, unless the policy says so.
    """
    wanted = select(F.prediction).where(
        *_eligible(model, policy), *feedback_on(None, stage, version), F.seq > after, _labelled(F)
    )
    return [one for one in _truths(session, F.prediction.in_(wanted)) if one.seq > after]


def labels_of(session: Session, predictions: Iterable[str], policy: Policy) -> dict[str, Labelled]:
    """Return what is known of the truth of these predictions, by id; of pinned ones as the policy says."""
    ids, found = list(predictions), dict[str, Labelled]()
    for start in range(0, len(ids), AT_ONCE):
        some = F.prediction.in_(ids[start : start + AT_ONCE])
        found.update({one.prediction: one for one in _truths(session, some, *_unpinned(policy))})
    return found


def _truths(session: Session, *conditions: ColumnElement[bool]) -> list[Labelled]:
    """Return the predictions of which the truth is known, in the order of their first label."""
    latest: dict[str, dict[str, Voice]] = {}
    first: dict[str, int] = {}
    asked: dict[str, bool] = {}
    query = select(F.seq, F.prediction, F.subject, F.label, F.value, F.trusted, F.own, F.asked)
    for seq, prediction, subject, label, value, trusted, own, was_asked in session.execute(
        query.where(*conditions).order_by(F.seq)
    ):
        truth = label if label is not None else value
        latest.setdefault(prediction, {})[subject] = Voice(truth, trusted, own)
        asked[prediction] = was_asked
        if truth is not None:
            first.setdefault(prediction, seq)
    found = []
    for prediction, seq in first.items():
        voices = latest[prediction]
        truth = agreed(voices.values())
        if truth is not None:
            found.append(Labelled(seq, prediction, truth, _source(voices, truth, asked=asked[prediction])))
    return found


def _source(voices: Mapping[str, Voice], truth: str | float, *, asked: bool) -> Source:
    """Say who gives a label: all who say the same, or of values all who name one."""
    one_of_many = isinstance(truth, float)
    giving = {
        rater: voice
        for rater, voice in voices.items()
        if voice.said == truth or (one_of_many and voice.said is not None)
    }
    return Source(tuple(giving), any(voice.trusted for voice in giving.values()), asked)


def count_with_feedback(
    session: Session, model: str, stage: str, version: str, after: int, *, policy: Policy
) -> int:
    """Count the predictions of a version with feedback later than `after`, labelled or not."""
    query = select(func.count(F.prediction.distinct()))
    return session.scalar(query.where(*scoring(model, stage, version, policy), F.seq > after)) or 0


def counted(labelled: Sequence[Labelled], policy: Policy) -> list[Labelled]:
    """Return those that count when no rater who is not trusted supplies more than their share."""
    sources = [one.source for one in labelled]
    counts = within_share(sources, range(len(sources)), policy)
    return [one for one, it_does in zip(labelled, counts, strict=True) if it_does]


def feedback_on(model: str | None, stage: str | None, version: str | None) -> list[ColumnElement[bool]]:
    """Return the conditions for feedback on this model, of this stage and version if given."""
    given = ((F.model, model), (F.stage, stage), (F.version, version))
    return [column == value for column, value in given if value is not None]


def scoring(model: str, stage: str, version: str, policy: Policy) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for feedback that counts towards the score of a stage's version."""
    return (*_eligible(model, policy), *feedback_on(None, stage, version))


def _eligible(model: str, policy: Policy) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for feedback that scores, trains and tests."""
    return (F.model == model, *_unpinned(policy))


def _unpinned(policy: Policy) -> tuple[ColumnElement[bool], ...]:
    return () if policy.use_pinned else (F.pinned.is_(False),)


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
    query = select(F.prediction, F.subject, F.correct, F.asked, F.trusted, F.own, F.belongs_to)
    found = session.connection().execute(query.where(wanted).order_by(F.seq))
    return [FeedbackEntry._make(row) for row in found]


def _newest(conditions: Iterable[ColumnElement[bool]], limit: int) -> Select[tuple[str]]:
    newest = select(F.prediction).where(*conditions).order_by(F.seq.desc()).limit(limit).subquery()
    return select(newest.c.prediction)


def _labelled(row: type[FeedbackRow]) -> ColumnElement[bool]:
    return or_(row.label.is_not(None), row.value.is_not(None))
