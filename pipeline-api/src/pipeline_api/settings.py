"""The gateway's settings; the README's table is generated from this class."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AnyUrl, Field, HttpUrl, SecretStr, UrlConstraints, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from pipeline_api.roles import Role
from pipeline_api.service.proxies import TrustedProxies
from pipeline_api.service.settings import ServiceSettings

Secret = Annotated[SecretStr, Field(min_length=16)]
MqttUrl = Annotated[AnyUrl, UrlConstraints(allowed_schemes=["mqtt", "mqtts"], host_required=True)]
Rate = Annotated[float, Field(ge=0)]


class Settings(ServiceSettings):
    """Hold the gateway's settings; the two secrets have no default."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    service_name: str = "pipeline-api"
    """Name in logs, metrics and traces."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 picks a free one."""
    state_dir: Path = Path("var/gateway")
    """Folder for the gateway's database."""
    database_url: str | None = None
    """SQLAlchemy URL of the gateway's database, `postgresql+psycopg://…`; unset: SQLite in `STATE_DIR`."""
    processor_url: HttpUrl = HttpUrl("http://127.0.0.1:8001")
    """Base URL of the data-processor."""
    service_token: Secret
    """Token that identifies this gateway to the data-processor, at least 16 characters; the same in both."""
    caller_key: Secret
    """Key that signs the callers' names for the data-processor, at least 16 characters; the same in both."""

    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """Proxies whose `X-Forwarded-For` says where somebody signs in from: addresses, networks or host names,
    separated by commas; unset: nobody is believed, and everybody behind a proxy counts as one place."""
    pages_token: Secret | None = None
    """Token by which the pages prove that they may name the address of a visitor, at least 16 characters; the
    same in both; unset: everybody who signs in by the pages counts as one place."""

    admin_password: SecretStr | None = None
    """Password of the user `admin`, whom the first start creates; unset: a random one, shown once."""
    admin_password_file: Path | None = None
    """File for a random password of `admin` (mode 0600); unset: `STATE_DIR/admin-password`."""
    trace_ratio: float = Field(default=0.05, ge=0, le=1)
    """Share of the requests from outside that are traced, 0 to 1, whatever their callers wish: those of the
    pages follow what the pages decided, by their own `TRACE_RATIO`."""

    token_hours: float = Field(default=12, gt=0, le=24 * 30)
    """How long a token from `POST /v1/auth/token` is valid, in hours."""

    user_requests_per_second: Rate = 20_000
    """Requests per second that each credential with the role `user` may make; 0: no limit."""
    engineer_requests_per_second: Rate = 20_000
    """The same for `engineer`."""
    maintainer_requests_per_second: Rate = 20_000
    """The same for `maintainer`; a key may have its own rate instead of its role's."""
    burst_seconds: float = Field(default=2, gt=0)
    """Size of bursts: as many requests as the rate allows in this many seconds."""
    requests_in_flight: int = Field(default=256, ge=1)
    """Requests that one credential may have in flight at the same time."""

    max_upload_bytes: int = Field(default=2 * 1024**3, gt=0)
    """Largest body of `POST /v1/datasets`, in bytes; it is streamed and never held in memory."""

    mqtt_url: MqttUrl | None = None
    """Address of an MQTT broker, `mqtt://host:1883`, or `mqtts://host:8883` with TLS; unset: no MQTT."""
    mqtt_username: str = "gateway"
    """The gateway's user at the broker."""
    mqtt_password: SecretStr | None = None
    """Password of that user."""
    mqtt_password_file: Path | None = None
    """File with that password, instead of `MQTT_PASSWORD`."""
    mqtt_ca_file: Path | None = None
    """Certificates that the broker's is checked against; unset: those that this machine trusts."""
    mqtt_broker_dir: Path | None = None
    """Folder for the broker's `users` and `topics.acl`, written from the devices; unset: they are not."""
    mqtt_devices_topic: str | None = None
    """Topic on which the devices are kept for a broker on another machine to read; unset: they are not."""
    mqtt_in_flight: int = Field(default=128, ge=1, le=65_535)
    """Requests that a gateway works on at the same time; the others wait in the broker."""
    mqtt_message_bytes: int = Field(default=1024 * 1024, gt=0)
    """Largest request over MQTT, in bytes."""
    mqtt_keep_hours: float = Field(default=24, gt=0)
    """Hours for which a request over MQTT that is sent again is known, and answered as before; and for which
    the broker keeps requests while no gateway runs."""

    websockets: int = Field(default=512, ge=0)
    """WebSockets that may be open at the same time, over all callers; each takes about 60 kB."""
    websockets_per_credential: int = Field(default=128, ge=0)
    """WebSockets that one credential may have open: a key may show a run to a whole class."""

    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins whose pages may call the API from a browser, separated by commas; unset: none."""

    @field_validator("cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        TrustedProxies(value)
        return value

    @model_validator(mode="after")
    def _has_a_password_for_the_broker(self) -> Self:
        if self.mqtt_url and self.mqtt_password is None and self.mqtt_password_file is None:
            raise ValueError("MQTT_URL needs MQTT_PASSWORD or MQTT_PASSWORD_FILE")
        return self

    @property
    def database(self) -> str:
        """Return the URL of the gateway's database."""
        return self.database_url or f"sqlite:///{self.state_dir / 'gateway.db'}"

    @property
    def rates(self) -> dict[Role, float]:
        """Return the requests per second by role."""
        return {
            Role.USER: self.user_requests_per_second,
            Role.ENGINEER: self.engineer_requests_per_second,
            Role.MAINTAINER: self.maintainer_requests_per_second,
        }

    @property
    def password_file(self) -> Path:
        """Return where a random password of `admin` is kept."""
        return self.admin_password_file or self.state_dir / "admin-password"
