import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from data_processor.models.policy import Policy
from data_processor.statistics.gate import Answers, Receipt, Slice, decide, level
from data_processor.statistics.paired import mcnemar, rows_needed
from data_processor.statistics.slices import Terms
from data_processor.training.metrics import deciding_metric, selection_metric

POLICY = Policy()
CLASSES = ("no", "yes")


def _answers(truth: NDArray[Any], is_right: NDArray[Any]) -> Answers:
    other = np.where(truth == "no", "yes", "no").astype(object)
    return Answers(labels=np.where(is_right, truth, other).astype(object))


def _pairs(both: int, won: int, lost: int, wrong: int) -> Slice:
    """Rows of both classes in turn, with so many right answers of both, one or neither model."""
    counts = [both, won, lost, wrong]
    truth = np.resize(np.array(CLASSES, object), sum(counts))
    champion = np.repeat([True, False, True, False], counts)
    challenger = np.repeat([True, True, False, False], counts)
    return Slice(truth, _answers(truth, champion), _answers(truth, challenger))


def _gate(rows: Slice, policy: Policy = POLICY, k: int = 1, other: Slice | None = None) -> Receipt:
    return decide(
        slice="recent",
        labels=rows.labels,
        champion=rows.champion,
        challenger=rows.challenger,
        metric="accuracy",
        policy=policy,
        k=k,
        seed=7,
        classes=CLASSES,
        other_slice=other,
    )


def test_a_challenger_that_is_better_beyond_chance_is_promoted() -> None:
    receipt = _gate(_pairs(260, 70, 28, 42))
    assert receipt.verdict == "promote"
    assert receipt.p_value == mcnemar(70, 28)
    assert (receipt.champion, receipt.challenger) == (288 / 400, 330 / 400)
    assert (receipt.alpha, receipt.n, receipt.n_needed) == (0.025, 400, None)


def test_a_promotion_is_explained_with_its_numbers() -> None:
    reason = _gate(_pairs(260, 70, 28, 42)).reason
    assert reason == (
        "On 400 recent test rows the challenger's accuracy is 0.825 against the champion's 0.720 "
        "(gain +0.105, 70 rows won and 28 lost). That is more than chance: p = 1.3e-05 < alpha = 0.025."
    )


def test_a_champion_that_is_better_stays() -> None:
    receipt = _gate(_pairs(260, 28, 70, 42))
    assert receipt.verdict == "reject"
    assert "The champion is better" in receipt.reason


def test_a_gain_that_may_be_chance_is_held_with_the_rows_it_would_take() -> None:
    receipt = _gate(_pairs(300, 45, 38, 17))
    assert receipt.verdict == "hold"
    compared = Terms("accuracy", POLICY, CLASSES).compare(_pairs(300, 45, 38, 17), 0.025, 7)
    assert compared is not None
    assert receipt.n_needed == rows_needed(compared, 400, receipt.next_alpha)
    assert f"About {receipt.n_needed} rows would prove" in receipt.reason


def test_the_rows_needed_are_for_the_next_gate() -> None:
    assert _gate(_pairs(300, 45, 38, 17), k=3).next_alpha == level(POLICY, 4)


def test_no_rows_are_asked_for_when_there_is_no_gain() -> None:
    receipt = _gate(_pairs(300, 40, 45, 15))
    assert (receipt.verdict, receipt.n_needed) == ("hold", None)
    assert "more rows will not help" in receipt.reason


def test_each_further_gate_against_a_champion_is_stricter() -> None:
    rows = _pairs(300, 62, 38, 0)
    assert [_gate(rows, k=k).verdict for k in (1, 2, 3)] == ["promote", "hold", "hold"]
    assert _gate(rows, k=2).alpha == pytest.approx(0.05 / 6)


def test_the_levels_of_all_gates_add_up_to_the_policys() -> None:
    assert sum(level(POLICY, k) for k in range(1, 100_000)) == pytest.approx(0.05, abs=1e-6)
    with pytest.raises(ValueError, match="counted from 1"):
        level(POLICY, 0)


def _with_broken_class(lost: int) -> Slice:
    """A challenger far better on `no` that loses `lost` of the 100 rows of `yes`."""
    truth = np.repeat(np.array(["no", "yes"], object), [300, 100])
    champion = np.r_[np.arange(300) < 150, np.full(100, True)]
    challenger = np.r_[np.full(300, True), np.arange(100) >= lost]
    return Slice(truth, _answers(truth, champion), _answers(truth, challenger))


def test_a_challenger_that_breaks_a_class_is_rejected_however_good_it_is() -> None:
    receipt = _gate(_with_broken_class(16))
    assert receipt.verdict == "reject"
    assert "Class 'yes' is broken: its recall falls from 1.000 to 0.840 on 100 rows" in receipt.reason


def test_a_class_may_lose_what_the_policy_allows() -> None:
    assert _gate(_with_broken_class(15)).verdict == "promote"
    assert _gate(_with_broken_class(16), Policy(max_recall_loss=0.2)).verdict == "promote"


