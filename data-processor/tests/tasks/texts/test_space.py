import time
from collections import Counter
from typing import Any

import pytest

from data_processor.features.split import Split
from data_processor.models.policy import Policy
from data_processor.tasks.candidates import Candidate
from data_processor.tasks.comparison import Tried
from data_processor.tasks.space import Fitted, Trials
from data_processor.tasks.texts.counting import Counted
from data_processor.tasks.texts.declared import ESTIMATORS
from data_processor.tasks.texts.folds import FOLDS
from data_processor.training.search import search, try_fit


def test_every_estimator_is_tried_however_small_the_budget(comments_split: Split) -> None:
    found = search(comments_split, Policy(), budget_s=0.01, seed=1)

    assert {row.candidate.estimator for row in found.leaderboard} - {"blend"} == {
        one.name for one in ESTIMATORS
    }
    assert found.best == found.leaderboard[0].candidate
    assert found.metric == "roc_auc"
    assert found.leaderboard[0].metrics["roc_auc"] > 0.8


def test_the_budget_is_used_and_kept_and_progress_is_told(
    comments_split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Budgets are seconds of this process's own: a busy machine takes nothing of them.
    monkeypatch.setattr("data_processor.training.clock.monotonic", time.process_time)
    monkeypatch.setattr("data_processor.tasks.texts.trials.monotonic", time.thread_time)
    told: list[tuple[float, Tried]] = []
    began = time.process_time()
    asked = [{"estimator": "naive-bayes", "vectorizer": {"name": "tf-idf", "params": {"ngrams": "1-1"}}}]
    found = search(
        comments_split, Policy(), budget_s=2, seed=1, asked=asked, progress=lambda *news: told.append(news)
    )

    assert time.process_time() - began < 10  # two seconds; to divide, blend and compare, on any machine
    assert found.trials > 1
    assert 0 < len(told) <= found.trials
    assert [share for share, _ in told] == sorted(share for share, _ in told)
    for row in found.leaderboard:
        assert row.candidate.vectorizer is not None
        assert row.candidate.vectorizer.params["ngrams"] == "1-1"
        assert (row.fit_seconds > 0, row.ms_per_row > 0, row.bytes > 0) == (True, True, True)


def test_the_policy_says_what_the_best_is_best_by(comments_split: Split) -> None:
    found = search(comments_split, Policy(selection_metric="log_loss"), budget_s=1, seed=1)

    first, *others = [row.metrics["log_loss"] for row in found.leaderboard]
    assert others == sorted(others)
    assert first < others[-1]
    assert found.history == sorted(found.history, reverse=True)


def test_once_the_budget_is_over_a_required_estimator_is_measured_by_one_division(
    comments_split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits: Counter[str] = Counter()

    def counted(trials: Trials, candidate: Candidate, fold: int) -> Fitted:
        fits[candidate.estimator] += 1
        return try_fit(trials, candidate, fold)

    monkeypatch.setattr("data_processor.training.search.try_fit", counted)
    search(comments_split, Policy(), budget_s=0.01, seed=1)

    assert fits == {one.name: FOLDS for one in ESTIMATORS}


def test_terms_are_counted_once_for_all_fits_of_a_vectorizer(
    comments_split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[Counted] = []

    def count(*given: Any) -> Counted:
        counts.append(Counted(*given))
        return counts[-1]

    monkeypatch.setattr("data_processor.tasks.texts.trials.Counted", count)
    asked = [
        {"estimator": "naive-bayes", "vectorizer": {"name": "tf-idf", "params": {"ngrams": "1-1"}}},
        {"estimator": "logistic-regression", "vectorizer": {"name": "tf-idf", "params": {"ngrams": "1-1"}}},
    ]
    search(comments_split, Policy(), budget_s=0.01, seed=1, asked=asked)

    assert len(counts) == 1
