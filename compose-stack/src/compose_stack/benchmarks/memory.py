"""How much memory an instance uses: proportional set size, which counts each shared page only once."""

from dataclasses import dataclass

import psutil

from compose_stack.instance import Instance

MIB = 1024**2
STARTER = "make"
"""The command that a user types, which is not part of the platform."""
NAMES = {
    ("compose_stack.run",): "supervisor",
    ("streamlit-ui",): "streamlit-ui",
    ("pipeline-api", "serve"): "pipeline-api",
    ("data-processor", "work"): "data-processor work",
    ("data-processor", "serve"): "data-processor serve",
    ("serve.py",): "mlflow",
}


@dataclass(frozen=True)
class Share:
    """The memory of one process."""

    process: str
    mib: float


def shares(instance: Instance) -> list[Share]:
    """Return the memory of each process of the instance, largest first."""
    found: list[Share] = []
    for process in instance.processes():
        try:
            if process.name() == STARTER:
                continue
            found.append(Share(_name(process), process.memory_full_info().pss / MIB))
        except psutil.NoSuchProcess:
            continue
    return sorted(found, key=lambda share: -share.mib)


def _name(process: psutil.Process) -> str:
    command = process.cmdline()
    for words, name in NAMES.items():
        if all(any(part.endswith(word) for part in command) for word in words):
            return name
    return " ".join(command)[:60] or process.name()
