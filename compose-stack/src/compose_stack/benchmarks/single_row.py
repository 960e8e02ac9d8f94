"""Single-row predictions: ours through the gateway and the two peers, in turn, several times over."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from compose_stack.benchmarks.load import Job, Result

ROUNDS = 3
SECONDS, WARMUP_S = 4.0, 1.0
CONNECTIONS = (1, 8, 32)
OPEN_LOOP_CONNECTIONS = 32
OPEN_LOOP_SHARE = 0.5
"""Share of the rate that the closed loop reached: latencies when the machine is not saturated."""


class WrongAnswer(Exception):
    """A server under test did not answer as it should, or something was not measured."""


@dataclass
class Target:
    """One server under test."""

    name: str
    url: str
    headers: Mapping[str, str]
    bodies: Sequence[str]
    label_of: Callable[[Any], str]
    """The label in a decoded answer."""
    results: dict[int, list[Result]] = field(default_factory=dict)
    """By number of connections, one per round."""
    open_loop: list[Result] = field(default_factory=list)
    acknowledged: int = 0

    def median(self, connections: int, field_name: str) -> float:
        """Return the median over the rounds of one field of the results."""
        return statistics.median(float(getattr(r, field_name)) for r in self.results[connections])

    def measure(
        self,
        connections: int,
        expected: Sequence[str],
        rate: float | None = None,
        *,
        seconds: float = SECONDS,
        warmup_s: float = WARMUP_S,
    ) -> Result:
        """Run the load generator once; raise WrongAnswer unless all were 200 and the samples right."""
        job = Job(self.url, dict(self.headers), list(self.bodies), connections, seconds, warmup_s, rate)
        done = subprocess.run(
            [sys.executable, "-m", "compose_stack.benchmarks.load"],
            input=json.dumps(asdict(job)),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise WrongAnswer(f"{self.name} at {connections} connections: {done.stderr[-2000:]}")
        result = Result(**json.loads(done.stdout))
        self.acknowledged += result.acknowledged
        if result.failures:
            raise WrongAnswer(f"{self.name} at {connections} connections: {result.failures[:3]}")
        for body, answer in result.samples:
            label = self.label_of(json.loads(answer))
            if label != expected[body]:
                raise WrongAnswer(f"{self.name} answered row {body} with {label!r}, not {expected[body]!r}.")
        return result


def measure_all(targets: Sequence[Target], expected: Sequence[str], tell: Callable[[str], None]) -> None:
    """Measure every target at every number of connections, interleaved, round by round."""
    for turn in range(ROUNDS):
        for connections in CONNECTIONS:
            for target in targets:
                result = target.measure(connections, expected)
                target.results.setdefault(connections, []).append(result)
                tell(
                    f"round {turn + 1}, {connections:2} connections, {target.name}: "
                    f"{result.per_second:.0f}/s, p50 {result.p50:.2f} ms, p99 {result.p99:.2f} ms"
                )
    for target in targets:
        rate = OPEN_LOOP_SHARE * target.median(OPEN_LOOP_CONNECTIONS, "per_second")
        result = target.measure(OPEN_LOOP_CONNECTIONS, expected, rate)
        target.open_loop.append(result)
        tell(f"open loop at {rate:.0f}/s, {target.name}: p50 {result.p50:.2f} ms, p99 {result.p99:.2f} ms")
