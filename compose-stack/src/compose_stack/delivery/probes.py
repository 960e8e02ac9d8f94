"""Ask one container of a stage whether it does its work, before anybody is sent to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from compose_stack.delivery.containers import Container
from compose_stack.delivery.docker import Docker
from compose_stack.delivery.problems import CommandFailed, Problem

PATIENCE_S = 60
SCRIPT = r"""
ask() {
  exec 3<>"/dev/tcp/127.0.0.1/$1" || return
  printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3
  read -r -t 10 line <&3 || line="nothing within 10 s"
  [[ $line == HTTP/1.*" $3 "* ]]
}
while line="no connection"; ! ask "$1" "$2" "$3" 2>/dev/null; do
  if ((SECONDS >= $4)); then printf '%s\n' "${line%$'\r'}" >&2; exit 1; fi
  sleep 0.5
done
"""
"""Bash alone: what is asked needs no program for it, and neither does the image that asks."""


@dataclass(frozen=True)
class Question:
    """A path of a service, and the status of a good answer."""

    port: int
    path: str
    status: int = 200


QUESTIONS: Mapping[str, tuple[Question, ...]] = {
    "serve": (Question(8001, "/readyz"),),
    "work": (Question(8002, "/healthz"),),
    "pipeline-api": (Question(8000, "/readyz"), Question(8000, "/v1/models", 401)),
    "streamlit-ui": (Question(8501, "/_stcore/health"), Question(8501, "/")),
}


@dataclass(frozen=True)
class Asking:
    """Put a service's questions to a container, from within its own network: no other can answer for it."""

    docker: Docker
    image: str
    """One with bash, which is on this machine: the edge's."""
    questions: Mapping[str, tuple[Question, ...]] = field(default_factory=lambda: QUESTIONS)
    patience_s: int = PATIENCE_S

    def __call__(self, container: Container) -> None:
        """Return if the answers are good; raise Problem with the one that was not."""
        for question in self.questions.get(container.service, ()):
            isolated = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--pull=never")
            told = (str(question.port), question.path, str(question.status), str(self.patience_s))
            where = ("--network", f"container:{container.id}", "--entrypoint", "bash", self.image)
            try:
                self.docker.run("run", "--rm", *isolated, *where, "-c", SCRIPT, "bash", *told)
            except CommandFailed as error:
                raise Problem(
                    f"Container {container.name} does not answer {question.path} with {question.status}: "
                    f"{error.said}"
                ) from error
