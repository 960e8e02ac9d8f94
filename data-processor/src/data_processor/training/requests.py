"""What people ask a run to try, checked against what is declared: every wrong field at once."""

from collections.abc import Sequence

from data_processor.service.errors import Invalid
from data_processor.tasks.registry import task_of
from data_processor.tasks.requests import estimator_problems, vectorizer_problems
from data_processor.training.schemas import CandidateRequest


def check_candidates(task: str, asked: Sequence[CandidateRequest] | None) -> None:
    """Raise `Invalid` naming every estimator, vectorizer and hyperparameter that the task does not have."""
    errors, described = [], task_of(task).description
    for place, candidate in enumerate(asked or ()):
        where = ("body", "candidates", place)
        errors += estimator_problems(described, candidate.estimator, dict(candidate.params), *where)
        chosen = candidate.vectorizer
        if chosen is not None:
            name, params = (chosen, {}) if isinstance(chosen, str) else (chosen.name, chosen.params)
            errors += vectorizer_problems(described, name, dict(params), *where)
    if errors:
        raise Invalid("The run was not started; see the message of each field.", errors=errors)
