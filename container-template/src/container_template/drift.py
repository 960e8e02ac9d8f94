"""Compare what the template owns in a folder with what it would render today.

A folder with a `.copier-answers.yml` was stamped: its owned files must equal the template's exactly.
Every folder shares the tool sections of `pyproject.toml`.

The answers name the template as a repository of its own, and the release that the folder matches: in the tree
nothing reads that, and once both are repositories `copier update` starts from it.
"""

import argparse
import difflib
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import copier
import yaml

ROOT = Path(__file__).parents[2]
ANSWERS = ".copier-answers.yml"


@dataclass(frozen=True)
class Owned:
    """What the template owns: file patterns, sections of pyproject.toml, lists there that may not grow.

    `shared` are files that equal the template's wherever a folder has them, stamped or not;
    `source` is where copier finds the template once it is a repository of its own.
    """

    source: str
    files: Sequence[str]
    shared: Sequence[str]
    sections: Sequence[str]
    closed: Sequence[str]

    @classmethod
    def load(cls, template: Path) -> Self:
        """Read the template's declaration."""
        return cls(**tomllib.loads((template / "owned.toml").read_text()))


def render(template: Path, answers: Mapping[str, Any], target: Path) -> None:
    """Render the whole template with a folder's answers into an empty directory."""
    copier.run_copy(str(template), target, data=dict(answers), defaults=True, quiet=True, overwrite=True)


def read_answers(folder: Path) -> dict[str, Any] | None:
    """Return the answers a folder was stamped with, None when it was not."""
    path = folder / ANSWERS
    if not path.exists():
        return None
    answers = yaml.safe_load(path.read_text())
    return {name: value for name, value in answers.items() if not name.startswith("_")}


def write_answers(rendered: Path, folder: Path, template: Path, source: str) -> None:
    """Let rendered answers name the template's release and its repository: the folder's choice, or `source`.

    For a template that is a folder, copier writes a path on this machine and no release.
    """
    named = yaml.safe_load((folder / ANSWERS).read_text()).get("_src_path", "")
    version = tomllib.loads((template / "pyproject.toml").read_text())["project"]["version"]
    path = rendered / ANSWERS
    comments = [line for line in path.read_text().splitlines(keepends=True) if line.startswith("#")]
    answers = yaml.safe_load(path.read_text())
    answers |= {"_commit": f"v{version}", "_src_path": named if ":" in named else source}
    # As copier writes them.
    text = yaml.safe_dump(answers, indent=4, allow_unicode=True, default_flow_style=False)
    path.write_text("".join(comments) + text)


def owned_files(folder: Path, patterns: Sequence[str], package_name: str) -> set[Path]:
    """Return the files of a folder, relative to it, that match the template's patterns."""
    return {
        path.relative_to(folder)
        for pattern in patterns
        for path in folder.glob(pattern.format(package_name=package_name).replace("/**", "/**/*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def file_drift(folder: Path, rendered: Path, owned: set[Path]) -> Iterator[str]:
    """Yield a unified diff for each owned file that differs, from the template's to the folder's."""
    for path in sorted(owned):
        ours, theirs = _lines(rendered / path), _lines(folder / path)
        if ours != theirs:
            yield "".join(
                difflib.unified_diff(ours, theirs, f"template/{path}", f"{folder.name}/{path}", lineterm="\n")
            )


def section_drift(expected: Any, actual: Any, path: str, closed: Sequence[str] = ()) -> Iterator[str]:
    """Yield a sentence for each value of the template that a folder's pyproject.toml lacks or changes."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            if key in actual:
                yield from section_drift(value, actual[key], f"{path}.{key}", closed)
            else:
                yield f"{path}.{key} is missing; the template says {value!r}."
    elif isinstance(expected, list) and isinstance(actual, list):
        yield from (f"{path} lacks {item!r}." for item in expected if item not in actual)
        if path in closed:
            yield from (f"{path} may not have {item!r}." for item in actual if item not in expected)
    elif expected != actual:
        yield f"{path} is {actual!r}; the template says {expected!r}."


def folder_drift(folder: Path, template: Path, *, write: bool = False) -> list[str]:
    """Return every difference of a folder from the template; with `write` renew the owned files first."""
    folder = folder.resolve()
    owned = Owned.load(template)
    answers = read_answers(folder)
    with tempfile.TemporaryDirectory() as scratch:
        rendered = Path(scratch)
        render(template, answers or {"service_name": folder.name, "description": "."}, rendered)
        found: list[str] = []
        if answers is None:
            ours = {Path(name) for name in owned.shared if (folder / name).exists()}
        else:
            write_answers(rendered, folder, template, owned.source)
            ours = owned_files(rendered, owned.files, answers["package_name"])
        if write:
            _copy(ours, rendered, folder)
        if answers is not None:
            ours |= owned_files(folder, owned.files, answers["package_name"])
        found += file_drift(folder, rendered, ours)
        expected = tomllib.loads((rendered / "pyproject.toml").read_text())
        actual = tomllib.loads((folder / "pyproject.toml").read_text())
        for section in owned.sections:
            sentences = section_drift(_at(expected, section), _at(actual, section), section, owned.closed)
            found += (f"{folder.name}/pyproject.toml: {sentence}\n" for sentence in sentences)
    return found


def main() -> None:
    """Print how folders differ from the template; exit 1 when one does."""
    parser = argparse.ArgumentParser(prog="template-drift", description=main.__doc__)
    parser.add_argument(
        "--write", action="store_true", help="renew the owned files instead of showing the difference"
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    found = [text for folder in options.folders for text in folder_drift(folder, ROOT, write=options.write)]
    sys.stdout.writelines(found)
    if found:
        sys.exit(
            "Change what the template owns in container-template, then `make stamp` there; "
            "in a repository of its own, `uvx copier update`."
        )


def _at(document: dict[str, Any], section: str) -> Any:
    value: Any = document
    for key in section.split("."):
        value = value.get(key, {})
    return value


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines(keepends=True) if path.exists() else []


def _copy(paths: set[Path], source: Path, target: Path) -> None:
    for path in paths:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, target / path)


if __name__ == "__main__":
    main()
