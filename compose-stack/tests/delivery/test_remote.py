import subprocess
from pathlib import Path

import pytest

from compose_stack.delivery.problems import Problem
from compose_stack.delivery.remote import command

GIVEN = {"DEPLOY_HOST": "deploy@server.example", "STAGE": "staging", "REVISION": "main"}


def test_the_server_takes_the_revision_and_deploys_it_itself(tmp_path: Path) -> None:
    """What ssh is given, run by a shell here: in a clone whose `make deploy` notes what it is told."""
    origin, clone = tmp_path / "origin", tmp_path / "a clone"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", origin], check=True)
    (origin / "Makefile").write_text('deploy:\n\t@echo "$$STAGE|$$TAG|$$ONLY|$$SIGNED_BY|$$SECRET"\n')
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", origin, "add", "."], check=True)
    subprocess.run(["git", "-C", origin, *who, "commit", "--quiet", "-m", "one"], check=True)
    subprocess.run(["git", "clone", "--quiet", origin, clone], check=True)
    given = {
        "DEPLOY_FOLDER": str(clone),
        "TAG": "sha-1",
        "ONLY": "data-processor pipeline-api",
        "SIGNED_BY": "^https://x/(a|b)'; touch bad",
        "SECRET": "of this machine",
    }
    *_, host, script = command({**GIVEN, **given})
    assert host == "deploy@server.example"
    done = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "staging|sha-1|data-processor pipeline-api|^https://x/(a|b)'; touch bad|\n"
    assert not list(tmp_path.glob("**/bad"))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"DEPLOY_HOST": "-oProxyCommand=x@y"}, "DEPLOY_HOST must be user@host"),
        ({"DEPLOY_HOST": ""}, "DEPLOY_HOST must be user@host, and is ''"),
        ({"STAGE": "prod"}, "STAGE must be staging or main, and is 'prod'"),
        ({"REVISION": "--force"}, "REVISION must be the commit"),
    ],
)
def test_what_cannot_be_meant_is_named(wrong: dict[str, str], sentence: str) -> None:
    with pytest.raises(Problem, match=sentence):
        command({**GIVEN, **wrong})
