"""The part of the gateway that tells how models and services are doing."""

from typing import Any, cast

from streamlit_ui.calls import Caller
from streamlit_ui.contract.types import ServiceLogs, Traffic


class MonitoringClient(Caller):
    """What engineers see without Grafana."""

    def traffic(self, model: str, hours: int) -> Traffic:
        """Show how much a model was asked in the last hours, and how fast it answered."""
        path = "/v1/models/{model}/traffic"
        return cast(Traffic, self._json("GET", path, model, params={"hours": str(hours)}))

    def service_logs(self, *, level: str, limit: int, service: str | None, containing: str) -> ServiceLogs:
        """Read the newest entries of the services' logs, oldest first."""
        asked: dict[str, Any] = {
            "level": level,
            "limit": str(limit),
            "service": service,
            "containing": containing,
        }
        params = {name: value for name, value in asked.items() if value}
        return cast(ServiceLogs, self._json("GET", "/v1/logs", params=params))
