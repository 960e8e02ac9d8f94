"""What each process tells about itself; `make contract` writes it to signals.json for the documentation.

A module that counts declares its metrics in `METRICS` and registers them with the registry it is given; here
it is joined with its process. A test compares both with `/metrics`.
"""

from data_processor.models import refusals
from data_processor.monitoring import metrics as loop
from data_processor.runs import compute, jobs
from data_processor.runs import metrics as runs
from data_processor.service import database_metrics, logging, middleware
from data_processor.service import metrics as requests
from data_processor.service.signals import Signals
from data_processor.serving import metrics as serving
from data_processor.training import promotion_watch

SIGNALS = {
    "data-processor serve": Signals(
        metrics=(*requests.METRICS, *database_metrics.METRICS, *serving.METRICS),
        spans=(*middleware.SPANS, *compute.SPANS),
        lines=(*logging.LINES, *middleware.LINES),
    ),
    "data-processor work": Signals(
        metrics=(
            *requests.METRICS,
            *database_metrics.METRICS,
            *runs.METRICS,
            *refusals.METRICS,
            *loop.METRICS,
        ),
        spans=(*jobs.SPANS, *promotion_watch.SPANS, *compute.SPANS),
        lines=(*logging.LINES, *jobs.LINES),
    ),
}
