"""The images of a deployment: what was asked for, and the one exact image that it means."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from compose_stack.delivery.docker import Docker, Service
from compose_stack.delivery.problems import Problem
from compose_stack.delivery.signatures import Signatures

IMAGES = ("data-processor", "pipeline-api", "streamlit-ui")
"""What a deployment replaces; everything else of a stack is pinned in its files."""

REFERENCE = re.compile(r"[a-z0-9][\w.\-/:]*(@sha256:[0-9a-f]{64})?")
"""What may name an image: it becomes an argument of commands and a line of an environment file."""
DIGEST = "@sha256:"
ID_LENGTH = 32

Pins = Mapping[str, str]
"""For each of IMAGES a reference that means the same image for ever."""


def variable_of(image: str) -> str:
    """Return the variable by which the stack's files are told an image: `DATA_PROCESSOR_IMAGE`."""
    return f"{image.upper().replace('-', '_')}_IMAGE"


@dataclass(frozen=True)
class Registry:
    """Images come from a registry: checked for who signed them, pulled, and pinned by digest."""

    docker: Docker
    signatures: Signatures | None

    def pin(self, reference: str) -> str:
        """Return `reference` as `name@sha256:…`, pulled and verified."""
        if DIGEST in reference:
            # Who made it is known before a byte of it is fetched.
            self._verify(reference)
            self.docker.pull(reference)
            return reference
        # A tag may move at any moment: what it means is settled once, by pulling it, and not asked again.
        pinned = f"{without_tag(reference)}@{self.docker.pull(reference)}"
        self._verify(pinned)
        return pinned

    def _verify(self, pinned: str) -> None:
        if self.signatures is not None:
            self.signatures.verify(pinned)


@dataclass(frozen=True)
class Local:
    """Images are on this machine already, as without internet: pinned by a tag with the image's id."""

    docker: Docker

    def pin(self, reference: str) -> str:
        """Return a name of the image that a later build does not take away."""
        image = self.docker.image_id(reference)
        if image is None:
            raise Problem(
                f"There is no image {reference} on this machine. Build or load it first, "
                "or name a registry, as in IMAGES=ghcr.io/loopkeeper."
            )
        return pin_by_id(self.docker, image, without_tag(reference))


def require_takers(services: Mapping[str, Service], wanted: Pins) -> None:
    """Raise Problem when an image would be deployed that no service of the stack takes."""
    taken = {service.image for service in services.values()}
    for image, reference in wanted.items():
        if reference not in taken:
            raise Problem(f"No service of the stack takes its image from {variable_of(image)}.")


def pin_by_id(docker: Docker, image: str, name: str) -> str:
    """Tag an image by its own id, which also keeps it from being pruned, and return that name."""
    pinned = f"{name}:id-{image.removeprefix('sha256:')[:ID_LENGTH]}"
    docker.tag(image, pinned)
    return pinned


def without_tag(reference: str) -> str:
    """Return a reference without tag and digest; a registry's port is no tag."""
    name = reference.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"
