"""How a loop comes to where a live run stood: from a checkpoint, over the changes made since."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from data_processor.features.hyperparameters import Value
from data_processor.runs.context import TaskError
from data_processor.training.live.loop import Position, TrainingLoop
from data_processor.training.live.repository import Applied
from data_processor.training.live.store import LiveStore


@dataclass(frozen=True, slots=True)
class Again:
    """A change that is made again, where it was made."""

    position: Position
    values: dict[str, Value]
    subject: str
    known: bool
    """Whether this run has told of it already."""

    @classmethod
    def of(cls, change: Applied, *, known: bool) -> Self:
        """Repeat a change."""
        return cls(Position(change.epoch, change.row), change.values, change.subject, known)


class Script:
    """Changes that are made again, in order."""

    def __init__(self, changes: Sequence[Again] = ()) -> None:
        """Make these."""
        self._changes = list(changes)

    def due(self, position: Position) -> list[Again]:
        """Take the changes that are made at a position."""
        found = [one for one in self._changes if one.position <= position]
        self._changes = self._changes[len(found) :]
        return found


def go_to(loop: TrainingLoop, store: LiveStore, changes: Sequence[Applied], place: Position) -> None:
    """Bring a loop to where a run stood; `changes` are those it had seen by then, in order.

    Raises `TaskError` if the run keeps no checkpoint as early as that, or had diverged there.
    """
    if not store.restore(loop, place):
        raise TaskError(f"Live run {store.run} keeps no checkpoint as early as epoch {place.epoch}.")
    script = Script([one for one in since(changes, loop.position, known=True) if one.position <= place])
    while True:
        for change in script.due(loop.position):
            loop.change(change.values)
        if loop.diverged is not None:
            raise TaskError(f"Live run {store.run} cannot be left there. {loop.diverged}")
        if loop.position >= place:
            return
        loop.advance()


def since(changes: Sequence[Applied], position: Position, *, known: bool) -> list[Again]:
    """Return the changes made at a position or later: a checkpoint may stand before a change at its place."""
    return [Again.of(one, known=known) for one in changes if (one.epoch, one.row) >= position]


def seen_before(
    changes: Sequence[Applied], place: Position, change: int | None
) -> tuple[list[Applied], list[Applied]]:
    """Divide changes into those before a fork and those after it.

    A fork is just before the change of a number; or after an epoch: then a change at that place is later.
    """
    before = [one for one in changes if (one.number < change if change else (one.epoch, one.row) < place)]
    return before, list(changes[len(before) :])
