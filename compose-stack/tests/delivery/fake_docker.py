"""A docker and a cosign without an engine or a registry, as far as a deployment can tell.

Tags move, digests do not, and `up` fails when an image is unhealthy, which it leaves running.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


class FakeDocker:
    """What is in a registry, on the machine and running; called in place of starting a program."""

    def __init__(self, services: Mapping[str, str]) -> None:
        """Know Compose's services by the variable that each takes its image from."""
        self.services = dict(services)
        self.registry: dict[str, str] = {}
        """Digest by reference with a tag."""
        self.images: dict[str, str] = {}
        """Id by reference; here an image's id is its digest."""
        self.running: dict[str, str] = {}
        """Reference by service."""
        self.unhealthy: set[str] = set()
        self.signed: set[str] = set()
        self.calls: list[tuple[str, ...]] = []

    def __call__(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        self.calls.append(tuple(command))
        try:
            match list(command):
                case ["docker", "compose", *arguments]:
                    answer = self._compose(arguments)
                case ["docker", *arguments]:
                    answer = self._docker(arguments)
                case [*_, pinned]:
                    answer = self._cosign(pinned)
        except LookupError as error:
            return subprocess.CompletedProcess(command, 1, "", f"Error: {error.args[0]}\n")
        return subprocess.CompletedProcess(command, 0, answer, "")

    def _cosign(self, pinned: str) -> str:
        if pinned not in self.signed:
            raise LookupError("no matching signatures")
        return "Verified OK"

    def _docker(self, arguments: list[str]) -> str:
        match arguments:
            case ["pull", reference]:
                name, _, digest = reference.partition("@")
                digest = digest or self.registry.get(reference, "")
                if not digest:
                    raise LookupError(f"manifest for {reference} not found")
                self.images[f"{name.rpartition(':')[0] if '@' not in reference else name}@{digest}"] = digest
                return f"latest: Pulling\nDigest: {digest}\nStatus: Downloaded\n"
            case ["image", "inspect", "--format", "{{.Id}}", reference]:
                if reference not in self.images:
                    raise LookupError(f"No such image: {reference}")
                return f"{self.images[reference]}\n"
            case ["tag", image, name]:
                self.images[name] = image
                return ""
            case ["inspect", "--format", "{{.Image}}", container]:
                return f"{self.images[self.running[container]]}\n"
        raise LookupError(f"unknown command {arguments}")

    def _compose(self, arguments: list[str]) -> str:
        values: dict[str, str] = {}
        while arguments[0].startswith("--"):
            option, value, *arguments = arguments
            if option == "--env-file":
                lines = (line.partition("=") for line in Path(value).read_text().splitlines())
                values |= {name: text for name, _, text in lines}
        wanted = {service: values[variable] for service, variable in self.services.items()}
        match arguments:
            case ["config", *_]:
                services = {name: {"image": image} for name, image in wanted.items()}
                return json.dumps({"services": {**services, "s3": {"image": "s3:1"}, "built": {}}})
            case ["up", *_]:
                self._up(wanted)
            case ["stop", *names]:
                self.running = {name: image for name, image in self.running.items() if name not in names}
            case ["ps", "--quiet", name]:
                return f"{name}\n" if name in self.running else ""
            case ["logs", *_]:
                return "a line of its log\n"
        return ""

    def _up(self, wanted: dict[str, str]) -> None:
        self.running = wanted
        for service, reference in wanted.items():
            if reference not in self.images:
                raise LookupError(f"No such image: {reference}")
            if self.images[reference] in self.unhealthy:
                raise LookupError(f"container {service}-1 is unhealthy")
