"""The candidates of a run on faces: each extractor that can be used here, with and without a projection.

They are compared on the persons that may be fitted to, in folds of persons: projection and threshold are
fitted to the others, so that each person is somebody new.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_processor.tasks.candidates import Candidate
from data_processor.tasks.faces.crops import decode_crop
from data_processor.tasks.faces.extractors import Extractor, Extractors
from data_processor.tasks.faces.recogniser import Recogniser, default_recogniser, fit_recogniser
from data_processor.training.faces.questions import Asked, ask, joined
from data_processor.training.leaderboard import LeaderboardRow, recommend

FOLDS = 5
TIED_Z = 1.96
Floats = NDArray[np.float32]
Places = NDArray[np.int64]
Say = Callable[[str], None]


class Signatures:
    """The signatures of some crops by each extractor, computed once."""

    def __init__(self, crops: Sequence[bytes], extractors: Extractors) -> None:
        """Sign these crops, JPEGs, when they are asked for."""
        self.extractors = extractors
        self._crops = crops
        self._signed: dict[str, Floats] = {}

    def by(self, name: str) -> Floats:
        """Return the signatures by an extractor: shape (crops, its length)."""
        if name not in self._signed:
            found = self.extractors.named(name)
            signed = [found.signature(decode_crop(crop)) for crop in self._crops]
            self._signed[name] = np.stack(signed) if signed else np.zeros((0, found.length), np.float32)
        return self._signed[name]

    def seconds(self, found: Extractor) -> float:
        """Return how long signing all of them takes, by trying one; 0 if they are signed already."""
        if found.name in self._signed or not self._crops:
            return 0.0
        crop = decode_crop(self._crops[0])
        found.signature(crop)  # the first one loads what it needs
        began = time.perf_counter()
        found.signature(crop)
        return (time.perf_counter() - began) * len(self._crops)


def candidates(
    signatures: Signatures, asked: Sequence[Mapping[str, Any]] | None, budget_s: float, say: Say
) -> list[Candidate]:
    """Return what is tried: what was asked for, else all that can be used here and fits into the budget."""
    extractors = signatures.extractors
    names = [one["estimator"] for one in asked or ()] or [one.name for one in extractors.available()]
    given = {one["estimator"]: one.get("params") or {} for one in asked or ()}
    tried: list[Candidate] = []
    for name in names:
        found = extractors.named(name)
        if (why := found.missing()) is not None:
            say(f"The extractor {name!r} is not tried: {why}")
            continue
        if tried and not asked and (seconds := signatures.seconds(found)) > budget_s:
            say(f"The extractor {name!r} is not tried: it would take {seconds:.0f} s, more than the budget.")
            continue
        options = [given[name]["projection"]] if "projection" in given.get(name, {}) else [True, False]
        for projection in options if found.projects else [False]:
            params = {"projection": projection} if found.projects else {}
            tried.append(Candidate(estimator=name, params=params))
    return tried


def fit(candidate: Candidate, extractor: Extractor, signatures: Floats, persons: Places) -> Recogniser:
    """Fit a candidate to enrolled signatures; with too few of them it is the extractor's default."""
    if not len(persons):
        return default_recogniser(extractor)
    projected = bool(candidate.params.get("projection", True))
    return fit_recogniser(extractor, signatures, persons, projected=projected)


def try_out(
    candidate: Candidate, extractor: Extractor, signatures: Floats, persons: Places
) -> tuple[Asked, float, float]:
    """Return what a candidate answers to questions about persons it was not fitted to.

    Also the seconds of one fit, and the milliseconds to answer one question.
    """
    parts, fitting, asking = [], 0.0, 0.0
    for fold in _folds(persons):
        began = time.perf_counter()
        recogniser = fit(candidate, extractor, signatures[~fold], persons[~fold])
        fitted = time.perf_counter()
        parts.append(ask(recogniser, signatures, persons, fold))
        fitting, asking = fitting + fitted - began, asking + time.perf_counter() - fitted
    together = joined(parts)
    return together, fitting / len(parts), 1000 * asking / max(1, len(together.truth))


def leaderboard(
    tried: Sequence[tuple[Candidate, Asked, float, float]], extractors: Extractors
) -> list[LeaderboardRow]:
    """Return the candidates, the best first; a tie says that these persons cannot tell two apart."""
    shares = [_by_person(asked) for _, asked, _, _ in tried]
    order = sorted(range(len(tried)), key=lambda place: -float(shares[place].mean()))
    best = shares[order[0]]
    return recommend(
        [
            LeaderboardRow(
                candidate=tried[place][0],
                metrics=tried[place][1].metrics(),
                fit_seconds=round(tried[place][2], 4),
                ms_per_row=round(tried[place][3], 5),
                bytes=extractors.named(tried[place][0].estimator).length * 4,
                tied=_tied(best, shares[place]),
                recommended=False,
            )
            for place in order
        ]
    )


def _by_person(asked: Asked) -> NDArray[np.float64]:
    """Return the share of right answers of each person."""
    rights = asked.answers == asked.truth
    return np.array([rights[asked.persons == person].mean() for person in np.unique(asked.persons)])


def _tied(best: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    differences = best - other
    if len(differences) < 2 or not differences.any():  # noqa: PLR2004  # one person shows no spread
        return True
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return bool(differences.mean() <= TIED_Z * error)


def _folds(persons: Places) -> Iterator[NDArray[np.bool_]]:
    """Yield which pictures are of the persons of each fold."""
    names = np.unique(persons)
    for part in np.array_split(names, min(FOLDS, len(names))):
        yield np.isin(persons, part)
