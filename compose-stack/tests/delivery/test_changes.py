import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from compose_stack.settings import ROOT


@pytest.fixture(scope="module")
def changes() -> ModuleType:
    spec = importlib.util.spec_from_file_location("changes", ROOT / ".ci" / "changes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("paths", "services", "whole", "docs"),
    [
        (["pipeline-api/src/pipeline_api/app.py"], '["pipeline-api"]', "true", "false"),
        (["pipeline-api/README.md", "docs/x.md"], "[]", "false", "true"),
        (["docs/tutorials/first-loop.md"], "[]", "true", "true"),
        (["compose-stack/src/compose_stack/run.py"], "[]", "true", "false"),
        (["data-processor/openapi.json"], '["data-processor"]', "true", "true"),
        (
            ["Makefile"],
            '["container-template", "data-processor", "pipeline-api", "streamlit-ui"]',
            "true",
            "true",
        ),
        ([], "[]", "false", "false"),
    ],
)
def test_a_change_concerns_what_it_can_break(
    changes: ModuleType, paths: list[str], services: str, whole: str, docs: str
) -> None:
    assert changes.concerned(paths) == {"services": services, "whole": whole, "docs": docs}


def test_what_cannot_be_known_concerns_everything(changes: ModuleType) -> None:
    said = changes.concerned(changes.changed("0" * 40, "HEAD"))
    assert said["services"].count("-") == 4
    assert (said["whole"], said["docs"]) == ("true", "true")


def test_only_what_came_since_the_branches_parted_counts(
    changes: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        return subprocess.run(
            ["git", *who, *arguments], check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(name: str) -> str:
        Path(name).write_text(name)
        git("add", name)
        git("commit", "--quiet", "-m", name)
        return git("rev-parse", "HEAD")

    git("init", "--quiet", "--initial-branch=main")
    parted = commit("first")
    git("checkout", "--quiet", "-b", "change")
    mine = commit("ours ä")
    git("checkout", "--quiet", "main")
    theirs = commit("theirs")
    assert changes.changed(theirs, mine) == ["ours ä"]
    assert changes.changed(parted, parted) == []
