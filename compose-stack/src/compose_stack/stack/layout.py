"""Where the files of a stack are, and its settings: configuration, secrets, what runs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, get_args

from compose_stack.settings import ROOT, CannotStart

CONFIGURATION = ROOT / "compose-stack" / "stack"
Stage = Literal["staging", "main"]
STAGES: tuple[Stage, ...] = get_args(Stage)
PLATFORM = "platform"
"""What both stages share; its secrets and its tag are kept beside theirs."""


@dataclass(frozen=True)
class Layout:
    """One platform on one engine."""

    state: Path
    """The files of this machine: secrets, and the tag that runs in each stage."""
    environment: Mapping[str, str]
    """Overrides the `.env` files: the settings of this machine, themselves overridden by the caller's."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read `STACK_DIR`, by default `var/stack`, and the settings that this machine keeps there."""
        state = (ROOT / (environment.get("STACK_DIR") or "var/stack")).resolve()
        kept = state / "settings.env"
        return cls(state, {**(read_env(kept) if kept.exists() else {}), **environment})

    def secrets(self, owner: str) -> Path:
        """Return the file with the secrets of a stage, or of the platform."""
        return self.state / "secrets" / f"{owner}.env"

    def setting(self, name: str) -> str:
        """Return a setting of the platform: from the environment, else from `platform.env`."""
        return self.environment.get(name) or read_env(CONFIGURATION / "platform.env").get(name, "")

    @property
    def observed(self) -> bool:
        """Return whether the stack runs its own telemetry (`OBSERVABILITY`); raises `CannotStart`."""
        value = self.setting("OBSERVABILITY")
        if value not in ("", "true"):
            raise CannotStart(f"OBSERVABILITY must be true, or empty for a stack without it, not {value!r}.")
        return value == "true"

    @property
    def stores_telemetry_in_s3(self) -> bool:
        """Return whether telemetry is stored in S3 (`TELEMETRY_STORE`); raises `CannotStart`."""
        value = self.setting("TELEMETRY_STORE")
        if value not in ("", "s3"):
            raise CannotStart(f"TELEMETRY_STORE must be s3, or empty for volumes, not {value!r}.")
        return value == "s3"

    @property
    def notifies(self) -> bool:
        """Return whether workers have a way out to notify people (`NOTIFICATIONS`); raises `CannotStart`."""
        value = self.setting("NOTIFICATIONS")
        if value not in ("", "true"):
            raise CannotStart(f"NOTIFICATIONS must be true, or empty for no way out, not {value!r}.")
        return value == "true"

    def files(self, owner: str) -> list[Path]:
        """Return the Compose files of a stage or the platform; later ones override earlier ones."""
        kind = "compose" if owner == PLATFORM else "compose.services"
        layers = [""]
        if self.observed:
            layers.append(".observability")
            if owner == PLATFORM and self.stores_telemetry_in_s3:
                layers.append(".observability.s3")
            if owner == PLATFORM and self.setting("ALERTMANAGER_CONFIG"):
                layers.append(".observability.alerts")
        if owner != PLATFORM and self.notifies:
            layers.append(".notifications")
        return [CONFIGURATION / f"{kind}{layer}.yaml" for layer in layers]

    def site(self, stage: Stage) -> str:
        """Return the host name of a stage."""
        return self.setting(f"{stage.upper()}_SITE")

    def url(self, stage: Stage) -> str:
        """Return the address of a stage."""
        port = self.setting("HTTPS_PORT")
        return f"https://{self.site(stage)}" + ("" if port == "443" else f":{port}")

    @property
    def deployments(self) -> Path:
        """Return the folder that records what was deployed to each stage."""
        return self.state / "deployments"

    def built(self) -> Path:
        """Return the file with the tag of the images built last."""
        return self.state / "built"

    def running(self, owner: str) -> Path:
        """Return the file with the tag that a stage, or the platform, was last healthy with."""
        return self.state / f"{owner}.tag"

    def tag(self, owner: str, *, keep: bool = False) -> str:
        """Return the tag to run: `TAG`, else (with `keep`) the one that runs, else the one built last."""
        files = (self.running(owner), self.built()) if keep else (self.built(),)
        found = self.environment.get("TAG") or next((file.read_text() for file in files if file.exists()), "")
        if not found:
            raise CannotStart(
                "There are no images yet: build them with `make images` or, without a registry, "
                "`make images-offline`, or name a tag with TAG=…."
            )
        return found.strip()


def stage_of(environment: Mapping[str, str]) -> Stage:
    """Return the stage that `STAGE` names; raises `CannotStart`."""
    stage = environment.get("STAGE", "")
    for known in STAGES:
        if stage == known:
            return known
    raise CannotStart(f"STAGE must be staging or main, as in `make stack-up STAGE=staging`, not {stage!r}.")


def read_env(path: Path) -> dict[str, str]:
    """Return the settings of an `.env` file: lines of NAME=value, between comments and blank lines."""
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}
