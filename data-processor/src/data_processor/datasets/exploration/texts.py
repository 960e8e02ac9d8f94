"""Columns of texts, by class: how long the texts are, of which parts of speech, which words and sequences."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_processor.datasets.exploration.clouds import cloud
from data_processor.datasets.exploration.distributions import NOWHERE, histogram
from data_processor.datasets.exploration.schemas import Phrase, TextGroup, TextProfile
from data_processor.datasets.exploration.targets import Target
from data_processor.datasets.exploration.words import Clauses, are_english, clauses, count, parts_of_speech

MOST_TEXTS = 10_000
MOST_WORDS = 500_000
"""Of all texts of a column: what is counted of so many words fits into some hundred megabytes."""
MOST_TAGGED = 1_000
"""Texts of each group whose words are named as parts of speech: about 0.2 s."""
LENGTHS = (1, 2, 3)
LISTED = 20
NOT_ENGLISH = "The texts do not seem to be English, so their parts of speech are not shown."


@dataclass(frozen=True, slots=True)
class _Texts:
    """The texts of a column, read once for all groups."""

    written: list[str]
    read: list[Clauses]
    english: bool
    lengths: NDArray[np.float64]
    """Shape (texts,): words."""
    bars: NDArray[np.intp]
    """Shape (texts,): in which bin of the lengths each one is."""
    edges: list[float]


_Counted = list[tuple[Counter[str], Counter[str]]]
"""For each length of a sequence: how often each one is there, and in how many texts."""


def explore_texts(values: "pd.Series[Any]", target: Target) -> TextProfile | None:
    """Describe a column of texts, all together and by class; none if there is no text."""
    here = np.flatnonzero(values.notna().to_numpy())[:MOST_TEXTS]
    texts = _read([str(text) for text in values.iloc[here]])
    if texts is None:
        return None
    every = np.arange(len(texts.read))
    everywhere = _count(texts, every)
    groups = [_describe(None, texts, every, everywhere, everywhere)]
    codes = target.codes[here[: len(every)]]
    for code, label in enumerate(target.classes):
        places = every[codes == code]
        if len(places):
            groups.append(_describe(label, texts, places, _count(texts, places), everywhere))
    return TextProfile(
        column=str(values.name),
        texts=len(every),
        length_edges=texts.edges,
        groups=groups,
        notes=[] if texts.english else [NOT_ENGLISH],
    )


def _read(written: list[str]) -> _Texts | None:
    read: list[Clauses] = []
    lengths: list[int] = []
    left = MOST_WORDS
    for text in written:
        if left <= 0:
            break
        read.append(clauses(text))
        lengths.append(sum(map(len, read[-1])))
        left -= lengths[-1]
    counted = np.array(lengths, np.float64)
    placed = histogram(counted)
    if placed is None or placed.distribution.form != "histogram":
        return None
    edges = placed.distribution.edges
    return _Texts(written[: len(read)], read, are_english(read), counted, placed.bars, edges)


def _count(texts: _Texts, places: NDArray[np.intp]) -> _Counted:
    return [count([texts.read[place] for place in places], length) for length in LENGTHS]


def _describe(
    label: str | None, texts: _Texts, places: NDArray[np.intp], counted: _Counted, everywhere: _Counted
) -> TextGroup:
    lengths, bars = texts.lengths[places], texts.bars[places]
    elsewhere = len(texts.read) - len(places)
    return TextGroup(
        label=label,
        texts=len(places),
        mean_words=float(lengths.mean()),
        median_words=float(np.median(lengths)),
        lengths=np.bincount(bars[bars != NOWHERE], minlength=len(texts.edges) - 1).tolist(),
        parts_of_speech=(
            parts_of_speech(texts.written[place] for place in places[:MOST_TAGGED]) if texts.english else {}
        ),
        phrases=[
            _most_frequent(*here, all_in_texts, len(places), elsewhere)
            for here, (_, all_in_texts) in zip(counted, everywhere, strict=True)
        ],
        cloud=cloud(counted[0][0]),
    )


def _most_frequent(
    often: Counter[str], in_texts: Counter[str], all_in_texts: Counter[str], texts: int, elsewhere: int
) -> list[Phrase]:
    ranked = sorted(often.items(), key=lambda pair: (-pair[1], pair[0]))[:LISTED]
    return [
        Phrase(
            words=words,
            count=times,
            share=in_texts[words] / texts,
            elsewhere=(all_in_texts[words] - in_texts[words]) / elsewhere if elsewhere else None,
        )
        for words, times in ranked
    ]
