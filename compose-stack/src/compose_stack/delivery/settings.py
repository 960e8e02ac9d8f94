"""The settings of a deployment, read from the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from compose_stack.delivery.images import IMAGES, REFERENCE, variable_of
from compose_stack.delivery.problems import Problem
from compose_stack.delivery.signatures import GITHUB
from compose_stack.stack.layout import Layout, Stage, stage_of

PULLS = ("always", "never")
TAG = re.compile(r"[\w][\w.\-]{0,127}")
REGISTRY = re.compile(r"[^/]*[.:][^/]*/.*|localhost/.*")
"""A name whose first part is a host belongs to a registry, as in Docker."""
LONGEST_WAIT_S = 3_600


@dataclass(frozen=True)
class DeploymentSettings:
    """One deployment to one stage."""

    stage: Stage
    images: Mapping[str, str]
    """The requested reference of each image to change: a tag, which is resolved once, or a digest.

    An image that is not in it stays as it was deployed last.
    """
    pull: bool
    """Whether images come from a registry; otherwise they are already on this machine."""
    signed_by: str | None
    """Who must have signed the images, as a regular expression; none: signatures are not verified."""
    issuer: str
    signed_branch: str | None
    """The branch that they must have been signed on, such as `refs/heads/main`; none: any."""
    wait_s: int
    """How long every container may take to become healthy."""
    patience_s: int
    """How long to wait for another deployment to the stage to finish."""
    smoke_s: int
    """How long the public face may take to answer correctly after that."""
    revision: str
    """Of the code that is deployed, for the record."""
    by: str
    """Who deploys, for the record."""

    @classmethod
    def from_environment(cls, layout: Layout) -> Self:
        """Read the settings; raise CannotStart for one that is missing or makes no sense."""
        values = {name: value for name, value in layout.environment.items() if value}
        stage = stage_of(values)
        prefix = layout.setting("IMAGES").rstrip("/")
        default = PULLS[0] if REGISTRY.fullmatch(f"{prefix}/") else PULLS[1]
        pull = _pull(values, default) == PULLS[0]
        signed_by = values.get("SIGNED_BY")
        if signed_by and not pull:
            raise Problem("SIGNED_BY needs a registry, where signatures are kept, but PULL=never uses none.")
        tag = values.get("TAG") or (stage if pull else layout.tag(stage))
        if not TAG.fullmatch(tag):
            raise Problem(f"TAG must be an image tag, not {tag!r}.")
        return cls(
            stage=stage,
            images={image: _reference(values, f"{prefix}/{image}:{tag}", image) for image in _only(values)},
            pull=pull,
            signed_by=signed_by,
            issuer=values.get("SIGNED_BY_ISSUER", GITHUB),
            signed_branch=values.get("SIGNED_BRANCH"),
            patience_s=_seconds(values, "PATIENCE_SECONDS", 0),
            wait_s=_seconds(values, "WAIT_SECONDS", 300),
            smoke_s=_seconds(values, "SMOKE_SECONDS", 420),
            revision=values.get("REVISION", tag),
            by=values.get("DEPLOYED_BY") or values.get("USER", "unknown"),
        )


def _only(values: Mapping[str, str]) -> tuple[str, ...]:
    asked = values.get("ONLY", "").split()
    for image in asked:
        if image not in IMAGES:
            raise Problem(f"ONLY may name {', '.join(IMAGES)}, not {image!r}.")
    return tuple(image for image in IMAGES if image in asked) or IMAGES


def _reference(values: Mapping[str, str], default: str, image: str) -> str:
    name = variable_of(image)
    reference = values.get(name, default)
    if not REFERENCE.fullmatch(reference):
        raise Problem(
            f"{name} must name an image, such as ghcr.io/loopkeeper/{image}:main, not {reference!r}."
        )
    return reference


def _pull(values: Mapping[str, str], default: str) -> str:
    value = values.get("PULL", default)
    if value not in PULLS:
        raise Problem(f"PULL must be {' or '.join(PULLS)}, not {value!r}.")
    return value


def _seconds(values: Mapping[str, str], name: str, default: int) -> int:
    text = values.get(name, str(default))
    if not text.isdecimal() or int(text) > LONGEST_WAIT_S:
        raise Problem(f"{name} must be a number of seconds from 0 to {LONGEST_WAIT_S}, not {text!r}.")
    return int(text)
