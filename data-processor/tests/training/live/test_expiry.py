"""Checkpoints of live runs that ended long ago are deleted; what they learnt stays to be seen."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from data_processor.rows import LiveCheckpointRow, RunRow
from data_processor.service.database import now
from data_processor.service.errors import Conflict
from data_processor.settings import Settings
from data_processor.training.live.expiry import CheckpointExpiry


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    keys: Any = {"service_token": "t" * 16, "caller_key": "k" * 16, "signing_key": "s" * 16}
    return Settings(**keys, state_dir=tmp_path, live_runs_keep_days=30)


def ended(desk: Any, days_ago: int) -> str:
    """Return a run that ended so long ago, with what it left in the store."""
    run: str = desk.learnt(2)
    desk.store(run).put_terms({})
    desk.objects.put(f"live-runs/{run}/checkpoints/2-0.npz", b"weights", "application/octet-stream")
    with desk.database.transaction() as session:
        at = now() - timedelta(days=days_ago)
        session.execute(update(RunRow).where(RunRow.id == run).values(finished_at=at))
    return run


def stored(desk: Any, run: str) -> int:
    return len(list(desk.objects.listed(f"live-runs/{run}/")))


def test_what_ended_lately_stays(desk: Any, settings: Settings) -> None:
    run = ended(desk, 29)
    CheckpointExpiry(settings, desk.database, desk.objects).sweep()
    assert stored(desk, run) == 2
    assert len(desk.rows(LiveCheckpointRow)) == 1


def test_what_ended_long_ago_can_be_seen_and_no_longer_forked(desk: Any, settings: Settings) -> None:
    run = ended(desk, 31)
    CheckpointExpiry(settings, desk.database, desk.objects).sweep()
    assert stored(desk, run) == 0
    assert desk.rows(LiveCheckpointRow) == []
    assert desk.views.read(run).epoch == 2
    with pytest.raises(Conflict, match="its checkpoints are deleted"):
        desk.fork(run)
    with pytest.raises(Conflict, match="its checkpoints are deleted"):
        desk.runs.keep(run, None, "eve")


def test_what_an_open_fork_still_needs_stays(desk: Any, settings: Settings) -> None:
    run = ended(desk, 31)
    desk.fork(run, epoch=1)
    CheckpointExpiry(settings, desk.database, desk.objects).sweep()
    assert stored(desk, run) == 2


def test_what_somebody_is_about_to_keep_stays(desk: Any, settings: Settings) -> None:
    run = ended(desk, 31)
    desk.runs.keep(run, None, "eve")
    CheckpointExpiry(settings, desk.database, desk.objects).sweep()
    assert stored(desk, run) == 2
