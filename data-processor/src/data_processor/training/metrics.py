"""Which metric candidates are ranked by, and which one the gate decides by."""

from data_processor.models.policy import Policy
from data_processor.statistics.measures import SelectionMetric
from data_processor.statistics.receipt import SliceName
from data_processor.tasks.registry import task_of


def selection_metric(policy: Policy, task: str) -> SelectionMetric:
    """Return what candidates are ranked by: what the policy says, else what suits the task."""
    return policy.selection_metric or task_of(task).description.default_metric


def deciding_metric(slice: SliceName, policy: Policy, task: str) -> SelectionMetric:  # noqa: A002  # its name
    """Return the metric that a gate decides by on a slice.

    Where a task's answers are neither right nor wrong, as those of a regression without a tolerance, the
    selection metric decides always.
    """
    countable = task_of(task).counts_right_answers(policy.tolerance)
    return "accuracy" if slice == "recent" and countable else selection_metric(policy, task)
