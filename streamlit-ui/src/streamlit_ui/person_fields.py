"""What is kept about a person, as people fill it in: details, consent, the last day to know them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from streamlit_ui.contract.types import Person, PersonChange, PersonRequest
from streamlit_ui.times import timestamp


class UnreadableDetails(ValueError):
    """A line of the details names nothing; the message is a sentence to show."""


@dataclass(frozen=True)
class PersonFields:
    """What was filled in."""

    label: str
    contact: str
    details: dict[str, str]
    agreed: bool
    """Whether the person agrees to be recognised."""
    until: date | None
    """The last day on which the person is known."""

    def request(self, images: list[str]) -> PersonRequest:
        """Return the request that enrols the person with some pictures."""
        asked: PersonRequest = {"label": self.label, "images": images}
        if self.contact:
            asked["contact"] = self.contact
        if self.details:
            asked["details"] = self.details
        if self.agreed:
            asked["consent_at"] = _now()
        if self.until:
            asked["keep_until"] = _end_of(self.until)
        return asked

    def changes(self, person: Person) -> PersonChange:
        """Return what differs from what is kept; a consent that was given keeps its date."""
        changed: PersonChange = {}
        if self.label != person["label"]:
            changed["label"] = self.label
        if self.contact != person["contact"]:
            changed["contact"] = self.contact
        if self.details != person["details"]:
            changed["details"] = self.details
        if self.agreed != bool(person["consent_at"]):
            changed["consent_at"] = _now() if self.agreed else None
        if self.until != day(person["keep_until"]):
            changed["keep_until"] = _end_of(self.until) if self.until else None
        return changed


def read_details(text: str) -> dict[str, str]:
    """Return the details that lines such as `Department: Sales` name; raises `UnreadableDetails`."""
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, value = map(str.strip, line.partition(":"))
        if not (name and colon):
            raise UnreadableDetails(f"“{line}” names nothing: write it as in “Department: Sales”.")
        found[name] = value
    return found


def write_details(details: dict[str, str]) -> str:
    """Return details as lines that `read_details` reads."""
    return "\n".join(f"{name}: {' '.join(value.split())}" for name, value in details.items())


def day(at: str | None) -> date | None:
    """Return the day of a timestamp, in UTC."""
    read = timestamp(at)
    return read.date() if read else None


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _end_of(last: date) -> str:
    return datetime.combine(last, time.max, UTC).isoformat()
