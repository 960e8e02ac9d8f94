import canned
from streamlit_ui.parts.leaderboard import frame


def test_each_metric_has_a_column() -> None:
    shown = frame(canned.LEADERBOARD)
    assert list(shown.columns) == [
        "Candidate", "Log loss", "Accuracy", "ROC AUC", "Tied", "Fitted in", "Per row", "Size",
    ]  # fmt: skip
    assert list(shown["Tied"]) == ["tied", "tied", ""]
    assert list(shown["Size"]) == ["412 kB", "7.12 MB", "14.2 kB"]


def test_what_is_not_known_is_a_dash() -> None:
    shown = frame(
        [{"candidate": "random-forest"}, {"candidate": {"estimator": "x"}, "metrics": {"mae": 2.0}}]
    )
    assert list(shown["Candidate"]) == ["Random forest", "X"]
    assert list(shown["Mean absolute error"]) == ["–", "2"]
    assert list(shown["Fitted in"]) == ["–", "–"]
