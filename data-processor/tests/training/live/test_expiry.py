"""Checkpoints of live runs that ended long ago are deleted; what they learnt stays to be seen."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from data_processor.adapters.stores import open_report_store
from data_processor.rows import LiveCheckpointRow, RunRow
from data_processor.service.database import now
from data_processor.service.errors import Conflict
from data_processor.training.live.expiry import CheckpointExpiry


def sweep(live: Any, days: int = 30) -> None:
    settings = live.shop.settings.model_copy(update={"live_runs_keep_days": days})
    CheckpointExpiry(settings, live.shop.database, open_report_store(settings)).sweep()


def ended(live: Any, run: str, days_ago: int) -> None:
    with live.shop.database.transaction() as session:
        at = now() - timedelta(days=days_ago)
        session.execute(update(RunRow).where(RunRow.id == run).values(finished_at=at))


def stored(live: Any) -> list[Path]:
    folder = Path(live.shop.settings.report_store) / "live-runs"
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_ended_lately_stays(live: Any) -> None:
    run = live.learnt(epochs=1).id
    ended(live, run, 29)
    before = stored(live)
    sweep(live)
    assert stored(live) == before


def test_what_ended_long_ago_can_be_seen_and_no_longer_forked(live: Any) -> None:
    run = live.learnt(epochs=2).id
    ended(live, run, 31)
    sweep(live)
    assert stored(live) == []
    assert live.shop.rows(LiveCheckpointRow) == []
    assert live.views.curves(run, 500, 0).count == 2
    with pytest.raises(Conflict, match="its checkpoints are deleted"):
        live.fork(run)
    with pytest.raises(Conflict, match="its checkpoints are deleted"):
        live.runs.keep(run, None, "eve")


def test_what_an_open_fork_still_needs_stays(live: Any) -> None:
    run = live.learnt(epochs=2).id
    live.fork(run, epoch=1)
    ended(live, run, 31)
    before = stored(live)
    sweep(live)
    assert stored(live) == before
