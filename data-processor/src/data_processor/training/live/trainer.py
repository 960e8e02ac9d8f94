"""Trains a live run: takes it up where it stood, does what people say, and keeps what is needed to repeat it.

    batch ─▶ batch ─▶ … ─▶ epoch measured ─▶ journal ─▶ events
      ▲ between two batches, what people said is done, in order
      └ before a change of hyperparameters: checkpoint, then event and change in one transaction

After a crash it goes back to the last checkpoint and learns from there on to the same numbers; watchers are
not told again what they know.
"""

import time
from typing import Any

from data_processor.rows import LiveCheckpointRow, LiveCommandRow, LiveRunRow
from data_processor.runs.events import RunLog
from data_processor.service.database import now
from data_processor.training.live.history import Again, Script, go_to, seen_before, since
from data_processor.training.live.journal import Journal
from data_processor.training.live.loop import Measured, Position, TrainingLoop
from data_processor.training.live.service import PAUSE_ENDS
from data_processor.training.live.steering import Steering
from data_processor.training.live.store import LiveStore

LISTEN_S = 0.2
"""Seconds between two looks for what people said."""
CHECKPOINT_S = 10.0
"""Seconds of learning between two checkpoints that no change asks for: more if they take long."""
MOST_OF_TIME = 0.05
"""The share of the time that they may take."""


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
        self._stop: LiveCommandRow | None = None
        """What somebody said that ended it."""
        self._end: LiveCheckpointRow | None = None
        """Where a replay ends: the last that is known of the original."""
        self._listened, self._kept, self._pace_s = 0.0, time.monotonic(), CHECKPOINT_S

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
        own = self._steering.changes()
        again: list[Again] = []
        if self._store.restore(self._loop):
            again = since(own, self._loop.position, known=True)
            if live.state != "ended":
                self._say_resumed(live)
        else:
            if self._original is not None:
                self._fork(live)
            self._store.save(self._loop, lasting=True)
        if live.replay and self._original is not None:
            steering, store = self._original
            # Before its changes are read: those up to there are known by then.
            self._end = store.last(self._loop.position if live.state == "ended" else None)
            _, later = seen_before(steering.changes(), self._place, live.parent_change)
            again += since(later[len(own) :], self._place, known=False)
        self._script = Script(again)
        if live.state == "ended":
            self._ended = live.why or ""
            return
        self._follow_script()
        if live.diverged is not None:
            self._loop.diverged = live.diverged["reason"]
        if not self._paused:
            self._steering.tell("running", "It learns.")
            self._judge()

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
            + (again if live.epoch > epoch and live.diverged is None else ""),
            "warning",
        )

    def _follow_script(self) -> None:
        """Make the changes again that were made where the loop stands."""
        for change in self._script.due(self._loop.position):
            if change.known:
                self._loop.change(change.values)
            else:
                self._journal.flush()
                self._steering.change(self._loop, change.values, change.subject)

    def _advance(self) -> None:
        """Learn from a batch, and see what follows."""
        measured = self._loop.advance()
        if measured is not None:
            self._tell(measured)
        if self._loop.diverged is None:
            self._follow_script()
            self._judge()
        elif measured is not None:
            self._diverge(measured)
        if self._ended is None and not self._paused and time.monotonic() - self._kept > self._pace_s:
            began = time.monotonic()
            self._store.save(self._loop, lasting=False)
            self._kept = time.monotonic()
            self._pace_s = max(CHECKPOINT_S, (self._kept - began) / MOST_OF_TIME)

    def _tell(self, measured: Measured) -> None:
        """Tell watchers of an epoch, unless they know it."""
        epoch, best = measured.epoch, self._loop.best or (None, None)
        if epoch > self._told:
            fields = {"epoch": epoch, "best_epoch": best[0], "best_value": best[1]}
            self._journal.epoch(measured.as_event(self._metric), fields, min(0.99, epoch / self._epochs))
            self._told = epoch

    def _judge(self) -> None:
        """See whether the place where the loop stands is the last one, at all or for now."""
        loop, end, epoch = self._loop, self._end, self._loop.position.epoch
        if end is not None:
            if loop.position >= (end.epoch, end.row):
                self._ended = "It has repeated all of the original."
        elif epoch >= self._epochs:
            self._ended = f"It has learnt {epoch} epochs, as many as were asked for."
        elif loop.is_exhausted:
            self._ended = f"Early stopping: the last {loop.settings['patience']} epochs were no better."
        if self._ended is None and self._pause_at is not None and epoch >= self._pause_at:
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
        who, kind, diverged = command.subject, command.kind, self._loop.diverged
        if kind == "hyperparameters" and diverged is not None:
            self._steering.refuse(command, diverged)
        elif kind == "hyperparameters":
            self._journal.flush()
            self._steering.change(self._loop, command.body, who, command)
        elif kind == "stop":
            self._ended, self._stop = f"{who} stopped it.", command
        elif kind == "pause" and not self._paused:
            self._pause(f"{who} paused it.", command)
        elif kind == "pause" or diverged is not None:
            self._steering.done(command)  # what it asks for is so, or no longer possible
        else:
            steps = command.body.get("epochs")
            self._pause_at = self._loop.position.epoch + int(steps) if steps is not None else None
            self._paused = False
            message = f"{who} lets it learn" + (f" {steps} epochs." if steps is not None else ".")
            self._steering.tell("running", message, command, paused_at=None, pause_at=self._pause_at)

    def _finish(self) -> dict[str, Any]:
        """Keep where it ended, and describe it."""
        loop, live, ended = self._loop, self._steering.live(), self._ended or ""
        best = {"epoch": live.best_epoch, "value": live.best_value} if live.best_epoch is not None else None
        found: dict[str, Any] = {
            "epoch": live.epoch,
            "metric": self._metric,
            "best": best,
            "changes": len(self._steering.changes()),
            "weights": loop.weights,
        }
        end, original = self._end, self._original
        if end is not None and original is not None and loop.position == (end.epoch, end.row):
            found["replay"] = _compared(original[1].run, end.weights, loop.weights)
            ended = f"{ended} {found['replay']['message']}"
        if live.state != "ended":
            if loop.diverged is None:
                self._store.save(loop, lasting=True)
            self._steering.tell("ended", ended, self._stop, paused_at=None)
        return {"live": found}


def _compared(original: str, wanted: str, weights: str) -> dict[str, Any]:
    """Say whether a replay came to the same weights."""
    same = wanted == weights
    message = "The weights are the same to the last bit." if same else "The weights differ."
    return {"of": original, "same": same, "weights": wanted, "message": message}


def _place(live: LiveRunRow) -> Position:
    return Position(live.parent_epoch, live.parent_row) if live.parent else Position(0, 0)
