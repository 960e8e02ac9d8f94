"""What the gateway tells about itself; `make contract` writes it to signals.json for the documentation."""

from pipeline_api import metrics, upstream
from pipeline_api.service import database_metrics, logging, middleware
from pipeline_api.service import metrics as requests
from pipeline_api.service.signals import Signals

SIGNALS = {
    "pipeline-api": Signals(
        metrics=(*requests.METRICS, *database_metrics.METRICS, *metrics.METRICS),
        spans=(*middleware.SPANS, *upstream.SPANS),
        lines=(*logging.LINES, *middleware.LINES),
    )
}
