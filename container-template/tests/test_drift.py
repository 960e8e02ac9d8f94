import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from container_template import drift
from container_template.drift import ROOT, folder_drift, section_drift

ANSWERS = {
    "service_name": "greeting-card",
    "package_name": "greeting_card",
    "description": "Greets.",
    "port": 8123,
}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the template makes it."""
    folder = tmp_path_factory.mktemp("pristine") / "greeting-card"
    drift.render(ROOT, ANSWERS, folder)
    folder_drift(folder, ROOT, write=True)
    return folder


@pytest.fixture
def service(pristine: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(pristine, tmp_path / "greeting-card"))


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_fresh_service_does_not_differ(service: Path) -> None:
    assert folder_drift(service, ROOT) == []


def test_an_edited_file_of_the_template_is_shown(service: Path) -> None:
    _edit(
        service / "src/greeting_card/service/server.py", "KEEP_ALIVE_SECONDS = 75", "KEEP_ALIVE_SECONDS = 5"
    )
    (diff,) = folder_drift(service, ROOT)
    assert "greeting-card/src/greeting_card/service/server.py" in diff
    assert "-KEEP_ALIVE_SECONDS = 75" in diff
    assert "+KEEP_ALIVE_SECONDS = 5" in diff


def test_a_removed_and_an_added_file_are_shown(service: Path) -> None:
    (service / "Dockerfile").unlink()
    (service / "tests/service/test_more.py").write_text("more = True\n")
    removed, added = folder_drift(service, ROOT)
    assert "-USER service" in removed
    assert "+more = True" in added


def test_what_is_the_services_own_may_change(service: Path) -> None:
    (service / "README.md").write_text("# Ours\n")
    (service / "src/greeting_card/app.py").unlink()
    (service / "tests/test_more.py").write_text("more = True\n")
    assert folder_drift(service, ROOT) == []


def test_answers_name_the_release_and_not_a_folder_of_this_machine(service: Path) -> None:
    answers = yaml.safe_load((service / drift.ANSWERS).read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert answers["_commit"] == f"v{version}"
    assert answers["_src_path"] == "gh:loopkeeper/container-template"


def test_answers_of_another_release_or_with_a_question_less_are_shown(service: Path) -> None:
    _edit(service / drift.ANSWERS, "_commit: v", "_commit: v9")
    _edit(service / drift.ANSWERS, "stack_entry: true\n", "")
    (diff,) = folder_drift(service, ROOT)
    assert "-_commit: v" in diff
    assert "+_commit: v9" in diff
    assert "-stack_entry: true" in diff
    assert folder_drift(service, ROOT, write=True) == []


def test_a_fork_of_the_template_stays_the_source(service: Path) -> None:
    fork = "git@example.org:ours/container-template.git"
    _edit(service / drift.ANSWERS, "gh:loopkeeper/container-template", fork)
    assert folder_drift(service, ROOT, write=True) == []
    assert f"_src_path: {fork}\n" in (service / drift.ANSWERS).read_text()


def test_pages_have_of_the_skeleton_what_does_not_serve(tmp_path: Path) -> None:
    folder = tmp_path / "greeting-card"
    drift.render(ROOT, ANSWERS | {"kind": "pages"}, folder)
    modules = {path.stem for path in (folder / "src/greeting_card/service").iterdir()}
    shared = {"log_file", "otlp", "proxies", "readme", "registry", "signals", "spans", "trace_context"}
    assert modules == {"__init__", "pages_log"} | shared
    assert folder_drift(folder, ROOT, write=True) == []
    (folder / "src/greeting_card/service/server.py").write_text("more = True\n")
    (added,) = folder_drift(folder, ROOT)
    assert "+more = True" in added


def test_a_service_has_the_database_module_if_it_says_so(tmp_path: Path) -> None:
    for has_database in (True, False):
        folder = tmp_path / str(has_database)
        drift.render(ROOT, ANSWERS | {"has_database": has_database}, folder)
        for path in ("src/greeting_card/service/database.py", "tests/service/test_database.py"):
            assert (folder / path).exists() == has_database
        assert ("sqlalchemy" in (folder / "pyproject.toml").read_text()) == has_database


@pytest.mark.parametrize("kind", ["api", "pages"])
def test_an_entry_is_written_unless_the_stack_names_the_service(tmp_path: Path, kind: str) -> None:
    for stack_entry in (True, False):
        folder = tmp_path / str(stack_entry)
        drift.render(ROOT, ANSWERS | {"kind": kind, "stack_entry": stack_entry}, folder)
        assert (folder / "compose.service.yaml").exists() == stack_entry


def test_stamping_renews_what_the_template_owns(service: Path) -> None:
    _edit(service / "base.mk", "UV ?= uv", "UV ?= pip")
    shutil.rmtree(service / "src/greeting_card/service")
    (service / "README.md").write_text("# Ours\n")
    assert folder_drift(service, ROOT, write=True) == []
    assert (service / "src/greeting_card/service/server.py").exists()
    assert (service / "README.md").read_text() == "# Ours\n"


def test_a_folder_may_add_lines_to_the_tool_sections(service: Path) -> None:
    _edit(
        service / "pyproject.toml",
        'filterwarnings = ["error"]',
        'filterwarnings = ["error", "ignore:third party"]',
    )
    with (service / "pyproject.toml").open("a") as file:
        file.write('\n[[tool.mypy.overrides]]\nmodule = "vendor.*"\nignore_missing_imports = true\n')
    assert folder_drift(service, ROOT) == []


def test_a_folder_may_not_check_less(service: Path) -> None:
    _edit(service / "pyproject.toml", "strict = true", "strict = false")
    _edit(service / "pyproject.toml", '"FBT", ', '"PLR", "FBT", ')
    sentences = "".join(folder_drift(service, ROOT))
    assert "tool.mypy.strict is False; the template says True." in sentences
    assert "tool.ruff.lint.ignore may not have 'PLR'." in sentences


def test_a_folder_that_was_never_stamped_shares_the_tools_only(service: Path) -> None:
    (service / drift.ANSWERS).unlink()
    shutil.rmtree(service / "src")
    (service / "Dockerfile").unlink()
    assert folder_drift(service, ROOT) == []
    _edit(service / "base.mk", "UV ?= uv", "UV ?= pip")
    _edit(service / "pyproject.toml", "line-length = 110", "line-length = 200")
    base, section = folder_drift(service, ROOT)
    assert "+UV ?= pip" in base
    assert section == "greeting-card/pyproject.toml: tool.ruff.line-length is 200; the template says 110.\n"


@pytest.mark.parametrize(
    ("expected", "actual", "sentences"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": 1}, {}, ["t.a is missing; the template says 1."]),
        ({"a": [1]}, {"a": [2]}, ["t.a lacks 1."]),
        ({"a": [1]}, {"a": 1}, ["t.a is 1; the template says [1]."]),
    ],
)
def test_sections_are_compared_value_by_value(expected: Any, actual: Any, sentences: list[str]) -> None:
    assert list(section_drift(expected, actual, "t")) == sentences


def test_the_command_fails_on_drift_and_not_without(
    service: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["template-drift", str(service)])
    drift.main()
    _edit(service / "base.mk", "UV ?= uv", "UV ?= pip")
    with pytest.raises(SystemExit, match="make stamp"):
        drift.main()
    assert "+UV ?= pip" in capsys.readouterr().out
