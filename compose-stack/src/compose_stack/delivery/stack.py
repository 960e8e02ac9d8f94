"""Which project and files make up a stage."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3]
"""Where Compose's files and the stages' are."""


def compose_arguments(stage: str, folder: Path = FOLDER) -> tuple[str, ...]:
    """Return what Compose must be told to mean this stage's containers."""
    return (
        "--project-name",
        f"loopkeeper-{stage}",
        "--file",
        str(folder / "compose.services.yaml"),
        "--env-file",
        str(folder / f"{stage}.env"),
    )
