"""The images of a deployment: each reference resolved to one exact image."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from compose_stack.delivery.docker import Docker, Service
from compose_stack.delivery.problems import Problem
from compose_stack.delivery.signatures import Signatures

IMAGES = ("data-processor", "pipeline-api", "streamlit-ui")
"""What a deployment replaces; every other image of a stack is pinned in its files."""

REFERENCE = re.compile(r"[a-z0-9][\w.\-/:]*(@sha256:[0-9a-f]{64})?")
"""What may name an image: it is passed to commands and written into an environment file."""
DIGEST = "@sha256:"
ID_LENGTH = 32

Pins = Mapping[str, str]
"""For each of IMAGES, a reference that always means the same image."""


def variable_of(image: str) -> str:
    """Return the variable that names an image to the stack's files: `DATA_PROCESSOR_IMAGE`."""
    return f"{image.upper().replace('-', '_')}_IMAGE"


@dataclass(frozen=True)
class Registry:
    """Images from a registry: verified by signature, pulled, and pinned by digest."""

    docker: Docker
    signatures: Signatures | None

    def pin(self, reference: str) -> str:
        """Return `reference` as `name@sha256:…`, pulled and verified."""
        if DIGEST in reference:
            # Its signature is verified before a byte of it is fetched.
            self._verify(reference)
            self.docker.pull(reference)
            return reference
        # A tag may move at any time: it is resolved once, by pulling it, and never again.
        pinned = f"{without_tag(reference)}@{self.docker.pull(reference)}"
        self._verify(pinned)
        return pinned

    def _verify(self, pinned: str) -> None:
        if self.signatures is not None:
            self.signatures.verify(pinned)


@dataclass(frozen=True)
class Local:
    """Images that are already on this machine, as without internet: pinned by a tag with the image's id."""

    docker: Docker

    def pin(self, reference: str) -> str:
        """Return a name for the image that a later build will not take over."""
        image = self.docker.image_id(reference)
        if image is None:
            raise Problem(
                f"Image {reference} is not on this machine. Build or load it first, "
                "or name a registry, as in IMAGES=ghcr.io/loopkeeper."
            )
        return pin_by_id(self.docker, image, without_tag(reference))


def require_users(services: Mapping[str, Service], wanted: Pins) -> None:
    """Raise Problem if no service of the stack uses one of the images."""
    used = {service.image for service in services.values()}
    for image, reference in wanted.items():
        if reference not in used:
            raise Problem(f"No service of the stack uses the image in {variable_of(image)}.")


def pin_by_id(docker: Docker, image: str, name: str) -> str:
    """Tag an image with its own id, which also keeps it from being pruned; return that name."""
    pinned = f"{name}:id-{image.removeprefix('sha256:')[:ID_LENGTH]}"
    docker.tag(image, pinned)
    return pinned


def without_tag(reference: str) -> str:
    """Return a reference without its tag and digest; the port of a registry is not a tag."""
    name = reference.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"
