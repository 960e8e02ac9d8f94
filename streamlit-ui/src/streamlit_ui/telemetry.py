"""Traces of the pages: each run of a page is one, and goes on in every call that it makes.

Streamlit runs a page from top to bottom whenever somebody does something on it. The pages decide which of
these runs are recorded, and the gateway believes them by their token: so a trace is whole.
"""

import logging
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version

from streamlit_ui.metrics import METRICS, Answer, pages_metrics
from streamlit_ui.service.pages_log import FORMAT
from streamlit_ui.service.signals import DeclaredSpan, Signals
from streamlit_ui.service.spans import traced
from streamlit_ui.service.trace_context import current_request, new_traceparent
from streamlit_ui.settings import Settings, settings

SPANS = (
    DeclaredSpan("page {page}", "server", "A run of a page.", ("url.path",), ("error.type",)),
    DeclaredSpan(
        "{method}",
        "client",
        "A call of the gateway.",
        ("http.request.method", "url.template"),
        ("http.response.status_code", "error.type"),
    ),
)
SIGNALS = {"streamlit-ui": Signals(metrics=METRICS, spans=SPANS)}
"""What the pages tell about themselves; `make contract` writes it to signals.json for the documentation."""
VISITOR_HEADER = "X-Loopkeeper-Visitor"
"""Who has the token of the pages; `visitor.py` adds where a visitor is."""


def configure_telemetry(chosen: Settings) -> None:
    """Send traces and logs to the settings' collector, if there is one; call after configure_logging."""
    if chosen.otlp_endpoint:
        from streamlit_ui.service.otlp import export_to  # noqa: PLC0415  # 0.3 s and 30 MB for a stack only

        resource = {
            "service.name": "streamlit-ui",
            "service.version": version("streamlit-ui"),
            "service.instance.id": chosen.instance_id,
            "vcs.ref.head.revision": chosen.code_revision,
            "deployment.environment.name": chosen.stage,
        }
        export_to(chosen.otlp_endpoint, resource, logging.Formatter(FORMAT))


@contextmanager
def page_run(page: str) -> Iterator[None]:
    """Run a page in a trace of its own, and count it; `page` is its address, from the closed set of pages."""
    name = page or "home"
    with (
        traced(f"page {name}", None, "server", {"url.path": f"/{page}"}, root=_is_chosen()) as work,
        pages_metrics().page_run(name, work.ids),
    ):
        yield


@contextmanager
def call(method: str, route: str, headers: Mapping[str, str]) -> Iterator[tuple[Answer, dict[str, str]]]:
    """Call the gateway in the current trace, and count that; `route` is the template of a path.

    Yields what becomes its answer, and the call's headers with those of the trace.
    """
    ids = current_request.get()
    parent = ids.traceparent if ids else None
    attributes = {"http.request.method": method, "url.template": route}
    with (
        traced(method, parent, "client", attributes, root=_is_chosen()) as work,
        pages_metrics().call(method, route) as answer,
    ):
        token = settings().pages_token
        known = {VISITOR_HEADER: token.get_secret_value()} if token else {}
        yield answer, {"traceparent": new_traceparent(), **known, **headers}
        work.error = answer.error or None
        work.attributes["http.response.status_code"] = answer.status


def _is_chosen() -> bool:
    return random.random() < settings().trace_ratio  # noqa: S311  # no secret
