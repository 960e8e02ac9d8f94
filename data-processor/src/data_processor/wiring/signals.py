"""What each process tells about itself; `make contract` writes it to signals.json for the documentation.

A module that counts declares its metrics in `METRICS` and registers them with the registry it is given; here
it is joined with its process. A test compares both with `/metrics`.
"""

from data_processor.models import refusals
from data_processor.monitoring import metrics as loop
from data_processor.runs import metrics as runs
from data_processor.service import metrics as requests
from data_processor.service.signals import Signals
from data_processor.serving import metrics as serving

SIGNALS = {
    "data-processor serve": Signals(metrics=(*requests.METRICS, *serving.METRICS)),
    "data-processor work": Signals(
        metrics=(*requests.METRICS, *runs.METRICS, *refusals.METRICS, *loop.METRICS)
    ),
}