def test_a_class_with_few_rows_is_not_compared() -> None:
    receipt = _gate(_with_broken_class(40), Policy(min_class_rows=101))
    assert receipt.verdict == "promote"
    assert [c.label for c in receipt.slices["recent"].classes] == ["no"]


def test_a_loss_of_recall_that_may_be_chance_breaks_no_class() -> None:
    truth = np.repeat(np.array(["no", "yes"], object), [300, 20])
    champion = np.r_[np.arange(300) < 150, np.arange(20) < 10]
    challenger = np.r_[np.full(300, True), (np.arange(20) >= 4) & (np.arange(20) < 10)]
    receipt = _gate(Slice(truth, _answers(truth, champion), _answers(truth, challenger)))
    yes = receipt.slices["recent"].classes[1]
    assert yes.champion - yes.challenger == pytest.approx(0.2)
    assert (yes.p_worse, yes.broken) == (1 / 16, False)
    assert receipt.verdict == "promote"


def test_what_is_lost_on_reference_rows_does_not_matter_unless_the_policy_says_so() -> None:
    better, worse = _pairs(260, 70, 28, 42), _pairs(600, 50, 150, 200)
    assert _gate(better, other=worse).verdict == "promote"
    held = _gate(better, Policy(max_reference_loss=0.05), other=worse)
    assert (held.verdict, held.n_needed) == ("hold", None)
    assert "on the holdout rows it loses 0.100, and it may lose at most 0.05" in held.reason
    assert _gate(better, Policy(max_reference_loss=0.11), other=worse).verdict == "promote"


def test_a_loss_on_reference_rows_of_exactly_what_is_allowed_is_not_more() -> None:
    better, worse = _pairs(260, 70, 28, 42), _pairs(450, 60, 110, 380)
    assert 560 / 1_000 - 510 / 1_000 > 0.05  # as 64-bit floats see it
    assert _gate(better, Policy(max_reference_loss=0.05), other=worse).verdict == "promote"


def test_a_reference_loss_that_matters_must_have_been_measured() -> None:
    held = _gate(_pairs(260, 70, 28, 42), Policy(max_reference_loss=0.05))
    assert held.verdict == "hold"
    assert "where it was not measured" in held.reason


def test_of_many_classes_the_one_that_is_broken_worst_is_named() -> None:
    truth = np.repeat(np.array(["a", "b", "c", "d"], object), [200, 60, 60, 19])
    place = np.concatenate([np.arange(n) for n in (200, 60, 60, 19)])
    lost = np.select([truth == "b", truth == "c", truth == "d"], [12, 30, 19], 0)
    champion = Answers(labels=np.where((truth != "a") | (place < 50), truth, "b").astype(object))
    challenger = Answers(labels=np.where(place >= lost, truth, "a").astype(object))
    receipt = _gate(Slice(truth, champion, challenger))
    assert receipt.verdict == "reject"
    assert "Class 'c' is broken" in receipt.reason
    broken = {c.label: c.broken for c in receipt.slices["recent"].classes}
    assert broken == {"a": False, "b": True, "c": True}  # of d there are too few rows


@pytest.mark.parametrize("broken", ["champion", "challenger"])
def test_values_that_are_no_numbers_prove_nothing(broken: str) -> None:
    truth = np.random.default_rng(1).normal(0, 1, 100)
    near, nan = Answers(values=truth + 0.1), Answers(values=np.full(100, np.nan))
    receipt = decide(
        slice="reference",
        labels=truth,
        champion=nan if broken == "champion" else near,
        challenger=nan if broken == "challenger" else near,
        metric="rmse",
        policy=POLICY,
        k=1,
        seed=1,
    )
    assert (receipt.verdict, receipt.p_value, receipt.p_worse, receipt.n_needed) == ("hold", 1.0, 1.0, None)
    json.dumps(receipt.as_json(), allow_nan=False)


def test_without_deciding_rows_the_gate_holds() -> None:
    receipt = _gate(_pairs(0, 0, 0, 0))
    assert (receipt.verdict, receipt.n, receipt.p_value) == ("hold", 0, None)
    assert receipt.reason == "There are no rows to decide on, so nothing can be proved."


def _first(
    truth: NDArray[Any],
    challenger: Answers,
    metric: Any = "accuracy",
    classes: tuple[str, ...] = CLASSES,
) -> Receipt:
    return decide(
        slice="reference",
        labels=truth,
        champion=None,
        challenger=challenger,
        metric=metric,
        policy=POLICY,
        k=1,
        seed=7,
        classes=classes,
    )


def test_a_first_model_must_beat_the_majority_class() -> None:
    truth = np.repeat(np.array(["no", "yes"], object), [300, 100])
    better = _answers(truth, np.arange(400) % 10 != 0)
    receipt = _first(truth, better)
    assert (receipt.verdict, receipt.champion, receipt.baseline) == ("promote", None, 0.75)
    assert receipt.alpha == 0.05
    assert "against 0.750 for always giving the same answer" in receipt.reason


