"""Say for GitHub which parts of the tree a change concerns: `changes.py BASE HEAD >> "$GITHUB_OUTPUT"`.

    services=["pipeline-api"]    folders to lint and test by themselves, as JSON
    whole=true                   whether the tests of the whole are needed
    docs=true                    whether the site is needed

Runs on nothing but Python's standard library and git.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable

SERVICES = ("container-template", "data-processor", "pipeline-api", "streamlit-ui")
CONCERNS_ALL = re.compile(r"(Makefile|\.ci/|\.github/workflows/|container-template/template/)")
WORDS_ONLY = re.compile(r"(docs/|\.github/profile/|LICENSE$|.*\.md$)")
FEEDS_THE_SITE = re.compile(r"(docs/|Makefile|.*\.md$|.*/openapi\.json$|.*/asyncapi\.yaml$|.*/settings\.py$)")
PLAYED = "docs/tutorials/"
"""Words that a test of the whole plays on a platform."""
NO_COMMIT = re.compile(r"0*")
"""What GitHub calls the state of a branch before its first push."""


def changed(base: str, head: str) -> list[str] | None:
    """Return the paths that differ since HEAD left BASE; None when that cannot be known."""
    if NO_COMMIT.fullmatch(base):
        return None
    command = ["git", "diff", "--name-only", "-z", f"{base}...{head}", "--"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout.split("\0")[:-1] if done.returncode == 0 else None


def concerned(paths: Iterable[str] | None) -> dict[str, str]:
    """Return what GitHub is told of the paths; everything is concerned when they are not known."""
    known = list(paths) if paths is not None else [".ci/", "docs/"]
    everything = any(CONCERNS_ALL.match(path) for path in known)
    code = [path for path in known if path.startswith(PLAYED) or not WORDS_ONLY.match(path)]
    services = [name for name in SERVICES if everything or any(path.startswith(f"{name}/") for path in code)]
    return {
        "services": json.dumps(services),
        "whole": json.dumps(bool(code)),
        "docs": json.dumps(any(FEEDS_THE_SITE.match(path) for path in known)),
    }


def main() -> None:
    """Print one line for each output."""
    try:
        base, head = sys.argv[1:]
    except ValueError:
        sys.exit("Two commits are needed: changes.py BASE HEAD")
    for name, value in concerned(changed(base, head)).items():
        sys.stdout.write(f"{name}={value}\n")


if __name__ == "__main__":
    main()
