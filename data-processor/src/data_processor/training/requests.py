"""What people ask a run to try, checked against what is declared: every wrong field at once."""

from collections.abc import Sequence

from data_processor.service.errors import Invalid
from data_processor.training.estimators import estimator_problems
from data_processor.training.schemas import CandidateRequest


def check_candidates(task: str, asked: Sequence[CandidateRequest] | None) -> None:
    """Raise `Invalid` naming every estimator and hyperparameter that the task does not have."""
    errors = [
        problem
        for place, candidate in enumerate(asked or ())
        for problem in estimator_problems(
            task, candidate.estimator, dict(candidate.params), "body", "candidates", place
        )
    ]
    if errors:
        raise Invalid("The run was not started: see each field's message.", errors=errors)
