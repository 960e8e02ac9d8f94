"""The members of a blend of candidates for texts."""

from data_processor.tasks.candidates import Candidate, Vectorizer


def members_of(candidate: Candidate) -> list[Candidate]:
    """Return what a blend is made of."""
    return [
        Candidate(
            estimator=one["estimator"],
            params=one["params"],
            vectorizer=Vectorizer.model_validate(one["vectorizer"]),
            recent_share=candidate.recent_share,
        )
        for one in candidate.params["members"]
    ]
