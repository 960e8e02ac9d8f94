"""Who may say what is true: whose word decides where raters disagree, and how much one rater may count.

Raters are trusted by their role (engineers, maintainers) or because their key was marked so. Of all others no
one supplies more than `max_rater_share` of what is counted, once `min_raters` raters have spoken, and no one
of them decides alone (`leaning_on`): what is concluded must also follow without them.
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_processor.statistics.terms import RaterTerms

Flags = NDArray[np.bool_]

MOST_LEFT_OUT = 50
"""Raters who are left out in turn, those with most labels first."""
_ROUNDING = 1e-9


class Voice(NamedTuple):
    """What one rater says of one prediction."""

    said: Any
    """Right or wrong, a label, or a value."""
    trusted: bool = False
    own: bool = False
    """The rater asked for the prediction."""


class Source(NamedTuple):
    """Where the label of one row comes from."""

    raters: tuple[str, ...] = ()
    """Who gives it; nobody for a row of an upload."""
    trusted: bool = True
    """It is a row of an upload, or one of its raters is trusted."""
    asked: bool = False
    """The platform asked about the prediction, so that nobody chose it for what they would say of it."""


UPLOADED = Source()


@dataclass(frozen=True, slots=True)
class Leaning:
    """A conclusion does not follow without some labels that are not trusted."""

    rater: str | None
    """Whose they are; None: of all raters who are not trusted, who are too few."""
    rows: int
    """How many rows are left out with them."""


def agreed(voices: Iterable[Voice]) -> Any:
    """Return what most raters say of a prediction; None if nobody says anything, or they are divided.

    Where equally many say one thing and another, the trusted among them decide, and if that does not, whoever
    asked for the prediction. Of values it is the median, of the trusted raters if there are any.
    """
    known = [voice for voice in voices if voice.said is not None]
    if len(known) == 1:
        return known[0].said
    if any(isinstance(voice.said, float) for voice in known):
        return median([voice.said for voice in known if voice.trusted] or [voice.said for voice in known])
    leading = {voice.said for voice in known}
    for heard in (known, (v for v in known if v.trusted), (v for v in known if v.own)):
        counts = Counter(voice.said for voice in heard if voice.said in leading)
        most = max(counts.values(), default=0)
        leading = {said for said, count in counts.items() if count == most} or leading
        if len(leading) == 1:
            return leading.pop()
    return None


def with_room(raters: Sequence[str], supplied: Mapping[str, float], cap: float) -> Sequence[str]:
    """Return the raters who may still supply their part of a row when none may supply more than `cap`.

    A row is supplied by its raters in equal parts, so each who has none left leaves more to the others.
    """
    while raters:
        part = 1 / len(raters)
        fitting = [rater for rater in raters if supplied.get(rater, 0.0) + part <= cap + _ROUNDING]
        if len(fitting) == len(raters):
            break
        raters = fitting
    return raters


def too_much(most: float, rows: int, terms: RaterTerms) -> bool:
    """Say whether a rater who supplies `most` of so many rows supplies more than a rater's share."""
    return most > terms.max_rater_share * rows + _ROUNDING


def within_share(sources: Sequence[Source], inputs: Sequence[Hashable], terms: RaterTerms) -> Flags:
    """Say of each row whether it counts when no rater who is not trusted supplies more than their share.

    Earlier rows are preferred to later ones, but a rater's repetitions of the same `inputs` come last. The
    share is of the rows that count: the cap is lowered until it fits what it leaves. Before `min_raters` have
    spoken, every row counts.
    """
    if len({rater for source in sources for rater in source.raters}) < terms.min_raters:
        return np.ones(len(sources), np.bool_)
    repeated: Counter[Hashable] = Counter()
    turns = []
    for place, source in enumerate(sources):
        mine = (source.raters, inputs[place])
        turns.append((repeated[mine], place))
        repeated[mine] += 1
    order = [place for _, place in sorted(turns)]
    cap = math.inf
    while True:
        counts, most = _count(sources, order, cap)
        rows = int(counts.sum())
        if not too_much(most, rows, terms):
            return counts
        cap = min(terms.max_rater_share * rows, cap)


def leaning_on(
    sources: Sequence[Source], follows: Callable[[Flags], bool], spoken: int, terms: RaterTerms
) -> Leaning | None:
    """Return whose labels a conclusion leans on; None if it follows without any one rater's.

    `follows` says whether the conclusion follows from some of the rows, `spoken` is how many raters who are
    not trusted have given labels at all. Once there are `min_raters` of them, each is left out in turn.
    Before, all their labels are left out together, but those that were asked for; so are those with each of
    several raters in turn.
    """
    open_rows = np.fromiter((not source.trusted for source in sources), np.bool_, len(sources))
    few = spoken < terms.min_raters
    chosen = np.fromiter((few and not source.asked for source in sources), np.bool_, len(sources)) & open_rows
    if chosen.any() and not follows(~chosen):
        return Leaning(None, int(chosen.sum()))
    if few and spoken < 2:  # noqa: PLR2004  # whoever is alone has been asked for everything that is left
        return None
    for rater in untrusted(sources)[:MOST_LEFT_OUT]:
        theirs = np.fromiter((source.raters == (rater,) for source in sources), np.bool_, len(sources))
        theirs &= open_rows & ~chosen
        if theirs.any() and not follows(~(theirs | chosen)):
            return Leaning(rater, int(theirs.sum()))
    return None


def untrusted(sources: Iterable[Source]) -> list[str]:
    """Return who gave labels that are not trusted, those with most first."""
    counts = Counter(rater for source in sources if not source.trusted for rater in source.raters)
    return [rater for rater, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def _count(sources: Sequence[Source], order: Sequence[int], cap: float) -> tuple[Flags, float]:
    """Return which rows count under a cap, and how much the busiest rater who is not trusted supplies."""
    counts = np.zeros(len(sources), np.bool_)
    supplied: dict[str, float] = {}
    for place in order:
        source = sources[place]
        if source.trusted:
            counts[place] = True
            continue
        raters = with_room(source.raters, supplied, cap)
        counts[place] = bool(raters)
        for rater in raters:
            supplied[rater] = supplied.get(rater, 0.0) + 1 / len(raters)
    return counts, max(supplied.values(), default=0.0)
