"""Traces of the pages: each run of a page is one, and goes on in every call that it makes.

Streamlit runs a page from top to bottom whenever somebody does something on it. The pages decide which of
these runs are recorded, and the gateway believes them by their token: so a trace is whole.
"""

import logging
import random
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version

from streamlit_ui.service.pages_log import FORMAT
from streamlit_ui.service.spans import Traced, traced
from streamlit_ui.service.trace_context import current_request, new_traceparent
from streamlit_ui.settings import Settings, settings

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


def page_run(page: str) -> AbstractContextManager[Traced]:
    """Run a page in a trace of its own; `page` is its address, from the closed set of pages."""
    return traced(f"page {page or 'home'}", None, "server", {"url.path": f"/{page}"}, root=_is_chosen())


@contextmanager
def call(method: str, headers: Mapping[str, str]) -> Iterator[tuple[Traced, dict[str, str]]]:
    """Call the gateway in the current trace; yield the call and its headers, with those of the trace."""
    ids = current_request.get()
    parent = ids.traceparent if ids else None
    with traced(method, parent, "client", {"http.request.method": method}, root=_is_chosen()) as work:
        token = settings().pages_token
        known = {VISITOR_HEADER: token.get_secret_value()} if token else {}
        yield work, {"traceparent": new_traceparent(), **known, **headers}


def _is_chosen() -> bool:
    return random.random() < settings().trace_ratio  # noqa: S311  # no secret
