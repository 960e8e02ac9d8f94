import canned
from streamlit_ui.parts.leaderboard import deciding_metric, frame

LOSSES = {"log_loss", "mae", "rmse"}


def test_each_metric_has_a_column() -> None:
    shown = frame(canned.LEADERBOARD)
    assert list(shown.columns) == [
        "#", "Candidate", "Log loss", "Accuracy", "ROC AUC", "Standing", "Fit time", "Per row", "Size",
        "Recent rows", "Settings",
    ]  # fmt: skip
    assert list(shown["#"]) == ["1", "2", "3"]
    assert list(shown["Standing"]) == ["tied", "tied", ""]
    assert list(shown["Size"]) == ["412 kB", "7.12 MB", "14.2 kB"]


def test_the_metric_that_explains_the_order_comes_first() -> None:
    rows = [
        {"candidate": "x", "metrics": {"accuracy": accuracy, "log_loss": loss}}
        for accuracy, loss in ((0.75, 0.49), (0.77, 0.5), (0.72, 0.54))
    ]
    assert deciding_metric(rows, LOSSES) == "log_loss"
    assert deciding_metric(rows[::-1], LOSSES) is None  # the worst loss first
    assert list(frame(rows, LOSSES).columns)[1:4] == ["Candidate", "Log loss", "Accuracy"]
    assert deciding_metric(rows[:1], LOSSES) is None
    assert deciding_metric(canned.LEADERBOARD, LOSSES) is None  # in the order of each of them


def test_candidates_that_differ_look_different() -> None:
    """Two of the same settings may be fitted to other rows."""
    candidate = {"estimator": "hist-gradient-boosting", "params": {"max_iter": 40, "learning_rate": 0.1}}
    shares: list[object] = ["only", 0.9, "natural"]
    shown = frame([{"candidate": {**candidate, "recent_share": share}} for share in shares])
    assert list(shown["Recent rows"]) == ["only these", "90 % of the weight", "as any other"]
    assert set(shown["Settings"]) == {"max iter 40, learning rate 0.1"}


def test_what_is_not_known_is_a_dash() -> None:
    shown = frame(
        [{"candidate": "random-forest"}, {"candidate": {"estimator": "x"}, "metrics": {"mae": 2.0}}]
    )
    assert list(shown["Candidate"]) == ["Random forest", "X"]
    assert list(shown["Mean absolute error"]) == ["–", "2"]
    assert list(shown["Fit time"]) == list(shown["Recent rows"]) == list(shown["Settings"]) == ["–", "–"]


def test_the_candidate_to_take_is_named() -> None:
    rows = [{"candidate": "a", "tied": True}, {"candidate": "b", "tied": True, "recommended": True}]
    assert list(frame(rows)["Standing"]) == ["tied", "recommended, tied"]


def test_a_vectorizer_stands_before_the_settings() -> None:
    candidate = {"estimator": "x", "params": {"C": 0.5}, "vectorizer": {"name": "tf-idf", "params": {"n": 2}}}
    assert list(frame([{"candidate": candidate}])["Settings"]) == ["tf-idf (n 2), c 0.5"]
    assert list(frame([{"candidate": {**candidate, "vectorizer": "tf-idf"}}])["Settings"]) == [
        "tf-idf, c 0.5"
    ]
