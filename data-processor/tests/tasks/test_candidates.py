from data_processor.features.preparation import Preparation
from data_processor.tasks.candidates import Candidate


def test_a_candidate_comes_back_from_json() -> None:
    for share, kept in (
        ("natural", Preparation()),
        ("only", Preparation(scaling="none")),
        (0.9, Preparation()),
    ):
        candidate = Candidate(estimator="ridge", params={"alpha": 2.0}, recent_share=share, preparation=kept)
        assert Candidate.model_validate(candidate.as_json()) == candidate
