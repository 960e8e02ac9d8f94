"""What the pages count: how long they run, what fails, and their calls of the gateway."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from time import perf_counter

import httpx
from prometheus_client import Counter, Histogram

from streamlit_ui.service.registry import METHODS, TARGET, new_registry
from streamlit_ui.service.signals import AnyMetric, Metric
from streamlit_ui.service.trace_context import RequestIds
from streamlit_ui.settings import settings

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_FIRST_ERROR = 400

RUNS = Metric(
    Histogram,
    "loopkeeper_page_run_duration_seconds",
    "Time that a page took to run from top to bottom, which it does whenever somebody does something on it.",
    {
        "page": "addresses of the pages; `home` for the one without",
        "outcome": ("shown", "interrupted", "failed"),
    },
    SECONDS,
)
FAILURES = Metric(
    Counter,
    "loopkeeper_page_failures",
    "Apologies: what nobody expected, on a page or in a part that refreshes. The log has its reference.",
)
CALLS = Metric(
    Histogram,
    "http_client_request_duration_seconds",
    "Time from a request to the gateway to the end of its answer.",
    {
        "http_request_method": METHODS,
        "url_template": "routes of the gateway's contract",
        "http_response_status_code": "status codes of the gateway; empty if it did not answer",
        "error_type": "connection, timeout, cancelled, or a status code from 400 on; empty if all went well",
    },
    SECONDS,
)
METRICS: tuple[AnyMetric, ...] = (TARGET, RUNS, FAILURES, CALLS)


class Answer:
    """What becomes of a call: whoever makes it sets the status; it is 0 until then."""

    def __init__(self) -> None:
        self.status = 0
        self.failure = ""

    @property
    def error(self) -> str:
        """What kind of error it is, from a closed set; empty if all went well."""
        return self.failure or (str(self.status) if self.status >= _FIRST_ERROR else "")


class PagesMetrics:
    """The metrics of one process of pages, in the registry that `/metrics` shows."""

    def __init__(self, instance_id: str, revision: str) -> None:
        """Register them."""
        self.registry = new_registry(version("streamlit-ui"), instance_id, revision)
        self._runs = RUNS.register(self.registry)
        self.failures = FAILURES.register(self.registry)
        self._calls = CALLS.register(self.registry)

    @contextmanager
    def page_run(self, page: str, ids: RequestIds) -> Iterator[None]:
        """Count a run of a page; a sampled trace becomes the exemplar."""
        began, outcome = perf_counter(), "shown"
        try:
            yield
        except Exception:
            outcome = "failed"
            raise
        except BaseException:
            # How Streamlit stops a page: it runs again, or another one is opened.
            outcome = "interrupted"
            raise
        finally:
            exemplar = {"trace_id": ids.trace_id} if ids.sampled else None
            self._runs.labels(page, outcome).observe(perf_counter() - began, exemplar)

    @contextmanager
    def call(self, method: str, route: str) -> Iterator[Answer]:
        """Count a call of the gateway; `route` is the template of a path, never the path."""
        began, answer = perf_counter(), Answer()
        try:
            yield answer
        except httpx.TimeoutException:
            answer.failure = "timeout"
            raise
        except httpx.TransportError:
            answer.failure = "connection"
            raise
        except BaseException:
            answer.failure = "cancelled"
            raise
        finally:
            status = str(answer.status or "")
            self._calls.labels(method, route, status, answer.error).observe(perf_counter() - began)


@cache
def pages_metrics() -> PagesMetrics:
    """Return the metrics of this process; the pages run many times in it."""
    chosen = settings()
    return PagesMetrics(chosen.instance_id, chosen.code_revision)
