from typing import Any

import pytest

from compose_stack.client import Client
from compose_stack.training import Step, describe_gate, follow


class Gateway(Client):
    """A gateway whose one run goes through the given states, one at each poll."""

    def __init__(self, states: list[dict[str, Any]]) -> None:
        super().__init__("http://gateway")
        self._states = states

    def run(self, run: str) -> Any:
        assert run == "r1"
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]


def running(step: str) -> dict[str, Any]:
    return {"status": "running", "step": step}


def test_each_step_is_told_when_it_is_over() -> None:
    told: list[Step] = []
    states = [
        {"status": "queued", "step": None},
        running("snapshot"),
        running("snapshot"),
        running("gate"),
        {"status": "succeeded", "step": "gate", "gate": {"verdict": "promote"}},
    ]
    with Gateway(states) as gateway:
        followed = follow(gateway, "r1", told.append, patience_s=10)
    assert [step.name for step in told] == ["queued", "snapshot", "gate"]
    assert followed.run["gate"] == {"verdict": "promote"}
    assert followed.seconds == pytest.approx(sum(step.seconds for step in told), abs=0.05)


def test_a_run_that_hangs_is_named_with_its_step() -> None:
    with (
        Gateway([running("search")]) as gateway,
        pytest.raises(TimeoutError, match="r1 is still running at step search"),
    ):
        follow(gateway, "r1", lambda _: None, patience_s=0.2)


def test_a_hold_says_how_many_rows_it_would_take() -> None:
    gate = {
        "verdict": "hold",
        "reason": "not proved",
        "slice": "recent",
        "metric": "accuracy",
        "champion": 0.71,
        "challenger": 0.74,
        "p_value": 0.2,
        "alpha": 0.025,
        "n": 105,
        "n_needed": 320,
    }
    said = describe_gate(gate)
    assert said.startswith("hold: not proved")
    assert "p 0.2 against alpha 0.025" in said
    assert "rows needed 320" in said
