"""The part of the fake gateway that tells how models and services are doing."""

from typing import Any

import canned
from fake_http import Handlers


def canned_traffic(predictions: int) -> dict[str, Any]:
    """Return a day in which every second hour had so many predictions."""
    latency = {"p50": 1.2, "p95": 3.4, "p99": 9.9}
    hours = [
        {
            "at": canned.ago(hours=23 - hour),
            "predictions": predictions * (hour % 2),
            "latency_ms": latency if predictions and hour % 2 else None,
        }
        for hour in range(24)
    ]
    return {
        "model": "census-income",
        "predictions": 12 * predictions,
        "latency_ms": latency if predictions else None,
        "hours": hours,
        "refused": {"overloaded": 3} if predictions else {},
        "refused_since": canned.ago(hours=30),
    }


class FakeMonitoring:
    """How a model was asked, and what the services logged."""

    def __init__(self) -> None:
        self.traffic = canned_traffic(100)
        self.service_logs: dict[str, Any] = {
            "kept": True,
            "services": ["data-processor-serve", "pipeline-api"],
            "entries": [
                {
                    "service": "pipeline-api",
                    "at": canned.ago(minutes=1),
                    "level": "warning",
                    "text": "2026-01-01T00:00:00Z [warning] slow trace_id=0af7 <img src=x>",
                }
            ],
        }

    def monitoring_handlers(self) -> Handlers:
        return {
            "GET /v1/models/{model}/traffic": lambda **_: (200, self.traffic),
            "GET /v1/logs": lambda **_: (200, self.service_logs),
        }
