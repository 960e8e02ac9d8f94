import pytest

from compose_stack.delivery.docker import Docker
from compose_stack.delivery.problems import CommandFailed, Problem


def test_what_a_command_printed_is_returned() -> None:
    assert Docker(("echo",)).run("hello") == "hello\n"


def test_a_command_that_fails_is_quoted() -> None:
    failing = Docker(compose=("sh", "-c", "echo too bad >&2; exit 3"))
    with pytest.raises(CommandFailed, match=r"^`docker compose up` failed with exit code 3:\ntoo bad$"):
        failing.compose(("--file", "long.yaml"), "up")


def test_an_engine_that_is_not_there_is_named() -> None:
    with pytest.raises(Problem, match="no-such-docker is not installed here"):
        Docker(("no-such-docker",)).run("version")
