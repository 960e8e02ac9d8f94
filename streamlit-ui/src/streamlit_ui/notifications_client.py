"""The part of the gateway that notifies: destinations and deliveries."""

from typing import cast

from streamlit_ui.calls import SLOW_S, Caller
from streamlit_ui.contract.types import (
    Delivery,
    Destination,
    DestinationChange,
    DestinationRequest,
    MadeDestination,
)


class NotificationsClient(Caller):
    """What engineers read, and maintainers change."""

    def destinations(self) -> list[Destination]:
        """List where notifications go."""
        return cast(list[Destination], self._json("GET", "/v1/notifications/destinations"))

    def create_destination(self, asked: DestinationRequest) -> MadeDestination:
        """Add a destination; a webhook's secret is in this answer and never again."""
        return cast(
            MadeDestination,
            self._json("POST", "/v1/notifications/destinations", json=dict(asked), timeout=SLOW_S),
        )

    def change_destination(self, destination: str, changes: DestinationChange) -> None:
        """Change some fields of a destination."""
        self._call(
            "PATCH",
            "/v1/notifications/destinations/{destination}",
            destination,
            json=dict(changes),
            timeout=SLOW_S,
        )

    def delete_destination(self, destination: str) -> None:
        """Delete a destination."""
        self._call("DELETE", "/v1/notifications/destinations/{destination}", destination)

    def test_destination(self, destination: str) -> None:
        """Have a test sent there."""
        self._call("POST", "/v1/notifications/destinations/{destination}/test", destination)

    def deliveries(self, destination: str, limit: int) -> list[Delivery]:
        """List what was to be delivered to a destination, newest first."""
        params = {"destination": destination, "limit": str(limit)}
        return cast(list[Delivery], self._json("GET", "/v1/notifications/deliveries", params=params))
