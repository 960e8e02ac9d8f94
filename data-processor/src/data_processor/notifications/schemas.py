"""What the routes of notifications take and give."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from data_processor.notifications.events import EventType

Kind = Literal["webhook", "apprise"]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]
Address = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[!-~]+$")]
Secret = Annotated[
    str,
    Field(
        max_length=200,
        description="`whsec_` and 24 to 64 bytes in base64. It is never shown again.",
    ),
]


class DestinationRequest(BaseModel):
    """A new destination."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    kind: Kind = Field(
        description="`webhook`: signed after Standard Webhooks; `apprise`: any URL of Apprise."
    )
    address: Address = Field(
        description="The URL. It is kept encrypted and never shown again: most contain a credential."
    )
    secret: Secret | None = Field(None, description="What a webhook is signed with. Default: a random one.")
    events: list[EventType] = Field(min_length=1, max_length=50)

    @field_validator("events")
    @classmethod
    def _once(cls, events: list[EventType]) -> list[EventType]:
        return sorted(set(events))


class DestinationChange(BaseModel):
    """What is to be changed of a destination; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    address: Address | None = None
    secret: Secret | None = None
    events: list[EventType] | None = Field(None, min_length=1, max_length=50)
    active: bool | None = Field(None, description="Whether it is notified.")
    expected_revision: int | None = Field(
        None, description="The revision that is changed: 409 if somebody has changed the destination since."
    )

    @field_validator("events")
    @classmethod
    def _once(cls, events: list[EventType] | None) -> list[EventType] | None:
        return None if events is None else sorted(set(events))


class Delivery(BaseModel):
    """One notification for one destination."""

    id: str = Field(description="Of the notification; receivers get it as `webhook-id`.")
    destination: str
    event: EventType | Literal["test"]
    stage: str
    model: str | None
    run: str | None
    message: str
    at: datetime = Field(description="When it happened.")
    state: Literal["waiting", "delivered", "given_up"]
    attempts: int
    attempted_at: datetime | None = Field(description="The last attempt.")
    next_at: datetime | None = Field(description="The next attempt, while it waits.")
    error: str | None = Field(description="What went wrong at the last attempt.")


class Destination(BaseModel):
    """Where notifications go, without its secrets."""

    id: str
    name: str
    kind: Kind
    shown: str = Field(description="As much of its address as anybody may see.")
    events: list[EventType]
    active: bool
    problem: str | None = Field(description="Why the platform switched it off, if it did.")
    revision: int = Field(description="One more with each change that somebody makes.")
    subject: str = Field(description="Who entered it.")
    created_at: datetime
    waiting: int = Field(description="Notifications that are not delivered yet.")
    next_at: datetime | None = Field(description="The next attempt, if there is something to deliver.")
    last: Delivery | None = Field(description="What was last tried to be delivered.")


class MadeDestination(Destination):
    """A new destination; of a webhook with its secret, this once."""

    secret: str | None = Field(description="What a webhook is signed with; it is never shown again.")
