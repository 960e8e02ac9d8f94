import os
import subprocess
from pathlib import Path

import pytest

from compose_stack.delivery.problems import Problem
from compose_stack.delivery.remote import command

GIVEN = {"DEPLOY_HOST": "deploy@server.example", "STAGE": "staging", "REVISION": "main"}


class Server:
    """A server whose clone of the tree has a `make deploy` that records its settings."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.origin, self.clone = folder, folder / "origin", folder / "a clone"
        self._git("init", "--quiet", "--initial-branch=main", self.origin)
        self.commit("one")
        self._git("clone", "--quiet", self.origin, self.clone)

    def commit(self, says: str, *, well: bool = True) -> None:
        """Have the origin's branch deploy in another way."""
        line = f"{says}|$$STAGE|$$TAG|$$ONLY|$$SIGNED_BY|$$SECRET"
        (self.origin / "Makefile").write_text(f'deploy:\n\t@echo "{line}"; {"true" if well else "exit 3"}\n')
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        self._git("-C", self.origin, "add", ".")
        self._git("-C", self.origin, *who, "commit", "--quiet", "-m", says)

    def revision(self) -> str:
        """Return what the clone has checked out."""
        return self._git("-C", self.clone, "log", "-1", "--format=%s").strip()

    def deploy(self, **given: str) -> "subprocess.CompletedProcess[str]":
        """Deploy to it by an ssh that runs here what it is given."""
        ssh = self.folder / "ssh"
        ssh.write_text('#!/bin/sh\nfor script; do :; done\nexec sh -c "$script"\n')
        ssh.chmod(0o755)
        program, *arguments = command({**GIVEN, "DEPLOY_FOLDER": str(self.clone), **given})
        assert program == "ssh"
        assert arguments[-2] == GIVEN["DEPLOY_HOST"]
        # A server is not told that a `make` of this machine runs the tests: its own would print more.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        return subprocess.run(
            [ssh, *arguments], check=False, capture_output=True, text=True, cwd=self.folder, env=environment
        )

    @staticmethod
    def _git(*arguments: str | Path) -> str:
        return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def test_the_server_takes_the_revision_and_deploys_it_itself(server: Server) -> None:
    done = server.deploy(
        TAG="sha-1",
        ONLY="data-processor pipeline-api",
        SIGNED_BY="^https://x/(a|b)'; touch bad",
        SECRET="of this machine",
    )
    assert done.stdout == "one|staging|sha-1|data-processor pipeline-api|^https://x/(a|b)'; touch bad|\n"
    assert done.returncode == 0
    assert not list(server.folder.glob("**/bad"))


def test_an_image_that_is_named_by_itself_goes_to_the_server() -> None:
    reference = f"ghcr.io/loopkeeper/pipeline-api@sha256:{'0' * 64}"
    assert f" PIPELINE_API_IMAGE={reference} " in command({**GIVEN, "PIPELINE_API_IMAGE": reference})[-1]


def test_a_branch_is_where_it_is_now(server: Server) -> None:
    server.commit("two")
    assert server.deploy().stdout.startswith("two|")
    assert server.revision() == "two"


def test_a_deployment_that_fails_leaves_the_files_from_before(server: Server) -> None:
    server.commit("two", well=False)
    done = server.deploy()
    assert done.stdout.startswith("two|")
    assert done.returncode == 2  # what make ends with
    assert server.revision() == "one"


def test_a_revision_that_is_not_there_touches_nothing(server: Server) -> None:
    done = server.deploy(REVISION="no-such-revision")
    assert done.returncode != 0
    assert done.stdout == ""
    assert server.revision() == "one"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"DEPLOY_HOST": "-oProxyCommand=x@y"}, "DEPLOY_HOST must be user@host"),
        ({"DEPLOY_HOST": ""}, "DEPLOY_HOST must be user@host, not ''"),
        ({"STAGE": "prod"}, "STAGE must be staging or main, not 'prod'"),
        ({"REVISION": "--force"}, "REVISION must be the commit"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(wrong: dict[str, str], sentence: str) -> None:
    with pytest.raises(Problem, match=sentence):
        command({**GIVEN, **wrong})
