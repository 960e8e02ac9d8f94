"""Whose labels a run learns from and decides by, and whether its verdict would stand without one of them."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data_processor.features.split import Rows, Split
from data_processor.feedback.repository import Labelled
from data_processor.runs.context import TaskContext
from data_processor.statistics.raters import UPLOADED, Source, leaning_on, untrusted, within_share
from data_processor.statistics.receipt import RaterLabels, Receipt, WithoutRater
from data_processor.statistics.terms import RaterTerms

FILE = "raters.json"
LISTED = 20
"""The most raters that a receipt lists."""
PARTS = ("fitting", "validation", "test", "holdout")

Flags = NDArray[np.bool_]
Judge = Callable[[Flags], Receipt]
"""Decides again, on some of the deciding rows."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the labels of a snapshot come from."""

    known: Mapping[str, tuple[int, Source]]
    """The number of the feedback that first labelled a prediction and who labels it, by prediction."""

    @classmethod
    def of(cls, labelled: Iterable[Labelled]) -> "Sources":
        """Describe labelled predictions."""
        return cls({one.prediction: (one.seq, one.source) for one in labelled})

    def rows(self, predictions: Iterable[str]) -> list[Source]:
        """Return the source of each row; a prediction about which nothing is known has a nameless one."""
        return [self._one(prediction)[1] for prediction in predictions]

    def counting(self, predictions: Sequence[str], inputs: Sequence[Hashable], terms: RaterTerms) -> Flags:
        """Say of each row of feedback whether it counts: the newest do, of each rater at most their share."""
        known = [self._one(prediction) for prediction in predictions]
        newest = sorted(range(len(known)), key=lambda place: -known[place][0])
        counts = np.zeros(len(known), np.bool_)
        counts[newest] = within_share(
            [known[place][1] for place in newest], [inputs[place] for place in newest], terms
        )
        return counts

    def _one(self, prediction: str) -> tuple[int, Source]:
        return self.known.get(prediction, (0, Source(("",), trusted=False))) if prediction else (0, UPLOADED)


def write_sources(context: TaskContext, labelled: Iterable[Labelled]) -> None:
    """Keep who labelled a run's snapshot, for its later steps."""
    context.write_json(FILE, {one.prediction: [one.seq, *one.source] for one in labelled})


def read_sources(context: TaskContext) -> Sources:
    """Return who labelled this run's snapshot; of a run that an older release began, nobody is known."""
    found = context.read_json(FILE) if context.path(FILE).exists() else {}
    return Sources(
        {
            prediction: (seq, Source(tuple(raters), trusted, asked))
            for prediction, (seq, raters, trusted, asked) in found.items()
        }
    )


def limit(split: Split, sources: Sources, terms: RaterTerms) -> Split:
    """Return a split in which no rater who is not trusted supplies more than their share of the feedback.

    Of the recent rows, and of the older ones, each. What is left out is neither fitted nor compared.
    """
    every = {name: getattr(split, name) for name in PARTS}
    keep = {name: np.ones(len(rows), np.bool_) for name, rows in every.items()}
    for recent in (True, False):
        places = [
            (name, place)
            for name, rows in every.items()
            for place in np.flatnonzero((rows.recent == recent) & (rows.predictions != "")).tolist()
        ]
        counts = sources.counting(
            [every[name].predictions[place] for name, place in places],
            [every[name].positions[place] for name, place in places],
            terms,
        )
        for (name, place), it_does in zip(places, counts.tolist(), strict=True):
            keep[name][place] = it_does
    limited = {name: rows.take(keep[name]) for name, rows in every.items() if not keep[name].all()}
    return replace(split, **limited)


@dataclass(frozen=True, slots=True)
class Raters:
    """Who labelled the rows of a run, and what they would be if no rater were limited."""

    sources: Sources
    whole: Split

    def vouch(self, receipt: Receipt, rows: Rows, judge: Judge, used: Split, terms: RaterTerms) -> Receipt:
        """Return the receipt with whose labels it rests on, and why its promotion has to wait, if it has.

        `rows` are those that decided, `used` is the split they are of.
        """
        deciding = self.sources.rows(rows.predictions)
        given = _recent(self.whole, self.sources)
        spoken = len(untrusted([*given, *deciding]))
        lines = _lines(given, _recent(used, self.sources), deciding)
        return receipt.model_copy(
            update={
                "raters": lines[:LISTED],
                "more_raters": max(0, len(lines) - LISTED),
                "without": _without_largest(deciding, judge),
                "waits": _waits(receipt, deciding, judge, spoken, terms),
            }
        )


def _recent(split: Split, sources: Sources) -> list[Source]:
    """Return where the recent rows of a split come from."""
    parts = [getattr(split, name) for name in PARTS]
    return [source for rows in parts for source in sources.rows(rows.predictions[rows.recent])]


def _lines(given: list[Source], used: list[Source], deciding: list[Source]) -> tuple[RaterLabels, ...]:
    labels, counted, tested = (Counter(r for s in some for r in s.raters) for some in (given, used, deciding))
    open_ones = set(untrusted([*given, *deciding]))
    return tuple(
        RaterLabels(
            rater=rater,
            trusted=rater not in open_ones,
            labels=labels[rater],
            used=counted[rater],
            deciding=tested[rater],
        )
        for rater, _ in sorted((labels | tested).items(), key=lambda item: (-item[1], item[0]))
    )


def _without_largest(deciding: list[Source], judge: Judge) -> WithoutRater | None:
    found = untrusted(deciding)
    if not found:
        return None
    theirs = np.array([source.raters == (found[0],) and not source.trusted for source in deciding], np.bool_)
    left = judge(~theirs)
    return WithoutRater(rater=found[0], rows=int(theirs.sum()), verdict=left.verdict, p_value=left.p_value)


def _waits(
    receipt: Receipt, deciding: list[Source], judge: Judge, spoken: int, terms: RaterTerms
) -> str | None:
    """Say why a maintainer has to promote what the gate accepts."""
    if receipt.verdict != "promote":
        return None
    leaning = leaning_on(deciding, lambda rows: judge(rows).verdict == "promote", spoken, terms)
    if leaning is None:
        return None
    if leaning.rater is None:
        return (
            f"Raters who are not trusted labelled {leaning.rows} of the {receipt.n} deciding rows, and only "
            f"{spoken} of the {terms.min_raters} raters it takes have spoken. Without those rows the "
            "verdict would not be promote, so a maintainer has to promote this version."
        )
    return (
        f"Without the {leaning.rows} of the {receipt.n} deciding rows that {leaning.rater!r} labelled, the "
        "verdict would not be promote. No rater decides alone, so a maintainer has to promote this version."
    )
