"""What the gateway tells about itself; `make contract` writes it to signals.json for the documentation."""

from pipeline_api import metrics
from pipeline_api.service import metrics as requests
from pipeline_api.service.signals import Signals

SIGNALS = {"pipeline-api": Signals(metrics=(*requests.METRICS, *metrics.METRICS))}
