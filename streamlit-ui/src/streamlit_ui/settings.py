"""What can be set from outside, each by an environment variable of the field's name in upper case."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from uuid import uuid4

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from streamlit_ui.service.proxies import TrustedProxies


class Settings(BaseSettings):
    """The settings of the pages."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)

    gateway_url: str = "http://127.0.0.1:8000"
    """Where the gateway (pipeline-api) answers."""
    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = Field(default=8501, ge=0, le=65_535)
    """The port to listen on."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important messages that are logged."""
    log_dir: Annotated[Path | None, BeforeValidator(lambda given: given or None)] = None
    """Folder where each process also writes log files, at most five of 10 MiB; none: the console has all."""
    request_timeout_s: float = Field(default=15, gt=0)
    """Seconds to wait for an answer of the gateway."""
    refresh_s: float = Field(default=3, ge=0.5)
    """Seconds between two refreshes of what changes on its own: a run, the score."""
    batch_rows: int = Field(default=500, ge=1, le=500)
    """Rows of an uploaded batch that go into one request."""
    max_batch_rows: int = Field(default=100_000, ge=1)
    """Rows that an uploaded batch may have."""
    max_upload_mb: int = Field(default=50, ge=1, le=1_000)
    """The largest batch that may be uploaded, in megabytes."""
    max_dataset_mb: int = Field(default=200, ge=1, le=2_000)
    """The largest dataset that a page accepts, in megabytes; larger ones are uploaded through the API."""
    logs_url: str | None = None
    """Where the services' logs are searched, such as Grafana's Explore, if they are collected: the page
    Monitoring links there; none: it shows the newest lines of the log files."""
    public_gateway_url: str | None = None
    """Where programs outside reach the gateway if not at GATEWAY_URL; the pages show it in examples."""

    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """Proxies whose `X-Forwarded-For` says where a visitor is: addresses, networks or host names, separated
    by commas; none: nobody is believed."""
    otlp_endpoint: Annotated[str | None, BeforeValidator(lambda given: given or None)] = None
    """Base URL of an OTLP/HTTP collector for traces and logs, e.g. `http://collector:4318`; none: off."""
    trace_ratio: float = Field(default=0.05, ge=0, le=1)
    """Share of the runs of pages that are traced, 0 to 1; a trace goes on in the services behind."""
    stage: Literal["staging", "main"] = "main"
    """Stage that these pages belong to, in traces and logs."""
    code_revision: str = "unknown"
    """Revision of the running code, as the build recorded it."""
    instance_id: str = Field(default_factory=lambda: str(uuid4()), pattern=r"^[A-Za-z0-9._:-]{1,128}$")
    """Name of this replica in metrics, traces and logs; none: a new one at each start."""
    pages_token: Annotated[SecretStr | None, BeforeValidator(lambda given: given or None)] = None
    """Token that lets these pages tell the gateway where a visitor signs in from; the same in both; none:
    all visitors count as one place there."""

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        TrustedProxies(value)
        return value

    @field_validator("gateway_url", "public_gateway_url", "logs_url")
    @classmethod
    def _without_trailing_slash(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url is None:
            return None
        if not url.startswith(("http://", "https://")):
            name = str(info.field_name).upper()
            raise ValueError(f"{name} is {url!r}; it must start with http:// or https://.")
        return url.rstrip("/")


@cache
def settings() -> Settings:
    """Read the environment once; the pages run many times in one process."""
    return Settings()
