"""What goes in and out of `/v1/auth`."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

from pipeline_api.auth.passwords import MAX_CHARACTERS
from pipeline_api.roles import Role

RESERVED_NAMES = frozenset({"loopkeeper", "gateway"})
"""The subject of what the platform does automatically, and the gateway's own user at the broker."""


def _not_reserved(value: object) -> object:
    if isinstance(value, str) and value.lower() in RESERVED_NAMES:
        raise ValueError(f"'{value}' is reserved for the platform itself")
    return value


USERNAME = r"^[a-zA-Z0-9][a-zA-Z0-9._@-]*$"
Username = Annotated[
    str,
    StringConstraints(to_lower=True, min_length=1, max_length=64, pattern=USERNAME),
    BeforeValidator(_not_reserved),
]
KeyName = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$")
]
Password = Annotated[SecretStr, Field(max_length=MAX_CHARACTERS)]


class Input(BaseModel):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Token(BaseModel):
    """What a person gets for their password."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  # the name of a scheme, not a secret
    expires_in: int
    """Seconds."""
    role: Role


class Me(BaseModel):
    """Whose credential made the request."""

    subject: str
    role: Role
    kind: Literal["token", "key"]
    trusted: bool
    """Labels given with this credential are trusted: by its role, or because its key was marked so."""
    expires_at: datetime


class User(BaseModel):
    """A person who signs in."""

    model_config = ConfigDict(from_attributes=True)

    username: str
    role: Role
    created_at: datetime
    created_by: str
    signed_in_at: datetime | None


class NewUser(Input):
    """A user to add."""

    username: Username
    password: Password
    role: Role = Role.USER


class UserChange(Input):
    """What to change about a user; to change one's own password takes the current one too."""

    role: Role | None = None
    password: Password | None = None
    current_password: Password | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.role is None and self.password is None:
            raise ValueError("nothing to change: send 'role' or 'password'")
        return self


class Key(BaseModel):
    """A credential of a program, without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    role: Role
    requests_per_second: float | None
    trusted: bool
    """The labels it gives count as an engineer's do; those of engineers' and maintainers' keys always do."""
    created_at: datetime
    created_by: str
    expires_at: datetime

    @model_validator(mode="after")
    def _trust_by_role(self) -> Self:
        self.trusted = self.trusted or self.role.includes(Role.ENGINEER)
        return self


class MadeKey(Key):
    """A key that was just created: its secret is shown only once."""

    key: str


class NewKey(Input):
    """A key to create."""

    name: KeyName
    role: Role = Role.USER
    expires_in_days: int = Field(default=90, ge=1, le=3650)
    requests_per_second: float | None = Field(default=None, gt=0, le=1_000_000)
    """The key's own rate limit instead of its role's."""
    trusted: bool = False
    """Count the labels it gives as an engineer's: for programs that send checked truths."""


DeviceName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9._-]*$"),
    BeforeValidator(_not_reserved),
]


class Device(BaseModel):
    """A thing that speaks MQTT, without its password."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    """Its username at the broker, and the last part of its topics."""
    public_topics: bool
    """It also uses the topics without a name, `<model>/actions/<feature>` and `<model>/results/<feature>`."""
    created_at: datetime
    created_by: str


class MadeDevice(Device):
    """A device that was just created: its password is shown only once."""

    password: str


class NewDevice(Input):
    """A device to create."""

    name: DeviceName
    public_topics: bool = False
    """Also let it use the topics without a name: at most one device can."""


class KeyChange(Input):
    """What to change about a key."""

    trusted: bool
