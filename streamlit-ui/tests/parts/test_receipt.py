import canned
from streamlit_ui.parts.receipt import figures, raters, recalls, slices


def test_the_figures_that_decided_are_named() -> None:
    shown = figures(canned.RECEIPT)
    assert shown["Decided on"] == "Recent feedback"
    assert shown["Accuracy, champion"] == "0.712"
    assert shown["p-value, challenger better"] == "0.0003"
    assert shown["Must be below"] == "0.025"
    assert shown["Right: both / challenger / rival / neither"] == "182 / 31 / 9 / 46"
    assert "Rows needed" not in shown


def test_a_hold_says_how_many_rows_it_would_take() -> None:
    assert figures(canned.HOLD)["Rows needed"] == "240"


def test_without_a_champion_the_rival_is_the_constant_answer() -> None:
    shown = figures({**canned.RECEIPT, "champion": None, "baseline": 0.5})
    assert shown["Accuracy, constant answer"] == "0.5"
    assert "Accuracy, champion" not in shown


def test_both_sets_of_rows_are_shown() -> None:
    shown = slices(canned.RECEIPT)
    assert shown is not None
    assert list(shown["Rows"]) == ["Recent feedback", "Holdout rows"]
    assert list(shown["Decided"]) == ["yes", ""]


def test_each_class_is_shown() -> None:
    shown = recalls(canned.RECEIPT)
    assert shown is not None
    assert list(shown["Class"]) == ["<=50K", ">50K"]
    assert list(shown["Challenger"]) == ["83.0 %", "72.0 %"]


def test_whose_labels_decided_is_shown() -> None:
    line = {"rater": "uma", "trusted": False, "labels": 300, "used": 45, "deciding": 31}
    without = {"rater": "uma", "rows": 31, "verdict": "hold", "p_value": 0.2}
    receipt = {**canned.RECEIPT, "raters": [line], "without": without}
    shown = raters(receipt)
    assert shown is not None
    assert shown.to_dict("records") == [
        {"Rater": "uma", "Trusted": "", "Labels": "300", "Used": "45", "Test rows": "31"}
    ]
    assert figures(receipt)["Without uma"] == "hold, on 31 rows less"


def test_a_receipt_of_which_little_is_known_is_still_shown() -> None:
    assert figures({"verdict": "promote"})["Test rows"] == "–"
    assert slices({}) is None
    assert recalls({"slice": "recent"}) is None
    assert raters({}) is None
