"""`make deploy-remote STAGE=staging DEPLOY_HOST=user@host`: the same deployment, on the server itself.

The server has a clone of this repository (DEPLOY_FOLDER). It checks out the revision to deploy and runs
`make deploy` there: bind mounts, secrets and records are the server's own. If that fails, it checks out the
previous revision again.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping

from compose_stack.delivery.images import IMAGES, variable_of
from compose_stack.delivery.problems import Problem
from compose_stack.stack.layout import STAGES

HOST = re.compile(r"[A-Za-z0-9_][\w.\-]*@[A-Za-z0-9][\w.\-]*")
REVISION = re.compile(r"[A-Za-z0-9][\w./\-]*")
PASSED_ON = (
    "STAGE",
    "IMAGES",
    "TAG",
    *(variable_of(image) for image in IMAGES),
    "ONLY",
    "PULL",
    "SIGNED_BY",
    "SIGNED_BY_ISSUER",
    "SIGNED_BRANCH",
    "STACK_DIR",
    "REVISION",
    "DEPLOYED_BY",
    "PATIENCE_SECONDS",
    "SMOKE_SECONDS",
    "WAIT_SECONDS",
)
"""The settings of a deployment; nothing else of this machine's environment reaches the server."""


def command(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the ssh command that deploys; raise Problem for a setting that makes no sense."""
    host = environment.get("DEPLOY_HOST", "")
    if not HOST.fullmatch(host):
        raise Problem(f"DEPLOY_HOST must be user@host, not {host!r}.")
    if environment.get("STAGE") not in STAGES:
        raise Problem(f"STAGE must be {' or '.join(STAGES)}, not {environment.get('STAGE', '')!r}.")
    revision = environment.get("REVISION", "")
    if not REVISION.fullmatch(revision):
        raise Problem(f"REVISION must be the commit for the server to check out, not {revision!r}.")
    folder = shlex.quote(environment.get("DEPLOY_FOLDER") or "/srv/loopkeeper")
    told = shlex.join([f"{name}={environment[name]}" for name in PASSED_ON if environment.get(name)])
    take = "git -c advice.detachedHead=false checkout --quiet"
    # A branch means its current commit, not the one that the server fetched last.
    branch, commit = shlex.quote(f"origin/{revision}^{{commit}}"), shlex.quote(f"{revision}^{{commit}}")
    # A rollback uses the files of the revision that it rolls back to.
    script = (
        f"cd {folder} && before=$(git rev-parse HEAD) && git fetch --quiet --tags origin && "
        f"commit=$(git rev-parse --quiet --verify {branch} || git rev-parse --verify {commit}) && "
        f'{take} --detach "$commit" || exit; '
        f'env {told} make deploy || {{ code=$?; {take} "$before"; exit "$code"; }}'
    )
    # The server's key must be known beforehand: nobody is there to confirm it.
    return ("ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "--", host, script)


def main() -> int:
    """Deploy on the server, and return the exit code of the deployment."""
    try:
        call = command(os.environ)
    except Problem as error:
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        return subprocess.run(call, check=False, stdin=subprocess.DEVNULL).returncode
    except FileNotFoundError:
        sys.stderr.write(
            "ssh is not installed here: on Debian and Ubuntu, `sudo apt install openssh-client`.\n"
        )
        return 1


if __name__ == "__main__":
    sys.exit(main())
