from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal
from uuid import uuid4

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Hold the settings that every service has; a service adds defaults and fields of its own.

    A field is set by the environment variable with its name in upper case: `port` by `PORT`.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)

    service_name: str
    """Name in logs, metrics and traces."""
    stage: Literal["staging", "main"] = "main"
    """Stage that this stack serves."""
    code_revision: str = "unknown"
    """Revision of the running code, as the build recorded it."""
    instance_id: str = Field(default_factory=lambda: str(uuid4()), pattern=r"^[A-Za-z0-9._:-]{1,128}$")
    """Name of this replica in metrics, traces and logs; unset: a new one at each start."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(ge=0, le=65535)
    """Port to listen on; 0 picks a free one."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level of log events that is written."""
    log_format: Literal["console", "json"] = "console"
    """Log lines for people (`console`) or for machines (`json`)."""
    log_dir: Annotated[Path | None, BeforeValidator(lambda given: given or None)] = None
    """Folder for log files, at most five of 10 MiB for each process; unset: the console only."""
    otlp_endpoint: str | None = None
    """Base URL of an OTLP/HTTP collector for traces and logs, e.g. `http://collector:4318`; unset: off."""
    slow_request_s: float = Field(default=1.0, gt=0)
    """A request that takes longer leaves a line in the log with its trace id, as every failed one does."""
    max_body_bytes: int = Field(default=10 * 1024 * 1024, gt=0)
    """Largest request body that is accepted, in bytes."""

    @property
    def package_version(self) -> str:
        """Return the version of the installed package, `unknown` where the service is none."""
        try:
            return version(self.service_name)
        except PackageNotFoundError:
            return "unknown"
