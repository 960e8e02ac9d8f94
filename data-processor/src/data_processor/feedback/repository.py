"""FeedbackService as rows: written once, never changed, read as score, snapshot and watch need them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, func, insert, or_, select
from sqlalchemy.orm import Session, aliased

from data_processor.models.policy import Policy
from data_processor.rows import FeedbackRow
from data_processor.statistics.score import Judgement, Score, summarise, verdict

LOOK_BACK = (2, 5, 20)
"""FeedbackService that are read for each verdict of the window: some are repeated, some are left out.

More only where fewer do not do: a flood by one person must not wash away what the others said.
"""

J = FeedbackRow

# Built once: on the path of every feedback, making a statement costs more than running it.
_APPEND = insert(J).returning(J.seq)
_SPOKE_BEFORE = (
    select(J.seq).where(J.prediction == bindparam("prediction"), J.subject == bindparam("subject")).limit(1)
)


class Labelled(NamedTuple):
    """A prediction whose truth is known."""

    seq: int
    """The first judgement that gave it a label: what was fitted to it then is never tested on it later."""
    prediction: str
    truth: str | float


def append(session: Session, judgement: Mapping[str, Any]) -> int:
    """Write a judgement and return its number."""
    return session.connection().execute(_APPEND, judgement).scalar_one()


def spoke_before(session: Session, prediction: str, subject: str) -> bool:
    """Say whether a person already judged a prediction."""
    whose = {"prediction": prediction, "subject": subject}
    return session.connection().execute(_SPOKE_BEFORE, whose).first() is not None


def score_of(session: Session, model: str, stage: str, version: str, policy: Policy) -> Score:
    """Return the score of a version from its newest judgements, as many as it takes and no more."""
    for look_back in LOOK_BACK:
        judgements = _newest_of(session, _unpinned(model, stage, version), policy, policy.window * look_back)
        score = summarise(judgements, policy)
        all_read = len(judgements) < policy.window * look_back
        if all_read or (score.deciding.n >= policy.window and score.persons >= policy.min_raters):
            break
    return score


def newly_judged(session: Session, model: str, stage: str, version: str, after: int) -> int:
    """Count the judged predictions of a version whose first judgement is later than `after`.

    Those of which persons are evenly divided are not judged (the statistics' *Score*) and do not count.
    """
    earlier = aliased(J)
    query = select(J.prediction, J.subject, J.correct).where(
        *_unpinned(model, stage, version),
        J.seq > after,
        ~select(earlier.seq).where(earlier.prediction == J.prediction, earlier.seq <= after).exists(),
    )
    voices: dict[str, dict[str, bool]] = {}
    for prediction, subject, correct in session.execute(query.order_by(J.seq)):
        voices.setdefault(prediction, {})[subject] = correct
    return sum(verdict(said) is not None for said in voices.values())


def newly_labelled(session: Session, model: str, after: int, limit: int) -> int:
    """Count the predictions of a model that first got a label later than `after`, up to `limit` of them."""
    earlier = aliased(J)
    newly = (
        select(J.prediction)
        .distinct()
        .where(
            J.model == model,
            J.seq > after,
            _labelled(J),
            ~select(earlier.seq)
            .where(earlier.prediction == J.prediction, earlier.seq <= after, _labelled(earlier))
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

    The truth is each person's latest word, of several persons what most of them say (of values the median);
    where they are divided evenly it is not known. Pinned predictions count: a version does not make a truth.
    """
    latest: dict[str, dict[str, str | float | None]] = {}
    first: dict[str, int] = {}
    query = select(J.seq, J.prediction, J.subject, J.label, J.value).where(
        J.prediction.in_(select(J.prediction).where(*of(model, stage, version), J.seq > after, _labelled(J)))
    )
    for seq, prediction, subject, label, value in session.execute(query.order_by(J.seq)):
        truth = label if label is not None else value
        latest.setdefault(prediction, {})[subject] = truth
        if truth is not None:
            first.setdefault(prediction, seq)
    agreed = ((seq, prediction, _agreed(latest[prediction].values())) for prediction, seq in first.items())
    return [Labelled(seq, p, truth) for seq, p, truth in agreed if seq > after and truth is not None]


def judged_since(session: Session, model: str, stage: str, version: str, after: int) -> int:
    """Count the predictions of a version that were judged later than `after`, labelled or not."""
    query = select(func.count(J.prediction.distinct()))
    return session.scalar(query.where(*of(model, stage, version), J.seq > after)) or 0


def last_seq(session: Session) -> int:
    """Return the number of the last judgement; 0 before the first."""
    return session.scalar(select(func.max(J.seq))) or 0


def _agreed(voices: Iterable[str | float | None]) -> str | float | None:
    known = [voice for voice in voices if voice is not None]
    values = [voice for voice in known if isinstance(voice, float)]
    if values:
        return median(values)
    ranked = Counter(known).most_common(2)
    if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]


def of(model: str, stage: str | None, version: str | None) -> list[ColumnElement[bool]]:
    """Return the conditions for judgements on this model, of this stage and version if given."""
    given = ((J.model, model), (J.stage, stage), (J.version, version))
    return [column == value for column, value in given if value is not None]


def _unpinned(model: str, stage: str, version: str) -> tuple[ColumnElement[bool], ...]:
    return (*of(model, stage, version), J.pinned.is_(False))


def _newest_of(
    session: Session, mine: tuple[ColumnElement[bool], ...], policy: Policy, limit: int
) -> list[Judgement]:
    """Return, in order, every judgement on the predictions that the newest `limit` judgements are about.

    If the platform asks about some, the newest about those are among them, however rare they are.
    """
    newest = [_newest(mine, limit)]
    if policy.ask_rate > 0:
        newest.append(_newest((*mine, J.asked.is_(True)), limit))
    wanted = or_(*(J.prediction.in_(some) for some in newest))
    query = select(J.prediction, J.subject, J.correct, J.asked).where(wanted).order_by(J.seq)
    return [Judgement._make(row) for row in session.connection().execute(query)]


def _newest(conditions: Iterable[ColumnElement[bool]], limit: int) -> Select[tuple[str]]:
    newest = select(J.prediction).where(*conditions).order_by(J.seq.desc()).limit(limit).subquery()
    return select(newest.c.prediction)


def _labelled(row: type[FeedbackRow]) -> ColumnElement[bool]:
    return or_(row.label.is_not(None), row.value.is_not(None))
