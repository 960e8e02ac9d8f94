"""How Compose is told which containers are a stage's, with other images than its tag says."""

from collections.abc import Mapping

from compose_stack.delivery.images import IMAGES, variable_of
from compose_stack.stack.layout import CONFIGURATION, PLATFORM, Layout, Stage


def compose_arguments(layout: Layout, stage: Stage) -> tuple[str, ...]:
    """Return the project's file and environment files, as `stack-up` has them."""
    files = (
        CONFIGURATION / "platform.env",
        layout.secrets(PLATFORM),
        CONFIGURATION / f"{stage}.env",
        layout.secrets(stage),
    )
    named = (part for path in files for part in ("--env-file", str(path)))
    read = (part for path in layout.files(stage) for part in ("--file", str(path)))
    return ("--progress", "quiet", *read, *named)


def compose_environment(layout: Layout) -> Mapping[str, str]:
    """Return what the environment says but for images, which an environment file names exactly.

    What a stage's jobs take of the platform's images is what the platform runs.
    """
    said = {**layout.environment, "TAG": layout.tag(PLATFORM, keep=True)}
    return {name: said[name] for name in said.keys() - {variable_of(image) for image in IMAGES} - {"STAGE"}}
