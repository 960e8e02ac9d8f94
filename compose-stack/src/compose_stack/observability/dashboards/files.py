"""The files that Grafana reads: written from the code, and compared with it."""

from collections.abc import Callable
from pathlib import Path

from compose_stack.observability.dashboards.fleet import fleet
from compose_stack.observability.dashboards.frame import Board
from compose_stack.observability.dashboards.model import model
from compose_stack.observability.dashboards.platform import platform
from compose_stack.observability.dashboards.serving import serving
from compose_stack.observability.dashboards.training import training

BOARDS: tuple[Callable[[], Board], ...] = (fleet, model, serving, training, platform)


def texts() -> dict[str, str]:
    """Return what the file of each dashboard must say, by its name."""
    return {f"{make.__name__}.json": make().as_json() for make in BOARDS}


def write(folder: Path) -> None:
    """Write every file, and remove those of dashboards that are no more."""
    expected = texts()
    folder.mkdir(parents=True, exist_ok=True)
    for left in {path.name for path in folder.glob("*.json")} - set(expected):
        (folder / left).unlink()
    for name, text in expected.items():
        (folder / name).write_text(text)


def differing(folder: Path) -> list[str]:
    """Return the names of files that say something else than the code, are missing, or are nobody's."""
    expected = texts()
    found = {path.name: path.read_text() for path in folder.glob("*.json")}
    return sorted(name for name in expected | found if expected.get(name) != found.get(name))
