"""Which metric candidates are ranked by, and which one the gate decides by."""

from data_processor.features.schema import Task
from data_processor.models.policy import Policy
from data_processor.statistics.measures import SelectionMetric
from data_processor.statistics.receipt import SliceName
from data_processor.tasks.estimators import TASKS


def selection_metric(policy: Policy, task: Task) -> SelectionMetric:
    """Return what candidates are ranked by: what the policy says, else what suits the task."""
    described = TASKS.get(task)
    return policy.selection_metric or (described.default_metric if described else "log_loss")


def deciding_metric(slice: SliceName, policy: Policy, task: Task) -> SelectionMetric:  # noqa: A002  # its name
    """Return the metric that a gate decides by on a slice.

    A regression without a tolerance has no right answers to count: there the selection metric decides always.
    """
    countable = task != "tabular-regression" or policy.tolerance > 0
    return "accuracy" if slice == "recent" and countable else selection_metric(policy, task)
