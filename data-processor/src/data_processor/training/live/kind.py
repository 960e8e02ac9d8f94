"""Live runs as a kind of background work: on a queue of their own, never in the way of retraining."""

from sqlalchemy.orm import Session

from data_processor.rows import LiveRunRow, RunRow
from data_processor.runs.jobs import PROMPT_S, Work
from data_processor.training.live.repository import KIND, refuse_waiting


class Learning(Work):
    """What is special about live runs: whatever ends them, nobody waits for them any more."""

    poll_s = PROMPT_S

    def __init__(self, live_runs: int) -> None:
        """Let so many learn at once."""
        super().__init__(KIND, {"load": 0.01, "train": 1.0}, limits={"worker_concurrency": live_runs})

    def close(self, session: Session, row: RunRow) -> None:
        """Note that the run has ended, and refuse what was asked of it too late."""
        live = session.get(LiveRunRow, row.id)
        if live is not None:
            live.state, live.paused_at = "ended", None
            refuse_waiting(session, row.id)
