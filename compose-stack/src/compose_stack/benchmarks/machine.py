"""The machine that the figures were measured on."""

import platform
import time
from pathlib import Path

import psutil

GIB = 1024**3
ADDITIONS = 10_000_000


def describe() -> str:
    """Return one line about this machine."""
    cores = psutil.cpu_count()
    memory = psutil.virtual_memory().total / GIB
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{_processor()}, {cores} cores, {memory:.0f} GiB memory, {system}"


def loop_seconds() -> float:
    """Return how long one core needs for ten million additions in a Python loop.

    A machine that shares its cores is not always equally fast: with this, figures from different days can be
    compared.
    """
    began, total = time.perf_counter(), 0
    for number in range(ADDITIONS):
        total += number
    return time.perf_counter() - began


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
