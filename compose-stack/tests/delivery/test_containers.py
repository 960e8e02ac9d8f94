"""What is made of what the engine says of a container."""

import json
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest

from compose_stack.delivery.containers import Container, Containers
from compose_stack.delivery.docker import Docker
from compose_stack.delivery.problems import Problem


def inspection(**state: Any) -> dict[str, Any]:
    """What `docker inspect` says, as far as it is read."""
    restarts = state.pop("restarts", 0)
    return {
        "Id": "0123456789abcdef",
        "Name": "/stage-serve-2",
        "Image": "sha256:0",
        "RestartCount": restarts,
        "Config": {"Labels": {"com.docker.compose.service": "serve"}},
        "State": {"Status": "running", "ExitCode": 0, **state},
        "NetworkSettings": {
            "Networks": {
                "database": {"Aliases": ["stage-serve-2", "serve", "0123456789ab"]},
                "inside": {"Aliases": ["stage-serve-2", "serve", "data-processor", "0123456789ab"]},
                "bridge": {"Aliases": None},
            }
        },
    }


def wait(*seen: dict[str, Any], patience_s: float = 60) -> None:
    """Wait for a container that is seen in one state after the other."""
    states = list(seen)

    def start(call: Sequence[str]) -> subprocess.CompletedProcess[str]:
        said = states.pop(0) if len(states) > 1 else states[0]
        return subprocess.CompletedProcess(call, 0, json.dumps([said]), "")

    one = Container.from_inspection(seen[0])
    Containers(Docker(start=start), "stage").wait_until_healthy([one], patience_s, sleep=lambda _: None)


def test_others_find_a_container_where_it_has_a_name_that_is_not_its_own() -> None:
    assert set(Container.from_inspection(inspection()).found_on()) == {"inside"}


def test_it_is_waited_for_as_long_as_it_starts() -> None:
    starting = inspection(Health={"Status": "starting"})
    wait(
        starting,
        inspection(Status="restarting", restarts=1),
        starting,
        inspection(Health={"Status": "healthy"}),
    )


def test_one_without_a_health_check_is_healthy_as_soon_as_it_runs() -> None:
    wait(inspection(Status="created"), inspection())


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (inspection(Status="exited", ExitCode=3), "Container stage-serve-2 ended with exit code 3"),
        (
            inspection(Status="restarting", ExitCode=1, restarts=3),
            "ended 3 times, most recently with exit code 1",
        ),
        (inspection(Health={"Status": "unhealthy"}), "Container stage-serve-2 is unhealthy"),
    ],
)
def test_one_that_is_broken_is_not_waited_for(seen: dict[str, Any], said: str) -> None:
    with pytest.raises(Problem, match=said):
        wait(seen)


def test_patience_ends() -> None:
    with pytest.raises(Problem, match="Container stage-serve-2 is still starting after 0 s"):
        wait(inspection(Health={"Status": "starting"}), patience_s=0)
