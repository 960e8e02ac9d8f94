"""A backup of a stack that is used, and an empty stack that it is restored into."""

from pathlib import Path

import pytest

from compose_stack.delivery.stages import down, up
from compose_stack.settings import CannotStart
from compose_stack.stack.backup import backup, restore
from compose_stack.stack.journey import travel
from compose_stack.stack.layout import PLATFORM, STAGES, Layout
from compose_stack.traffic import MODEL, Labelled
from stack.conftest import Stack
from stack.load import Load

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1200)]


def test_a_backup_brings_everything_back_into_an_empty_stack(
    stack: Stack, rows: list[Labelled], tmp_path: Path
) -> None:
    travelled = {stage: travel(stack.layout, stack.platform, stage, rows[:5]) for stage in STAGES}
    with Load(stack, "main", rows) as load:
        load.wait_for(20)
        backup(stack.layout, tmp_path / "backup", print)
    assert load.failed == []
    with pytest.raises(CannotStart, match="is not empty: a backup can only be restored into an empty stack"):
        restore(stack.layout, tmp_path / "backup", print)

    tag = stack.layout.tag(PLATFORM, keep=True)
    down(stack.layout, None, print, volumes=True)
    stack.layout.built().write_text(tag)
    restore(stack.layout, tmp_path / "backup", print)
    twice = Stack(Layout(stack.layout.state, {**stack.layout.environment, "SCALE": "serve=2 pipeline-api=2"}))
    for stage in STAGES:
        up(twice.layout, stage, print)
        assert [stack.replicas(stage, service) for service in ("serve", "pipeline-api", "work")] == [2, 2, 1]
        with stack.sign_in(stage) as admin:
            for prediction in travelled[stage].predictions:
                found = admin.prediction(prediction)
                assert found["version"] == travelled[stage].version
                assert found["feedback"]
            assert admin.score(MODEL)["n"] == travelled[stage].feedback
            answer = admin.predict(MODEL, [row.inputs for row in rows[:2]])
            assert answer["version"] == travelled[stage].version
