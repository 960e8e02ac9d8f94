"""Prometheus metrics of runs: how they end, and how long their steps take."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from data_processor.service.signals import AnyMetric, Metric

SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 900, 3600)

STEPS = Metric(
    Histogram,
    "loopkeeper_run_step_seconds",
    "Time that a finished step of a run took.",
    {"step": "steps of the kinds of runs"},
    SECONDS,
)
RUNS = Metric(
    Counter,
    "loopkeeper_runs",
    "Runs that ended.",
    {
        "kind": "kinds of runs",
        "model": "models of this stage; empty for a run of a dataset",
        "trigger": ("score", "manual", "upload", "drift", "initial"),
        "status": ("succeeded", "failed", "cancelled"),
    },
)
DURATION = Metric(
    Histogram,
    "loopkeeper_run_duration_seconds",
    "Time from the start of a run to its end.",
    {"kind": "kinds of runs", "status": ("succeeded", "failed", "cancelled")},
    SECONDS,
)
GATES = Metric(
    Counter,
    "loopkeeper_gate_verdicts",
    "Verdicts of the gate.",
    {"model": "models of this stage", "verdict": ("promote", "hold", "reject")},
)
METRICS: tuple[AnyMetric, ...] = (STEPS, RUNS, DURATION, GATES)


class RunMetrics:
    """The metrics of one `work` process's runs."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register every metric with the service's registry."""
        self._steps = STEPS.register(registry)
        self._runs = RUNS.register(registry)
        self._duration = DURATION.register(registry)
        self._gates = GATES.register(registry)

    def step(self, name: str, seconds: float) -> None:
        """Record a finished step."""
        self._steps.labels(name).observe(seconds)

    def ended(
        self,
        kind: str,
        model: str,
        trigger: str,
        status: str,
        *,
        seconds: float | None = None,
        verdict: str | None = None,
    ) -> None:
        """Record the end of a run; `model` is empty if the run belongs to a dataset.

        `seconds` are those since it was started, if it was; `verdict` is that of its gate, if it had one.
        """
        self._runs.labels(kind, model, trigger, status).inc()
        if seconds is not None:
            self._duration.labels(kind, status).observe(seconds)
        if verdict is not None:
            self._gates.labels(model, verdict).inc()
