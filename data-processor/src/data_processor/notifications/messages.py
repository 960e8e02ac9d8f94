"""What a receiver is told of an event: sentences with links for people, JSON for programs."""

from datetime import UTC
from typing import Any
from urllib.parse import urlencode

from data_processor.notifications.events import TEST
from data_processor.rows import NotificationRow
from data_processor.service.trace_context import parse_traceparent, trace_id_of
from data_processor.settings import Settings

TITLES = {
    "score.fell": "the score fell",
    "run.opened": "a training run was opened",
    "run.held": "the gate held the new version back",
    "run.rejected": "the gate rejected the new version",
    "run.failed": "a run failed",
    "version.waiting": "a version waits for a maintainer",
    "version.promoted": "a version was promoted",
    "version.rolled_back": "a version was rolled back",
    "watch.alerted": "a promoted version needs a decision",
    "retraining.paused": "retraining is paused",
    "drift.found": "the inputs have drifted",
    TEST: "a test of this destination",
}
"""What happened, by the type of the event."""


class Messages:
    """Puts events into words and links."""

    def __init__(self, settings: Settings) -> None:
        """Link to the pages and to traces, as far as the settings say where those are."""
        self._pages = str(settings.pages_url).rstrip("/") if settings.pages_url else None
        self._trace = settings.trace_url

    def message(self, row: NotificationRow) -> dict[str, Any]:
        """Return one message as the sender takes it: `id`, `title`, `text` and `payload`."""
        title = f"{row.model or 'Loopkeeper'} ({row.stage}): {TITLES.get(row.type, row.type)}"
        links = self._links(row)
        lines = [row.message, *(f"{name.capitalize()}: {link}" for name, link in links.items())]
        return {
            "id": row.id,
            "title": title,
            "text": "\n".join(lines),
            "payload": {
                "type": row.type,
                "timestamp": row.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
                "data": {
                    "stage": row.stage,
                    "model": row.model or None,
                    "version": row.version,
                    "run": row.run,
                    "trace_id": trace_id_of(row.traceparent),
                    "title": title,
                    "message": row.message,
                    "links": links,
                },
            },
        }

    def _links(self, row: NotificationRow) -> dict[str, str]:
        links = {}
        if self._pages and row.model:
            links["model"] = f"{self._pages}/model?{urlencode({'model': row.model})}"
        if self._pages and row.type == "drift.found":
            query = urlencode({"model": row.model, "monitored": "Drift"})
            links["report"] = f"{self._pages}/monitoring?{query}"
        if self._pages and row.run:
            links["run"] = f"{self._pages}/run?{urlencode({'id': row.run})}"
        trace = parse_traceparent(row.traceparent)
        if self._trace and trace is not None and trace.sampled:  # nobody kept the others
            links["trace"] = self._trace.replace("{trace}", trace.trace_id)
        return links
