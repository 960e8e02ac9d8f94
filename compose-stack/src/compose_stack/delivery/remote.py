"""`make deploy-remote STAGE=staging DEPLOY_HOST=user@host`: the same deployment, on the server itself.

The server has a clone of this repository (DEPLOY_FOLDER). It takes the revision that deploys, then runs
`make deploy` there: bind mounts, secrets and records are the server's own. When that fails, it takes the
revision from before again.
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
"""What a deployment is told; nothing else of this machine's environment goes to the server."""


def command(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the call of ssh that deploys; raise Problem with a sentence for what cannot be meant."""
    host = environment.get("DEPLOY_HOST", "")
    if not HOST.fullmatch(host):
        raise Problem(f"DEPLOY_HOST must be user@host, and is {host!r}.")
    if environment.get("STAGE") not in STAGES:
        raise Problem(f"STAGE must be {' or '.join(STAGES)}, and is {environment.get('STAGE', '')!r}.")
    revision = environment.get("REVISION", "")
    if not REVISION.fullmatch(revision):
        raise Problem(f"REVISION must be the commit that the server shall take, and is {revision!r}.")
    folder = shlex.quote(environment.get("DEPLOY_FOLDER") or "/srv/loopkeeper")
    told = shlex.join([f"{name}={environment[name]}" for name in PASSED_ON if environment.get(name)])
    take = "git -c advice.detachedHead=false checkout --quiet"
    # A branch is where it is now, not where the server last saw it.
    branch, commit = shlex.quote(f"origin/{revision}^{{commit}}"), shlex.quote(f"{revision}^{{commit}}")
    # What is put back when a deployment fails goes with the files that it came with.
    script = (
        f"cd {folder} && before=$(git rev-parse HEAD) && git fetch --quiet --tags origin && "
        f"commit=$(git rev-parse --quiet --verify {branch} || git rev-parse --verify {commit}) && "
        f'{take} --detach "$commit" || exit; '
        f'env {told} make deploy || {{ code=$?; {take} "$before"; exit "$code"; }}'
    )
    # The server's key is known beforehand or there is no deployment; nobody is there to answer a question.
    return ("ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "--", host, script)


def main() -> int:
    """Deploy on the server, and end as the deployment does."""
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
