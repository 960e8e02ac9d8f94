import json
import subprocess
from pathlib import Path

import pytest

from compose_stack.settings import CannotStart
from compose_stack.stack.backup import CONTENTS, VOLUMES, restore
from compose_stack.stack.images import RECIPES, revision
from compose_stack.stack.layout import PLATFORM, Layout, read_env, stage_of


def test_a_stage_that_is_none_is_refused_by_its_value() -> None:
    assert stage_of({"STAGE": "staging"}) == "staging"
    with pytest.raises(CannotStart, match=r"STAGE must be staging or main.*, not 'production'"):
        stage_of({"STAGE": "production"})
    with pytest.raises(CannotStart, match="not ''"):
        stage_of({})


def test_settings_of_the_environment_go_before_those_of_the_files(tmp_path: Path) -> None:
    assert Layout(tmp_path, {}).url("main") == "https://loopkeeper.localhost"
    own = Layout(tmp_path, {"HTTPS_PORT": "8443", "STAGING_SITE": "next.example.org"})
    assert own.url("staging") == "https://next.example.org:8443"


def test_a_machine_keeps_settings_of_its_own_which_the_caller_may_override(tmp_path: Path) -> None:
    (tmp_path / "settings.env").write_text("# ours\nMAIN_SITE=people.example.org\nHTTPS_PORT=8443\n")
    here = {"STACK_DIR": str(tmp_path)}
    assert Layout.from_environment(here).url("main") == "https://people.example.org:8443"
    assert Layout.from_environment({**here, "HTTPS_PORT": "443"}).url("main") == "https://people.example.org"
    assert Layout.from_environment(here).environment["STACK_DIR"] == str(tmp_path)


def test_the_tag_is_the_one_asked_for_else_the_one_that_runs_else_the_one_built_last(tmp_path: Path) -> None:
    layout = Layout(tmp_path, {})
    with pytest.raises(CannotStart, match="There are no images yet"):
        layout.tag("main")
    layout.built().write_text("sha-new\n")
    layout.running("main").write_text("sha-old\n")
    assert layout.tag("main") == "sha-new"
    assert layout.tag("main", keep=True) == "sha-old"
    assert layout.tag(PLATFORM, keep=True) == "sha-new"
    assert Layout(tmp_path, {"TAG": "sha-asked"}).tag("main", keep=True) == "sha-asked"


def test_comments_and_blank_lines_are_no_settings(tmp_path: Path) -> None:
    path = tmp_path / "x.env"
    path.write_text("# NAME=no\n\nNAME=a=b\n  OTHER=\n")
    assert read_env(path) == {"NAME": "a=b", "OTHER": ""}


def test_every_recipe_has_its_dockerfile_and_a_user_without_rights() -> None:
    for recipe in RECIPES:
        text = recipe.dockerfile.read_text()
        final = text[text.rindex("\nFROM ") :]
        assert "\nUSER " in final, recipe.name
        assert "org.opencontainers.image.title" in final, recipe.name


def test_what_is_built_is_tagged_with_its_commit() -> None:
    assert revision().startswith("sha-")


def test_a_tree_that_git_does_not_know_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=f"the revision of {tmp_path}, .*: clone the tree"):
        revision(tmp_path)


def test_a_backup_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "stack", {})
    with pytest.raises(CannotStart, match="is not a complete backup"):
        restore(layout, tmp_path, print)
    (tmp_path / "main_records.dump").write_bytes(b"changed")
    (tmp_path / CONTENTS).write_text(json.dumps({"sha256": {"main_records.dump": "0" * 64}}))
    with pytest.raises(CannotStart, match=r"main_records\.dump in .* is missing, or differs from"):
        restore(layout, tmp_path, print)


def script(text: str, folder: Path, content: bytes = b"") -> bytes:
    """Run a script of a volume in a folder, as a container would; /tmp is the folder's own."""
    own = text.replace("/tmp/", f"{folder.parent}/")  # noqa: S108  # the point is not to use it
    call = ("/bin/sh", "-euc", own)
    return subprocess.run(call, cwd=folder, input=content, capture_output=True, check=True).stdout


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    full, empty = tmp_path / "full", tmp_path / "empty"
    full.mkdir()
    empty.mkdir()
    return full, empty


def test_the_dataset_repository_comes_back_with_every_branch_and_tag(folders: tuple[Path, Path]) -> None:
    full, empty = folders
    volume = next(volume for volume in VOLUMES if volume.name == "dataset-repository")
    script(
        "git init -q --bare -b main datasets.git; git clone -q datasets.git work 2>/dev/null; cd work; "
        "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m one; "
        "git -c user.name=a -c user.email=a@b tag -a people-v1 -m facts; "
        "git push -q origin HEAD:main people-v1",
        full,
    )
    script(volume.fill, empty, script(volume.copy, full))
    references = "git -C datasets.git for-each-ref; git -C datasets.git symbolic-ref HEAD"
    assert script(references, empty) == script(references, full)


def test_a_stack_without_datasets_can_be_copied_too(folders: tuple[Path, Path]) -> None:
    full, empty = folders
    for volume in VOLUMES:
        script(volume.fill, empty, script(volume.copy, full))
    assert list(empty.iterdir()) == []


def test_objects_come_back_as_they_were(folders: tuple[Path, Path]) -> None:
    full, empty = folders
    volume = next(volume for volume in VOLUMES if volume.name == "objects")
    (full / "mlflow" / "1").mkdir(parents=True)
    (full / "mlflow" / "1" / "model.onnx").write_bytes(b"model")
    script(volume.fill, empty, script(volume.copy, full))
    assert (empty / "mlflow" / "1" / "model.onnx").read_bytes() == b"model"
