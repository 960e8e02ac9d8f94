"""Hard limits of a child process: it sets them before its first task, and the kernel holds it to them."""

import os
import re
import resource
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = {"ARROW_DEFAULT_MEMORY_POOL": "system"}
"""Arrow's own allocator takes a gigabyte at once, to use it later, and all of that counts."""
_STATUS = Path("/proc/self/status")
_DATA = re.compile(r"^VmData:\s+(\d+) kB$", re.MULTILINE)
_STACK_BYTES = 8 * 1024 * 1024
_GRACE_S = 5
"""Seconds of computing from the signal that ends a process to the one that cannot be caught."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may take beyond what its imports took."""

    memory_bytes: int
    computing_s: int
    """Seconds of all its cores together."""

    def hold(self) -> None:
        """Hold this process to the limits: then memory it asks for is refused, and SIGXCPU ends it."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        computing_s = int(used.ru_utime + used.ru_stime) + 1 + self.computing_s
        resource.setrlimit(resource.RLIMIT_CPU, (computing_s, computing_s + _GRACE_S))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if _STATUS.exists():  # Linux, which counts what is written to, not what is only reserved
            threads = 2 * (os.cpu_count() or 1) + 8
            taken = _DATA.search(_STATUS.read_text())
            if taken:
                most = int(taken[1]) * 1024 + threads * _STACK_BYTES + self.memory_bytes
                resource.setrlimit(resource.RLIMIT_DATA, (most, most))
