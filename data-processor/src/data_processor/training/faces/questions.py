"""What recognisers are judged by: each picture is asked about twice.

    its person enrolled, by their other pictures      right: recognised as who it is
    its person not enrolled                           right: nobody, as of any stranger

Persons are what counts: pictures of one are right and wrong together.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_processor.statistics.measures import Answers
from data_processor.tasks.faces.nearest import NOBODY, Known, nearest
from data_processor.tasks.faces.recogniser import Recogniser

Floats = NDArray[np.float32]
Places = NDArray[np.int64]


class Asked(NamedTuple):
    """The questions about some pictures, and what a recogniser answered."""

    truth: Places
    """Whose face it is, `NOBODY` for the second questions: shape (2 x pictures,)."""
    answers: Places
    persons: Places
    """Whose pictures they are: shape (2 x pictures,)."""
    nearest_is_right: NDArray[np.bool_]
    """Of the first questions, whatever the threshold: shape (pictures,)."""

    def as_answers(self) -> Answers:
        """Return which answers are right, as the gate compares them with `wanted`."""
        return Answers(labels=np.where(self.answers == self.truth, self.wanted, ""))

    @property
    def wanted(self) -> NDArray[np.str_]:
        """What each question wants: its number, so that no two are a class whose recall could be compared."""
        return np.arange(len(self.truth)).astype(str)

    def metrics(self) -> dict[str, float]:
        """Return how often the answers are right, of both kinds together and of each."""
        count = len(self.nearest_is_right)
        if not count:
            return {}
        right = self.answers == self.truth
        return {
            "accuracy": float(right.mean()),
            "known_accepted": float(right[:count].mean()),
            "unknown_accepted": float((self.answers[count:] != NOBODY).mean()),
            "rank_1": float(self.nearest_is_right.mean()),
        }


def ask(recogniser: Recogniser, signatures: Floats, persons: Places, which: NDArray[np.bool_]) -> Asked:
    """Ask about some of the pictures, in a gallery of all: shapes (pictures, length), (pictures,) twice."""
    asked = np.flatnonzero(which)
    truth = np.concatenate([persons[asked], np.full(len(asked), NOBODY)])
    of = np.tile(persons[asked], 2)
    if not len(asked):
        return Asked(truth, truth, of, np.zeros(0, np.bool_))
    vectors = recogniser.vectors(signatures)
    known = _known(vectors, persons)
    first = nearest(vectors[asked], known, recogniser.threshold, without=asked).places
    ranked = nearest(vectors[asked], known, np.inf, without=asked).places
    second = np.full(len(asked), NOBODY)
    for person in np.unique(persons[asked]):
        mine, others = persons[asked] == person, persons != person
        strangers = _known(vectors[others], persons[others])
        second[mine] = nearest(vectors[asked[mine]], strangers, recogniser.threshold).places
    return Asked(truth, np.concatenate([first, second]), of, ranked == persons[asked])


def joined(parts: list[Asked]) -> Asked:
    """Return several sets of questions as one: the first ones of all before the second ones of all."""
    firsts = [len(part.nearest_is_right) for part in parts]

    def pick(name: str) -> Places:
        of = [getattr(part, name) for part in parts]
        halves = [one[:n] for one, n in zip(of, firsts, strict=True)]
        return np.concatenate(halves + [one[n:] for one, n in zip(of, firsts, strict=True)])

    ranked = np.concatenate([part.nearest_is_right for part in parts])
    return Asked(pick("truth"), pick("answers"), pick("persons"), ranked)


def _known(vectors: Floats, persons: Places) -> Known:
    return Known(vectors, persons, np.zeros((0, vectors.shape[1]), np.float32), np.zeros(0, np.int64))
