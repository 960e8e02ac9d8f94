"""What telemetry costs on the request path: two instances, one of which exports traces and logs, in turn."""

import contextlib
import http.server
import math
import shutil
import statistics
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from compose_stack.benchmarks.single_row import Target
from compose_stack.instance import Instance

PAIRS = 40
"""Many short ones: what else a machine does changes within seconds, and so lengthens both of a pair alike."""
SECONDS, WARMUP_S = 1.5, 0.25
CONNECTIONS = 8
T_95 = 2.023
"""Student's t for an interval of 95 % over `PAIRS` pairs."""
ON_THE_PATH = (("pipeline-api", "serve"), ("data-processor", "serve"))


@dataclass(frozen=True)
class Ratio:
    """How much more something takes with telemetry: geometric mean over the pairs, with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Cost:
    """What a request takes with telemetry, against without."""

    time: Ratio
    """From sending a request to its answer."""
    cpu: Ratio
    """Of the gateway and `serve` together, which no other load on the machine lengthens."""


@contextlib.contextmanager
def observed(instance: Instance, folder: Path) -> Iterator[Instance]:
    """Start the twin of a stopped instance, which exports as it does by default: a share of the traces."""
    state_dir = folder / "observed"
    shutil.copytree(instance.state_dir, state_dir)
    with _collector() as endpoint, Instance(state_dir, {"OTLP_ENDPOINT": endpoint}) as twin:
        yield twin


def measure(
    without: tuple[Instance, Target],
    with_it: tuple[Instance, Target],
    expected: Sequence[str],
    tell: Callable[[str], None],
) -> Cost:
    """Ask both in turn, the first one of a pair being the other one each time."""
    times: list[float] = []
    cpus: list[float] = []
    for turn in range(PAIRS):
        order = (without, with_it) if turn % 2 else (with_it, without)
        found = {id(one): _per_request(*one, expected) for one in order}
        (time_off, cpu_off), (time_on, cpu_on) = found[id(without)], found[id(with_it)]
        times.append(time_on / time_off)
        cpus.append(cpu_on / cpu_off)
        tell(f"pair {turn + 1}, with telemetry against without: time {times[-1]:.3f}, CPU {cpus[-1]:.3f}")
    return Cost(ratio(times), ratio(cpus))


def ratio(pairs: Sequence[float]) -> Ratio:
    """Return the geometric mean of ratios and its interval, from `PAIRS` of them."""
    logs = [math.log(one) for one in pairs]
    mean, half = statistics.fmean(logs), T_95 * statistics.stdev(logs) / math.sqrt(len(logs))
    return Ratio(math.exp(mean), math.exp(mean - half), math.exp(mean + half))


def _per_request(instance: Instance, target: Target, expected: Sequence[str]) -> tuple[float, float]:
    """Return the seconds and the seconds of CPU that a request takes."""
    processes = [instance.process(*words) for words in ON_THE_PATH]
    before = sum(_cpu(process) for process in processes)
    result = target.measure(CONNECTIONS, expected, seconds=SECONDS, warmup_s=WARMUP_S)
    used = sum(_cpu(process) for process in processes) - before
    return CONNECTIONS / result.per_second, used / result.acknowledged


def _cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return used.user + used.system


@contextlib.contextmanager
def _collector() -> Iterator[str]:
    """Receive what is exported, and drop it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
