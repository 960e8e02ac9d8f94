"""A fake Docker and cosign, without an engine or a registry, as far as a deployment can tell.

Tags move, digests do not, and a container is as healthy as its image.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

PROJECT = "stage"
NETWORKS = {"edge": f"{PROJECT}-edge", "inside": f"{PROJECT}-inside"}
"""Every service is on both; others find it on the first."""


@dataclass
class Made:
    """A container, and the reference of its image."""

    id: str
    service: str
    image: str
    state: str = "created"
    config: str = ""
    networks: dict[str, list[str]] = field(default_factory=dict)


class FakeDocker:
    """What is in a registry, on the machine and running; called in place of starting a program."""

    def __init__(self, services: Mapping[str, str]) -> None:
        """Know Compose's services by the variable that each takes its image from."""
        self.services = dict(services)
        self.registry: dict[str, str] = {}
        """Digest by reference with a tag."""
        self.images: dict[str, str] = {}
        """Id by reference; here an image's id is its digest."""
        self.made: dict[str, Made] = {}
        self.unhealthy: set[str] = set()
        self.signed: set[str] = set()
        self.calls: list[tuple[str, ...]] = []
        self._numbers = count(1)

    @property
    def running(self) -> dict[str, str]:
        """Reference of the image by service; of a service that runs two images at a time, any of them."""
        return {one.service: one.image for one in self.made.values() if one.state == "running"}

    def start(self, service: str, image: str) -> Made:
        """Have a container of a service run an image."""
        self._image(image)
        made = self._make(service, image)
        made.state = "running"
        return made

    def found(self, service: str) -> list[Made]:
        """The containers of a service that others are sent to."""
        return [
            one
            for one in self.made.values()
            if one.service == service and one.state == "running" and NETWORKS["edge"] in one.networks
        ]

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

    def _make(self, service: str, image: str) -> Made:
        number = next(self._numbers)
        names = {NETWORKS["edge"]: [service, f"{service}.{PROJECT}"], NETWORKS["inside"]: [service]}
        made = Made(f"{number:064x}", service, image, networks=names)
        self.made[made.id] = made
        return made

    def _cosign(self, pinned: str) -> str:
        if pinned not in self.signed:
            raise LookupError("no matching signatures")
        return "Verified OK"

    def _docker(self, arguments: list[str]) -> str:
        match arguments:
            case ["pull", reference]:
                return self._pull(reference)
            case ["image", "inspect", "--format", "{{.Id}}", reference]:
                return f"{self._image(reference)}\n"
            case ["ps", *_]:
                return "".join(f"{one}\n" for one in self.made)
            case ["inspect", *ids]:
                return json.dumps([self._told(self.made[one]) for one in ids])
            case ["network", change, *aliases, network, one]:
                self._network(change, self.made[one], network, aliases[1::2])
                return ""
        return self._do(arguments)

    def _image(self, reference: str) -> str:
        if reference not in self.images:
            raise LookupError(f"No such image: {reference}")
        return self.images[reference]

    def _network(self, change: str, one: Made, network: str, names: list[str]) -> None:
        if change == "connect":
            one.networks[network] = names
        else:
            del one.networks[network]

    def _do(self, arguments: list[str]) -> str:
        match arguments:
            case ["start" | "stop" as change, *ids]:
                for one in ids:
                    self.made[one].state = "running" if change == "start" else "exited"
            case ["tag", image, name]:
                self.images[name] = image
            case ["rm", "--force", "--volumes", *ids]:
                for one in ids:
                    del self.made[one]
            case _:
                raise LookupError(f"unknown command {arguments}")
        return ""

    def _pull(self, reference: str) -> str:
        name, _, digest = reference.partition("@")
        digest = digest or self.registry.get(reference, "")
        if not digest:
            raise LookupError(f"manifest for {reference} not found")
        self.images[f"{name.rpartition(':')[0] if '@' not in reference else name}@{digest}"] = digest
        return f"latest: Pulling\nDigest: {digest}\nStatus: Downloaded\n"

    def _told(self, one: Made) -> dict[str, Any]:
        ill = self.images[one.image] in self.unhealthy
        return {
            "Id": one.id,
            "Name": f"/{one.service}-{int(one.id, 16)}",
            "Image": self.images[one.image],
            "RestartCount": 0,
            "Config": {
                "Labels": {
                    "com.docker.compose.service": one.service,
                    "com.docker.compose.config-hash": one.config or f"made-from-{one.image}",
                }
            },
            "State": {
                "Status": one.state,
                "ExitCode": 0,
                "Health": {"Status": "unhealthy" if ill else "healthy"},
            },
            "NetworkSettings": {
                "Networks": {
                    name: {"Aliases": [*names, f"{one.service}-{int(one.id, 16)}"]}
                    for name, names in one.networks.items()
                }
            },
        }

    def _compose(self, arguments: list[str]) -> str:
        values: dict[str, str] = {}
        while arguments[0].startswith("--"):
            option, value, *arguments = arguments
            if option == "--env-file":
                lines = (line.partition("=") for line in Path(value).read_text().splitlines())
                values |= {name: text for name, _, text in lines}
        wanted = {service: values[variable] for service, variable in self.services.items()}
        match arguments:
            case ["config", "--hash", "*"]:
                return "".join(f"{name} made-from-{image}\n" for name, image in wanted.items())
            case ["config", *_]:
                return json.dumps(self._config(wanted))
            case ["create", *_, "--scale", scale, name]:
                there = [one for one in self.made.values() if one.service == name]
                for _ in range(int(scale.partition("=")[2]) - len(there)):
                    self._make(name, wanted[name])
            case ["up", "--detach", *_]:
                self._up(wanted)
            case ["stop", *names]:
                self._do(["stop", *(one.id for one in self.made.values() if one.service in names)])
            case ["logs", *_]:
                return "a line of its log\n"
        return ""

    def _config(self, wanted: dict[str, str]) -> dict[str, Any]:
        on = dict.fromkeys(NETWORKS)
        services: dict[str, Any] = {name: {"image": image, "networks": on} for name, image in wanted.items()}
        services["databases"] = {"image": "postgres:1", "restart": "no"}
        named = {key: {"name": name} for key, name in NETWORKS.items()}
        return {"name": PROJECT, "services": services, "networks": named}

    def _up(self, wanted: dict[str, str]) -> None:
        for name, image in wanted.items():
            if self.images[self.start(name, image).image] in self.unhealthy:
                raise LookupError(f"container {name}-1 is unhealthy")
