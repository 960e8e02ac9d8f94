"""Tell GitHub which parts of the tree a change concerns: `changes.py BASE HEAD >> "$GITHUB_OUTPUT"`.

    services=["pipeline-api"]    folders to lint and test on their own, as JSON
    whole=true                   whether the tests of the whole system are needed
    docs=true                    whether the site must be built

Needs only Python's standard library and git.
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
"""Pages that a test of the whole system plays on a platform."""
NO_COMMIT = re.compile(r"0*")
"""What GitHub sends as the commit of a branch before its first push."""


def changed(base: str, head: str) -> list[str] | None:
    """Return the paths that changed since HEAD branched off BASE; None if that cannot be determined."""
    if NO_COMMIT.fullmatch(base):
        return None
    command = ["git", "diff", "--name-only", "-z", f"{base}...{head}", "--"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout.split("\0")[:-1] if done.returncode == 0 else None


def concerned(paths: Iterable[str] | None) -> dict[str, str]:
    """Return the outputs for GitHub; if the paths are unknown, everything is concerned."""
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
        sys.exit("usage: changes.py BASE HEAD")
    for name, value in concerned(changed(base, head)).items():
        sys.stdout.write(f"{name}={value}\n")


if __name__ == "__main__":
    main()
