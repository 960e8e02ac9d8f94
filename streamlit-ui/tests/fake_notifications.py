"""The part of the fake gateway that notifies."""

from typing import Any

import canned
from fake_http import Answer, Handlers, Refused, find


def delivery(**fields: Any) -> dict[str, Any]:
    """Return a delivery that waits for its next attempt."""
    return {
        "id": "notification-1",
        "destination": "destination-1",
        "event": "run.failed",
        "stage": "main",
        "model": "census-income",
        "run": "run-2",
        "message": "Run run-2 failed: no data.",
        "at": canned.ago(minutes=90),
        "state": "waiting",
        "attempts": 2,
        "attempted_at": canned.ago(minutes=30),
        "next_at": canned.ago(minutes=-60),
        "error": "The receiver answered 500 Internal Server Error.",
        **fields,
    }


def destination(**fields: Any) -> dict[str, Any]:
    """Return a webhook that wants two events."""
    return {
        "id": "destination-1",
        "name": "operations",
        "kind": "webhook",
        "shown": "https://ops.example.org/…",
        "events": ["run.failed", "score.fell"],
        "active": True,
        "problem": None,
        "revision": 3,
        "subject": "maya",
        "created_at": canned.ago(hours=30),
        "waiting": 0,
        "next_at": None,
        "last": None,
        **fields,
    }


class FakeNotifications:
    """Where notifications go."""

    def __init__(self) -> None:
        self.deliveries = [delivery()]
        self.destinations = [
            destination(waiting=1, next_at=canned.ago(minutes=-60), last=self.deliveries[0]),
            destination(id="destination-2", name="chat", kind="apprise", shown="Slack"),
        ]
        self.tested: list[str] = []

    def notification_handlers(self) -> Handlers:
        path = "/v1/notifications/destinations"
        return {
            f"GET {path}": lambda **_: (200, self.destinations),
            f"POST {path}": self.create_destination,
            f"PATCH {path}/{{destination}}": self.change_destination,
            f"DELETE {path}/{{destination}}": self.delete_destination,
            f"POST {path}/{{destination}}/test": self.test_destination,
            "GET /v1/notifications/deliveries": lambda query, **_: (
                200,
                [one for one in self.deliveries if one["destination"] == query["destination"]],
            ),
        }

    def create_destination(self, given: Any, **_: Any) -> Answer:
        if any(one["name"] == given["name"] for one in self.destinations):
            raise Refused(409, f"There is a destination named {given['name']!r} already.")
        named = {name: given[name] for name in ("name", "kind", "events")}
        made = destination(**named, id=f"destination-{len(self.destinations) + 1}", shown="somewhere")
        self.destinations.append(made)
        return 201, {**made, "secret": "whsec_only-shown-once" if given["kind"] == "webhook" else None}

    def change_destination(self, destination: str, given: Any, **_: Any) -> Answer:
        found = find(self.destinations, "id", destination)
        if given.get("expected_revision", found["revision"]) != found["revision"]:
            raise Refused(409, f"Somebody has changed the destination {found['name']!r} meanwhile.")
        found["revision"] += 1
        found.update({name: value for name, value in given.items() if name in found})
        return 200, found

    def delete_destination(self, destination: str, **_: Any) -> Answer:
        self.destinations.remove(find(self.destinations, "id", destination))
        return 204, None

    def test_destination(self, destination: str, **_: Any) -> Answer:
        self.tested.append(find(self.destinations, "id", destination)["id"])
        return 202, delivery(event="test", destination=destination, model=None, run=None)
