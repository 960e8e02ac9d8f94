"""What the figures were measured on."""

import platform
from pathlib import Path

import psutil

GIB = 1024**3


def describe() -> str:
    """Return one line about this machine."""
    cores = psutil.cpu_count()
    memory = psutil.virtual_memory().total / GIB
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{_processor()}, {cores} cores, {memory:.0f} GiB memory, {system}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
