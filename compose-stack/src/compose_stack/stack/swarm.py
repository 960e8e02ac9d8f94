"""`make swarm-file STAGE=…`: the same stack for `docker stack deploy`, over one machine or several.

Rendered from the configuration as Compose resolves it, so that there is one description. A swarm has other
words for some of it and none for the rest:

    depends_on                 none: jobs may be repeated, services restart until what they need is there
    restart, mem_limit         deploy.restart_policy, deploy.resources
    restart: "no"              a replicated job
    networks                   overlays; names are answered with the addresses of the replicas, as in Compose
    shm_size, tmpfs            mounts in memory; none can have an owner
    security_opt, pull_policy  none: `no-new-privileges` is the engine's setting (`daemon.json`) there

Services with data stay on the machine that has the data, the one labelled `loopkeeper.keeper`. The files
contain secrets, have mode 0600 and stay in STACK_DIR.
"""

import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from compose_stack.settings import CannotStart
from compose_stack.stack.compose import Compose
from compose_stack.stack.layout import PLATFORM, Layout, stage_of
from compose_stack.stack.secrets import make_secrets, write_privately

KEEPER = "loopkeeper.keeper"
"""The label of the node whose disk holds the volumes."""
SHARING = {"serve", "work"}
"""Replicas of these share their folders. Any other service with data runs once: an update stops the old
container first, which also frees the machine's ports."""
LOCAL = {"logs"}
"""Volumes that every machine may have separately."""
HEALTHY_WITHIN = "30s"
"""How long an update is monitored before the next replica: if it fails meanwhile, it is rolled back."""
KEPT = (
    "cap_drop",
    "command",
    "entrypoint",
    "environment",
    "healthcheck",
    "image",
    "init",
    "logging",
    "read_only",
    "stop_grace_period",
    "sysctls",
    "user",
    "working_dir",
)
"""Keys that mean the same in both."""
TRANSLATED = (
    *("depends_on", "mem_limit", "networks", "ports", "pull_policy", "restart", "security_opt", "shm_size"),
    *("tmpfs", "volumes", "build", "expose", "profiles"),
)
"""Keys that become something else, or nothing; a key in neither list is refused."""

Say = Callable[[str], None]


def render(project: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stack file of a resolved project; raises `CannotStart` for what it cannot express."""
    services = {name: _service(name, service) for name, service in project["services"].items()}
    return {
        "version": "3.8",
        "services": services,
        "networks": {name: _network(network) for name, network in project["networks"].items()},
        "volumes": {
            # A swarm knows external networks, and volumes by name only.
            name: {"name": volume["name"]}
            for name, volume in project.get("volumes", {}).items()
        },
    }


def _service(name: str, service: Mapping[str, Any]) -> dict[str, Any]:
    given = {key for key, value in service.items() if value not in (None, [], {})}
    if unknown := given - set(KEPT) - set(TRANSLATED):
        raise CannotStart(
            f"Service {name} has {', '.join(sorted(unknown))}, which stack/swarm.py cannot "
            "express in a stack file: add support for it there, or leave it out."
        )
    if owned := [target for target in service.get("tmpfs", ()) if ":" in target]:
        raise CannotStart(
            f"Service {name} has a tmpfs with options, {owned[0]}, which a swarm ignores: "
            "use /tmp or a volume."
        )
    found = {key: service[key] for key in KEPT if key in given}
    mounts = [_mount(mount) for mount in service.get("volumes", ())]
    mounts += [{"type": "tmpfs", "target": target} for target in service.get("tmpfs", ())]
    if "shm_size" in given:
        mounts.append(
            {"type": "tmpfs", "target": "/dev/shm", "tmpfs": {"size": int(service["shm_size"])}}  # noqa: S108
        )
    if mounts:
        found["volumes"] = mounts
    if "ports" in given:
        # In host mode Caddy sees the addresses of clients; there is only one Caddy.
        found["ports"] = [
            {
                "target": port["target"],
                "published": int(port["published"]),
                "protocol": port.get("protocol", "tcp"),
                "mode": "host",
            }
            for port in service["ports"]
        ]
    found["networks"] = {
        network: {key: value for key, value in (settings or {}).items() if key == "aliases"}
        for network, settings in service["networks"].items()
    }
    found["deploy"] = _deploy(name, service, keeps=_keeps(service))
    return found


def _deploy(name: str, service: Mapping[str, Any], *, keeps: bool) -> dict[str, Any]:
    limits = {"limits": {"memory": f"{int(service['mem_limit'])}b"}}
    placement = {"placement": {"constraints": [f"node.labels.{KEEPER} == true"]}} if keeps else {}
    if service.get("restart") == "no":
        again = {"condition": "on-failure", "delay": "2s"}
        return {"mode": "replicated-job", "resources": limits, "restart_policy": again} | placement
    changing = {
        "parallelism": 1,
        "order": "stop-first" if keeps and name not in SHARING else "start-first",
        "monitor": HEALTHY_WITHIN,
    }
    return {
        "replicas": 1,
        "endpoint_mode": "dnsrr",
        "resources": limits,
        "restart_policy": {"condition": "any", "delay": "2s"},
        "update_config": changing | {"failure_action": "rollback"},
        "rollback_config": changing | {"failure_action": "pause"},
    } | placement


def _keeps(service: Mapping[str, Any]) -> bool:
    """Return whether a service needs a volume that is on one machine, or files of this tree."""
    return any(mount["source"] not in LOCAL for mount in service.get("volumes", ()))


def _mount(mount: Mapping[str, Any]) -> dict[str, Any]:
    return {key: mount[key] for key in ("type", "source", "target", "read_only") if mount.get(key)}


def _network(network: Mapping[str, Any]) -> dict[str, Any]:
    if network.get("external"):
        return {"name": network["name"], "external": True}
    internal = {"internal": True} if network.get("internal") else {}
    return {"name": network["name"], "driver": "overlay", "attachable": True} | internal


def write(layout: Layout, owner: str) -> Path:
    """Write the stack file of a stage, or of the platform, and return its path."""
    project = Compose(layout, owner, layout.tag(owner, keep=owner == PLATFORM))
    configured = json.loads(project("config", "--format", "json").stdout)
    path = layout.state / "swarm" / f"{owner}.json"
    write_privately(path, f"{json.dumps(render(configured), indent=2)}\n")
    return path


def main() -> int:
    """Write both files for `STAGE` and print how to use them; print why and return 1 if that fails."""
    layout = Layout.from_environment()
    try:
        stage = stage_of(os.environ)
        make_secrets(layout)
        files = {layout.setting("PLATFORM"): write(layout, PLATFORM)}
        files[f"{layout.setting('PLATFORM')}-{stage}"] = write(layout, stage)
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(
        f"docker node update --label-add {KEEPER}=true NODE  # once, for the machine with the volumes\n"
    )
    for name, path in files.items():
        sys.stdout.write(f"docker stack deploy --prune --compose-file {shlex.quote(str(path))} {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
