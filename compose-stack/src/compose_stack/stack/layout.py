"""Where a stack's files are, and what its environment says: the configuration, the secrets, what runs."""

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
    """What this machine adds: secrets, and the tag that runs in each stage."""
    environment: Mapping[str, str]
    """Goes before the `.env` files: this machine's own, over which the caller's goes."""

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
        """Return a setting of the platform: what the environment says, else what `platform.env` does."""
        return self.environment.get(name) or read_env(CONFIGURATION / "platform.env").get(name, "")

    @property
    def observed(self) -> bool:
        """Return whether the stack has its own telemetry, as `OBSERVABILITY` says; raises `CannotStart`."""
        said = self.setting("OBSERVABILITY")
        if said not in ("", "true"):
            raise CannotStart(f"OBSERVABILITY is {said!r}; it must be true, or empty for a stack without.")
        return said == "true"

    def files(self, owner: str) -> list[Path]:
        """Return the files that Compose reads for a stage, or the platform, the later over the earlier."""
        kind = "compose" if owner == PLATFORM else "compose.services"
        layers = ("", ".observability") if self.observed else ("",)
        return [CONFIGURATION / f"{kind}{layer}.yaml" for layer in layers]

    def site(self, stage: Stage) -> str:
        """Return the host name of a stage."""
        return self.setting(f"{stage.upper()}_SITE")

    def url(self, stage: Stage) -> str:
        """Return where people find a stage."""
        port = self.setting("HTTPS_PORT")
        return f"https://{self.site(stage)}" + ("" if port == "443" else f":{port}")

    @property
    def deployments(self) -> Path:
        """Return the folder with what was deployed to each stage."""
        return self.state / "deployments"

    def built(self) -> Path:
        """Return the file that names the tag of the images built last."""
        return self.state / "built"

    def running(self, owner: str) -> Path:
        """Return the file that names the tag a stage, or the platform, was last healthy with."""
        return self.state / f"{owner}.tag"

    def tag(self, owner: str, *, keep: bool = False) -> str:
        """Return the tag to run: `TAG`, else (`keep`) the one that runs, else the one built last."""
        files = (self.running(owner), self.built()) if keep else (self.built(),)
        found = self.environment.get("TAG") or next((file.read_text() for file in files if file.exists()), "")
        if not found:
            raise CannotStart(
                "There are no images yet: `make images` or, without a registry, "
                "`make images-offline` builds them; or name one with TAG=…."
            )
        return found.strip()


def stage_of(environment: Mapping[str, str]) -> Stage:
    """Return what `STAGE` says; raises `CannotStart`."""
    stage = environment.get("STAGE", "")
    for known in STAGES:
        if stage == known:
            return known
    raise CannotStart(f"STAGE is {stage!r}; it must be staging or main, as in `make stack-up STAGE=staging`.")


def read_env(path: Path) -> dict[str, str]:
    """Return the settings of an `.env` file: lines of NAME=value, comments and blank lines."""
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}
