import shutil
from pathlib import Path

import pytest

from compose_stack.delivery.checks import checks_of, scripts_of
from compose_stack.settings import ROOT

WELL = """\
name: a
on: push
permissions: {}
concurrency: {group: a, cancel-in-progress: true}
jobs:
  b:
    runs-on: ubuntu-24.04
    steps:
      - run: echo well
"""


def objections(root: Path) -> str:
    return "".join(check.run(root) for check in checks_of(root))


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    path = tmp_path / ".github" / "workflows" / "a.yml"
    path.parent.mkdir(parents=True)
    path.write_text(WELL)
    for config in ("zizmor.yml", "hadolint.yml"):
        shutil.copy(ROOT / ".github" / config, tmp_path / ".github")
    return path


def test_what_is_in_order_is_not_objected_to(workflow: Path, tmp_path: Path) -> None:
    assert workflow.exists()
    assert objections(tmp_path) == ""


@pytest.mark.parametrize(
    ("old", "new", "objection"),
    [
        ("runs-on", "run-on", "GitHub's schema"),
        ("run: echo well", "uses: actions/checkout@v7", "unpinned-uses"),
        ("permissions: {}\n", "permissions: write-all\n", "excessive-permissions"),
        ("run: echo well", "run: echo ${{ github.head_ref }}", "template-injection"),
        ("run: echo well", "run: cd $HOME/$1; ls $(pwd)", "SC2086"),
    ],
)
def test_a_workflow_that_is_not_is(
    workflow: Path, tmp_path: Path, old: str, new: str, objection: str
) -> None:
    assert old in WELL
    workflow.write_text(WELL.replace(old, new))
    assert objection in objections(tmp_path)


def test_scripts_and_dockerfiles_are_read_wherever_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "down"
    folder.mkdir(parents=True)
    (folder / "script").write_text("#!/usr/bin/env bash\nrm $1\n")
    (folder / "a.Dockerfile").write_text("FROM debian\nRUN cd /tmp && sudo ls\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "Dockerfile").write_text("FROM debian:latest\n")
    said = objections(tmp_path)
    assert "SC2086" in said
    assert "DL3006" in said
    assert "DL3007" not in said


def test_every_script_in_a_workflow_is_found() -> None:
    jobs = {
        "a": {"steps": [{"run": "one"}, {"name": "said", "run": "two"}, {"uses": "x"}]},
        "b": {"uses": "y"},
    }
    assert list(scripts_of({"jobs": jobs})) == [("a, step 1", "one"), ("a, said", "two")]


def test_the_tree_is_read(tmp_path: Path) -> None:
    assert not list(checks_of(tmp_path))
    read = " ".join(argument for check in checks_of(ROOT) for argument in check.command)
    for name in (
        ".github/workflows/deploy-stack.yml",
        "data-processor/Dockerfile",
        ".ci/run",
        "renovate.json",
    ):
        assert name in read
