"""The environment of Compose for a stage whose images are named exactly, rather than by its tag."""

from collections.abc import Mapping

from compose_stack.delivery.images import IMAGES, variable_of
from compose_stack.delivery.problems import Problem
from compose_stack.stack.layout import PLATFORM, Layout


def compose_environment(layout: Layout) -> Mapping[str, str]:
    """Return the environment without images, which an environment file names exactly.

    The jobs of a stage use the platform's images as the platform runs them.
    """
    values = {**layout.environment, "TAG": platform_tag(layout)}
    return {
        name: values[name] for name in values.keys() - {variable_of(image) for image in IMAGES} - {"STAGE"}
    }


def platform_tag(layout: Layout) -> str:
    """Return the tag that the platform runs: the `TAG` of a deployment is for the stage's services."""
    running = layout.running(PLATFORM)
    if not running.exists():
        raise Problem("The platform has not been started here yet: run `make stack-up STAGE=…` first.")
    return running.read_text().strip()
