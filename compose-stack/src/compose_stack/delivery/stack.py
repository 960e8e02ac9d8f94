"""What Compose is told of a stage's environment when it runs other images than its tag says."""

from collections.abc import Mapping

from compose_stack.delivery.images import IMAGES, variable_of
from compose_stack.delivery.problems import Problem
from compose_stack.stack.layout import PLATFORM, Layout


def compose_environment(layout: Layout) -> Mapping[str, str]:
    """Return what the environment says but for images, which an environment file names exactly.

    What a stage's jobs take of the platform's images is what the platform runs.
    """
    said = {**layout.environment, "TAG": platform_tag(layout)}
    return {name: said[name] for name in said.keys() - {variable_of(image) for image in IMAGES} - {"STAGE"}}


def platform_tag(layout: Layout) -> str:
    """Return the tag that the platform runs: a deployment's `TAG` is that of a stage's services."""
    running = layout.running(PLATFORM)
    if not running.exists():
        raise Problem("The platform does not run here yet: make stack-up STAGE=… first.")
    return running.read_text().strip()