def test_a_first_model_no_better_than_the_majority_class_is_held() -> None:
    truth = np.repeat(np.array(["no", "yes"], object), [300, 100])
    assert _first(truth, _answers(truth, truth == "no")).verdict == "hold"


def test_a_first_model_worse_than_the_majority_class_is_rejected() -> None:
    truth = np.repeat(np.array(["no", "yes"], object), [300, 100])
    assert _first(truth, _answers(truth, np.arange(400) % 2 == 0)).verdict == "reject"


def test_a_first_classifier_may_be_compared_by_log_loss() -> None:
    rng = np.random.default_rng(1)
    truth = np.where(rng.random(500) < 0.25, "yes", "no").astype(object)
    sure = np.where(truth == "yes", 0.6, 0.15)
    answers = Answers(labels=truth, probabilities=np.c_[1 - sure, sure])
    receipt = _first(truth, answers, "log_loss")
    assert (receipt.verdict, receipt.test, receipt.resamples) == ("promote", "bootstrap", 2000)


def test_a_first_regression_must_beat_the_mean() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(10, 3, 300)
    assert _first(truth, Answers(values=truth + rng.normal(0, 1, 300)), "rmse", ()).verdict == "promote"
    assert _first(truth, Answers(values=np.full(300, truth.mean())), "rmse", ()).verdict == "hold"


def test_a_regression_is_compared_by_its_right_answers_on_recent_rows() -> None:
    truth = np.zeros(400)
    champion, challenger = np.full(400, 2.0), np.full(400, 0.5)
    receipt = decide(
        slice="recent",
        labels=truth,
        champion=Answers(values=champion),
        challenger=Answers(values=challenger),
        metric="accuracy",
        policy=Policy(tolerance=1.0),
        k=1,
        seed=1,
    )
    assert (receipt.verdict, receipt.test) == ("promote", "mcnemar")
    assert receipt.slices["recent"].classes == ()


def test_recent_rows_decide_by_what_the_score_counts() -> None:
    assert deciding_metric("recent", Policy(selection_metric="f1"), "tabular-classification") == "accuracy"
    assert deciding_metric("recent", Policy(tolerance=0.5), "tabular-regression") == "accuracy"
    assert deciding_metric("recent", Policy(selection_metric="mae"), "tabular-regression") == "mae"


def test_reference_rows_decide_by_what_candidates_are_selected_by() -> None:
    assert deciding_metric("reference", Policy(selection_metric="f1"), "tabular-classification") == "f1"
    assert selection_metric(Policy(), "tabular-classification") == "log_loss"
    assert selection_metric(Policy(), "tabular-regression") == "rmse"


def test_the_receipt_has_the_public_fields_and_both_slices() -> None:
    body = _gate(_pairs(260, 70, 28, 42), other=_pairs(600, 50, 60, 90)).as_json()
    public = "verdict reason slice metric champion challenger p_value alpha n n_needed"
    assert set(public.split()) <= set(body)
    assert body["slices"]["reference"]["rows"] == 800
    assert body["slices"]["recent"]["pairs"] == {
        "both_right": 260,
        "challenger_only": 70,
        "champion_only": 28,
        "both_wrong": 42,
    }
    assert Receipt.model_validate(json.loads(json.dumps(body, allow_nan=False))).as_json() == body


def test_a_metric_without_a_value_is_null_in_the_receipt_and_held() -> None:
    truth = np.full(60, "no", object)
    answers = Answers(labels=truth, probabilities=np.tile([0.9, 0.1], (60, 1)))
    receipt = decide(
        slice="reference",
        labels=truth,
        champion=answers,
        challenger=answers,
        metric="roc_auc",
        policy=POLICY,
        k=1,
        seed=1,
        classes=CLASSES,
    )
    assert (receipt.verdict, receipt.champion, receipt.discordance) == ("hold", None, None)
    assert receipt.reason.startswith("On 60 holdout rows the ROC AUC cannot be computed.")
    json.dumps(receipt.as_json(), allow_nan=False)


def test_the_same_seed_gives_the_same_receipt() -> None:
    rng = np.random.default_rng(3)
    truth = np.where(rng.random(200) < 0.4, "yes", "no").astype(object)
    sure = np.clip(np.where(truth == "yes", 0.6, 0.4) + rng.normal(0, 0.2, (2, 200)), 0.01, 0.99)
    models = [Answers(labels=truth, probabilities=np.c_[1 - p, p]) for p in sure]
    receipts = [
        decide(
            slice="reference",
            labels=truth,
            champion=models[0],
            challenger=models[1],
            metric="roc_auc",
            policy=POLICY,
            k=1,
            seed=11,
            classes=CLASSES,
        )
        for _ in range(2)
    ]
    assert receipts[0] == receipts[1]
