"""Readiness probes: whether one container of a stage does its work, before any request is routed to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from compose_stack.delivery.containers import Container
from compose_stack.delivery.docker import Docker
from compose_stack.delivery.problems import CommandFailed, Problem

PATIENCE_S = 60
SCRIPT = r"""
probe() {
  exec 3<>"/dev/tcp/127.0.0.1/$1" || return
  printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3
  read -r -t 10 line <&3 || line="nothing within 10 s"
  [[ $line == HTTP/1.*" $3 "* ]]
}
while line="no connection"; ! probe "$1" "$2" "$3" 2>/dev/null; do
  if ((SECONDS >= $4)); then printf '%s\n' "${line%$'\r'}" >&2; exit 1; fi
  sleep 0.5
done
"""
"""Plain Bash: neither the container that is probed nor the image that probes needs another program."""


@dataclass(frozen=True)
class Probe:
    """A path of a service, and the status of a good answer."""

    port: int
    path: str
    status: int = 200


PROBES: Mapping[str, tuple[Probe, ...]] = {
    "serve": (Probe(8001, "/readyz"),),
    "work": (Probe(8002, "/healthz"),),
    "pipeline-api": (Probe(8000, "/readyz"), Probe(8000, "/v1/models", 401)),
    "streamlit-ui": (Probe(8501, "/_stcore/health"), Probe(8501, "/")),
}


@dataclass(frozen=True)
class Prober:
    """Send a service's probes from inside a container's own network, where no other container can answer."""

    docker: Docker
    image: str
    """An image with Bash that is already on this machine: the edge's."""
    probes: Mapping[str, tuple[Probe, ...]] = field(default_factory=lambda: PROBES)
    patience_s: int = PATIENCE_S

    def __call__(self, container: Container) -> None:
        """Return if every answer is good; raise Problem with the first that is not."""
        for probe in self.probes.get(container.service, ()):
            isolated = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--pull=never")
            arguments = (str(probe.port), probe.path, str(probe.status), str(self.patience_s))
            where = ("--network", f"container:{container.id}", "--entrypoint", "bash", self.image)
            try:
                self.docker.run("run", "--rm", *isolated, *where, "-c", SCRIPT, "bash", *arguments)
            except CommandFailed as error:
                raise Problem(
                    f"Container {container.name} does not answer {probe.path} with {probe.status}: "
                    f"{error.output}"
                ) from error
