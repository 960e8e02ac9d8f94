"""Trains a live run: takes it up where it stood, does what people say, and keeps what is needed to repeat it.

    batch ─▶ batch ─▶ … ─▶ epoch measured ─▶ journal ─▶ events
      ▲ between two batches, what people said is done, in order
      └ before a change of hyperparameters: checkpoint, then event and change in one transaction

After a crash it goes back to the last checkpoint and learns from there on to the same numbers; watchers are
not told again what they know.
"""

import time
from typing import Any

from data_processor.rows import LiveCommandRow, LiveRunRow
from data_processor.runs.events import RunLog
from data_processor.service.database import now
from data_processor.training.live.history import Script, go_to, seen_before, since
from data_processor.training.live.journal import Journal
from data_processor.training.live.loop import Measured, Position, TrainingLoop
from data_processor.training.live.service import PAUSE_ENDS
from data_processor.training.live.steering import Steering
from data_processor.training.live.store import LiveStore

LISTEN_S = 0.1
"""Seconds between two looks for what people said."""
CHECKPOINT_S = 10.0
"""Seconds of learning between two checkpoints that no change asks for."""


class Trainer:
    """One live run, from its beginning or its last checkpoint to its end."""

    def __init__(
        self,
        loop: TrainingLoop,
        steering: Steering,
        store: LiveStore,
        log: RunLog,
        original: tuple[Steering, LiveStore] | None,
    ) -> None:
        """Train a loop that has learnt nothing yet; `original` is what this run was forked from."""
        self._loop, self._steering, self._store, self._log = loop, steering, store, log
        self._original = original
        live = steering.live()
        self._metric, self._epochs, self._place = live.metric or "", live.epochs, _place(live)
        self._script, self._told = Script(), live.epoch
        self._paused, self._pause_at = live.state == "paused", live.pause_at
        self._ended: str | None = None
        self._until: Position | None = None
        """Where a replay ends."""
        self._listened, self._kept = 0.0, time.monotonic()

    def train(self, journal: Journal) -> dict[str, Any]:
        """Train until the run ends; return its result."""
        self._journal = journal
        self._begin(self._steering.live())
        while self._ended is None:
            self._listen()
            if self._paused and self._ended is None:
                time.sleep(LISTEN_S)
            elif self._ended is None:
                self._advance()
        journal.flush()
        return self._finish()

    def _begin(self, live: LiveRunRow) -> None:
        """Bring the loop to where the run stands."""
        last, own = self._store.last(), self._steering.changes()
        if last is not None:
            self._store.restore(self._loop, last)
            again = since(own, self._loop.position, known=True)
            self._say_resumed(live)
        else:
            again = []
            if self._original is not None:
                self._fork(live)
            self._store.save(self._loop, lasting=True)
        if live.replay and self._original is not None:
            steering, store = self._original
            _, later = seen_before(steering.changes(), self._place, live.parent_change)
            again += since(later[len(own) :], self._place, known=False)
            end = store.last()
            self._until = Position(end.epoch, end.row) if end is not None else self._place
        self._script = Script(again)
        if not self._paused:
            self._steering.tell("running", "It learns.")

    def _fork(self, live: LiveRunRow) -> None:
        """Go to where the original stood, and begin there."""
        assert self._original is not None  # noqa: S101  # whoever calls this has looked
        steering, store = self._original
        before, _ = seen_before(steering.changes(), self._place, live.parent_change)
        go_to(self._loop, store, before, self._place)
        self._loop.begin_anew()
        self._loop.change(live.first_hyperparameters)
        self._log.say(f"It begins where live run {store.run} was after epoch {self._place.epoch}.")

    def _say_resumed(self, live: LiveRunRow) -> None:
        epoch = self._loop.position.epoch
        again = f" Epochs {epoch + 1} to {live.epoch} are learnt again, to the same numbers."
        self._log.say(
            f"The run was interrupted. It goes on from its last checkpoint, after epoch {epoch}."
            + (again if live.epoch > epoch else ""),
            "warning",
        )

    def _advance(self) -> None:
        """Learn from a batch, and see what follows."""
        for change in self._script.due(self._loop.position):
            if change.known:
                self._loop.change(change.values)
            else:
                self._journal.flush()
                self._steering.change(self._loop, change.values, change.subject)
        if self._until is not None and self._loop.position >= self._until:
            self._ended = "It has repeated all of the original."
            return
        measured = self._loop.advance()
        if measured is not None:
            self._see(measured)
        if self._ended is None and not self._paused and time.monotonic() - self._kept > CHECKPOINT_S:
            self._store.save(self._loop, lasting=False)
            self._kept = time.monotonic()

    def _see(self, measured: Measured) -> None:
        """Tell watchers of an epoch, and see whether it was the last one for now."""
        loop, epoch = self._loop, measured.epoch
        if epoch > self._told:
            best = loop.best or (None, None)
            fields = {"epoch": epoch, "best_epoch": best[0], "best_value": best[1]}
            self._journal.epoch(measured.as_event(self._metric), fields, min(0.99, epoch / self._epochs))
            self._told = epoch
        if loop.diverged is not None:
            self._diverge(measured)
        elif self._until is not None:
            return
        elif epoch >= self._epochs:
            self._ended = f"It has learnt {epoch} epochs, as many as were asked for."
        elif loop.is_exhausted:
            self._ended = f"Early stopping: the last {loop.settings['patience']} epochs were no better."
        elif self._pause_at is not None and epoch >= self._pause_at:
            self._pause(f"It has learnt the epochs that were asked for, up to {epoch}.")

    def _diverge(self, measured: Measured) -> None:
        """Pause, say why, and offer the last good epoch at half the rate."""
        best = self._loop.best
        good = best[0] if best is not None else max(self._place.epoch, measured.epoch - 1)
        offer = {"epoch": good, "learning_rate": measured.learning_rate / 2}
        found = {"epoch": measured.epoch, "reason": self._loop.diverged, "fork": offer}
        message = f"{self._loop.diverged} Fork it after epoch {good}, at half the learning rate."
        self._pause(message, diverged=found)

    def _pause(self, message: str, command: LiveCommandRow | None = None, **fields: Any) -> None:
        self._journal.flush()
        if self._loop.diverged is None:
            self._store.save(self._loop, lasting=True)
        self._paused, self._pause_at = True, None
        self._steering.tell("paused", message, command, paused_at=now(), pause_at=None, **fields)

    def _listen(self) -> None:
        """Do what people said since, in order."""
        if time.monotonic() - self._listened < LISTEN_S:
            return
        self._listened = time.monotonic()
        for command in self._steering.waiting():
            if self._ended is None:
                self._do(command)
        if self._paused and self._ended is None:
            paused_at = self._steering.live().paused_at
            if paused_at is not None and now() - paused_at > PAUSE_ENDS:
                self._ended = "It stood paused for 24 hours, and was stopped."

    def _do(self, command: LiveCommandRow) -> None:
        who, kind = command.subject, command.kind
        if kind == "hyperparameters":
            self._journal.flush()
            self._steering.change(self._loop, command.body, who, command)
        elif kind == "stop":
            self._ended = f"{who} stopped it."
            self._steering.done(command)
        elif kind == "pause" and not self._paused:
            self._pause(f"{who} paused it.", command)
        elif kind == "pause" or self._loop.diverged is not None:
            self._steering.done(command)  # what it asks for is so, or no longer possible
        else:
            steps = command.body.get("epochs")
            self._pause_at = self._loop.position.epoch + int(steps) if steps is not None else None
            self._paused = False
            message = f"{who} lets it learn" + (f" {steps} epochs." if steps is not None else ".")
            self._steering.tell("running", message, command, paused_at=None, pause_at=self._pause_at)

    def _finish(self) -> dict[str, Any]:
        """Keep where it ended, and describe it."""
        loop, ended = self._loop, self._ended or ""
        if loop.diverged is None:
            self._store.save(loop, lasting=True)
        found: dict[str, Any] = {
            "epoch": loop.position.epoch,
            "metric": self._metric,
            "best": {"epoch": loop.best[0], "value": loop.best[1]} if loop.best else None,
            "changes": len(self._steering.changes()),
            "weights": loop.weights,
        }
        if self._until is not None and self._original is not None:
            found["replay"] = self._compare(self._original[1])
            ended = f"{ended} {found['replay']['message']}"
        self._log.say(ended)
        self._steering.tell("ended", ended, paused_at=None)
        return {"live": found}

    def _compare(self, original: LiveStore) -> dict[str, Any]:
        """Say whether a replay came to the same weights."""
        end = original.last(self._until)
        same = end is not None and end.weights == self._loop.weights
        message = "The weights are the same to the last bit." if same else "The weights differ."
        return {"of": original.run, "same": same, "weights": end.weights if end else None, "message": message}


def _place(live: LiveRunRow) -> Position:
    return Position(live.parent_epoch, live.parent_row) if live.parent else Position(0, 0)
