"""Changing a policy: the fields that are given replace the present ones, and every bad one is named."""

import math
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from data_processor.models.policy import Policy, with_present_names
from data_processor.service.errors import FieldError, Invalid
from data_processor.tasks.registry import task_of


def changed(present: Mapping[str, Any], changes: Mapping[str, Any], task: str) -> Policy:
    """Return a policy with changes merged in; raises `Invalid` naming every field that is wrong."""
    try:
        policy = Policy.model_validate({**with_present_names(present), **with_present_names(changes)})
    except ValidationError as error:
        raise _refused(
            [FieldError(loc=["body", "policy", *e["loc"]], message=e["msg"]) for e in error.errors()]
        ) from error
    errors = [
        FieldError(loc=["body", "policy", name], message="must be a finite number")
        for name, value in policy
        if isinstance(value, float) and not math.isfinite(value)
    ]
    metric = policy.selection_metric
    if metric is not None and metric not in task_of(task).description.metrics:
        message = f"{metric!r} does not measure a model for {task}"
        errors.append(FieldError(loc=["body", "policy", "selection_metric"], message=message))
    if errors:
        raise _refused(errors)
    return policy


def _refused(errors: list[FieldError]) -> Invalid:
    fields = "One field is" if len(errors) == 1 else f"{len(errors)} fields are"
    return Invalid(f"{fields} not valid, so the policy was not changed.", errors=errors)
