"""What a deployment is told, read from the environment and from the stage's own file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from compose_stack.delivery.images import IMAGES, REFERENCE, variable_of
from compose_stack.delivery.problems import Problem
from compose_stack.delivery.signatures import GITHUB
from compose_stack.delivery.smoke import PublicFace

STAGES = ("staging", "main")
PULLS = ("always", "never")
TAG = re.compile(r"[\w][\w.\-]{0,127}")
LONGEST_WAIT_S = 3_600


@dataclass(frozen=True)
class DeploymentSettings:
    """One deployment to one stage."""

    stage: str
    images: Mapping[str, str]
    """For each image to change the reference that is asked for: a tag, which is settled once, or a digest.

    What is not in it stays what was deployed last.
    """
    pull: bool
    """Whether images come from a registry; else they are on this machine already."""
    signed_by: str | None
    """Who must have signed the images, as a regular expression; none: nobody is asked."""
    issuer: str
    wait_s: int
    """How long every container may take to become healthy."""
    patience_s: int
    """How long another deployment to the stage may take before this one gives up."""
    smoke_s: int
    """How long the public face may take to do its work after that."""
    face: PublicFace
    revision: str
    """Of the code that is deployed, for the record."""
    by: str
    """Who deploys, for the record."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], folder: Path) -> Self:
        """Read the settings; raise Problem with a sentence for what is missing or cannot be meant.

        `folder` is where the stages' files are: `<stage>.env` counts where the environment is silent.
        """
        stage = environment.get("STAGE", "")
        if stage not in STAGES:
            raise Problem(f"STAGE must be {' or '.join(STAGES)}, and is {stage!r}: make deploy STAGE=staging")
        values = {**_stage_file(folder / f"{stage}.env"), **{k: v for k, v in environment.items() if v}}
        pull = _choice(values, "PULL", PULLS) == "always"
        signed_by = values.get("SIGNED_BY") or None
        if signed_by and not pull:
            raise Problem(
                "SIGNED_BY asks for signatures, which are kept in a registry, and PULL=never asks none."
            )
        return cls(
            stage=stage,
            images={image: _reference(values, image, stage) for image in _only(values)},
            pull=pull,
            signed_by=signed_by,
            issuer=values.get("SIGNED_BY_ISSUER", GITHUB),
            patience_s=_seconds(values, "PATIENCE_SECONDS", 0),
            wait_s=_seconds(values, "WAIT_SECONDS", 300),
            smoke_s=_seconds(values, "SMOKE_SECONDS", 60),
            face=_face(values),
            revision=values.get("REVISION", "unknown"),
            by=values.get("DEPLOYED_BY") or values.get("USER", "unknown"),
        )


def _only(values: Mapping[str, str]) -> tuple[str, ...]:
    asked = values.get("ONLY", "").split()
    for image in asked:
        if image not in IMAGES:
            raise Problem(f"ONLY must name images of {', '.join(IMAGES)}, and has {image!r}.")
    return tuple(image for image in IMAGES if image in asked) or IMAGES


def _reference(values: Mapping[str, str], image: str, stage: str) -> str:
    name = variable_of(image)
    given = values.get(name)
    if given is None:
        tag = values.get("IMAGE_TAG", stage)
        if not TAG.fullmatch(tag):
            raise Problem(f"IMAGE_TAG must be a tag of an image, and is {tag!r}.")
        given = f"{values.get('IMAGE_REGISTRY', 'loopkeeper').rstrip('/')}/{image}:{tag}"
    if not REFERENCE.fullmatch(given):
        raise Problem(
            f"{name} must name an image, as in ghcr.io/loopkeeper/{image}:{stage}, and is {given!r}."
        )
    return given


def _face(values: Mapping[str, str]) -> PublicFace:
    authority = values.get("SMOKE_CA")
    return PublicFace(
        url=_url(values, "PUBLIC_URL"),
        authority=Path(authority) if authority else None,
        connect_to=values.get("SMOKE_CONNECT_TO"),
    )


def _url(values: Mapping[str, str], name: str) -> str:
    value = values.get(name, "").rstrip("/")
    if not re.fullmatch(r"https?://[\w.\-:\[\]]+", value):
        raise Problem(
            f"{name} must be the stage's address, like https://loopkeeper.example, and is {value!r}."
        )
    return value


def _choice(values: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = values.get(name, choices[0])
    if value not in choices:
        raise Problem(f"{name} must be {' or '.join(choices)}, and is {value!r}.")
    return value


def _seconds(values: Mapping[str, str], name: str, default: int) -> int:
    text = values.get(name, str(default))
    if not text.isdecimal() or int(text) > LONGEST_WAIT_S:
        raise Problem(f"{name} must be from 0 to {LONGEST_WAIT_S} seconds, and is {text!r}.")
    return int(text)


def _stage_file(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}
