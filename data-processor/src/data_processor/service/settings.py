from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Hold what every service is told from outside; a service adds defaults and fields of its own.

    A field is set by the environment variable of its name in upper case: `port` by `PORT`.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)

    service_name: str
    """Name in logs, metrics and traces."""
    stage: Literal["staging", "main"] = "main"
    """Stage this stack serves."""
    code_revision: str = "unknown"
    """Revision of the code that runs, as the build knows it."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe log event that is written."""
    log_format: Literal["console", "json"] = "console"
    """Lines for people (`console`) or for machines (`json`)."""
    log_dir: Annotated[Path | None, BeforeValidator(lambda given: given or None)] = None
    """Folder where each process also writes log files, at most five of 10 MiB; none: the console has all."""
    otlp_endpoint: str | None = None
    """Base URL of an OTLP/HTTP collector for traces and logs, e.g. `http://collector:4318`; none: off."""
    max_body_bytes: int = Field(default=10 * 1024 * 1024, gt=0)
    """Largest request body that is accepted, in bytes."""
