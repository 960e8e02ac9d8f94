"""The search on few texts is not worse than plain words and a logistic regression: repeated nested folds."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline

from comments import divide, make_comments
from data_processor.features.split import Rows, Split
from data_processor.models.policy import Policy
from data_processor.tasks.fitting import fit
from data_processor.tasks.pipelines import answer
from data_processor.tasks.texts.families import PLAIN
from data_processor.tasks.texts.folds import stratified
from data_processor.training.search import search

FOLDS = 3
LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))


def whole_words(rows: int, seed: int) -> pd.DataFrame:
    """Return texts of random words, whose class a few of them decide as wholes: pieces say nothing."""
    draw = np.random.default_rng(seed)
    words = np.array(["".join(draw.choice(LETTERS, draw.integers(3, 8))) for _ in range(300)])
    texts = [draw.choice(words, 14) for _ in range(rows)]
    telling = np.array(
        [np.isin(text, words[:20]).sum() - np.isin(text, words[20:40]).sum() for text in texts]
    )
    yes = telling + draw.normal(0, 0.7, rows) > 0
    return pd.DataFrame({"comment": [" ".join(text) for text in texts], "toxic": np.where(yes, "yes", "no")})


def nothing(rows: int, seed: int) -> pd.DataFrame:
    """Return texts whose class nothing tells."""
    table = whole_words(rows, seed)
    return table.assign(toxic=np.random.default_rng(seed + 1).permutation(table["toxic"].to_numpy()))


def gains(split: Split, seeds: int, budget_s: float) -> list[float]:
    """Return by how much ROC AUC the search is better, on each outer fold of each repetition."""
    rows = split.fitting.join(split.validation, split.holdout)
    none = rows.take(np.zeros(len(rows), np.bool_))
    found = []
    for seed in range(seeds):
        at = stratified(rows.target, rows.positions, FOLDS, np.random.default_rng(seed))
        for fold in range(FOLDS):
            train, test = rows.take(at != fold), rows.take(at == fold)
            inner = Split(split.schema, train, none, none, none, "validation")
            found.append(gain(inner, test, seed, budget_s))
    return found


def gain(inner: Split, test: Rows, seed: int, budget_s: float) -> float:
    best = search(inner, Policy(selection_metric="roc_auc"), budget_s=budget_s, seed=seed).best
    plain = make_pipeline(TfidfVectorizer(), LogisticRegression())
    plain.fit(inner.fitting.frame.iloc[:, 0], inner.fitting.target)
    said = answer(fit(best, inner.fitting, inner.schema, seed), test.frame)[:, 1]
    before = plain.predict_proba(test.frame.iloc[:, 0])[:, 1]
    yes = test.target == "yes"
    return float(roc_auc_score(yes, said) - roc_auc_score(yes, before))


def worse_beyond_noise(differences: list[float]) -> bool:
    """Say whether the mean of paired differences is below 0 by more than two standard errors."""
    error = np.std(differences, ddof=1) / len(differences) ** 0.5
    return bool(np.mean(differences) < -max(2 * error, 0.01))


@pytest.mark.parametrize("make", [whole_words, make_comments])
def test_the_search_is_not_worse_than_plain_words(make: Callable[[int, int], pd.DataFrame]) -> None:
    assert not worse_beyond_noise(gains(divide(make(240, 4)), seeds=1, budget_s=0.3))


def test_plain_words_are_a_candidate_however_small_the_budget() -> None:
    found = search(divide(whole_words(240, 4)), Policy(selection_metric="roc_auc"), budget_s=0.01, seed=1)
    tried = [row.candidate for row in found.leaderboard]
    plain = [one for one in tried if one.vectorizer and PLAIN.items() <= one.vectorizer.params.items()]

    assert [(one.estimator, one.params["C"]) for one in plain] == [("logistic-regression", 1.0)]


@pytest.mark.services
@pytest.mark.parametrize("make", [whole_words, make_comments, nothing])
@pytest.mark.parametrize("rows", [300, 900])
def test_repeated_searches_are_not_worse_than_plain_words(
    make: Callable[[int, int], pd.DataFrame], rows: int
) -> None:
    differences = [one for seed in (1, 2) for one in gains(divide(make(rows, seed)), seeds=2, budget_s=2.0)]
    assert not worse_beyond_noise(differences)
