from typing import Any


def test_the_history_has_every_evaluation_and_points_between_them(stage: Any) -> None:
    stage.rate(50, 0)
    stage.rate(15, 10)
    points = stage.feedback.history("census", 100)
    assert [point["n"] for point in points] == [10, 20, 30, 40, 50, 60, 70]
    assert [point["state"] for point in points] == ["collecting"] * 4 + ["healthy"] * 3
    assert [bool(point["reason"]) for point in points] == [False] * 4 + [True] + [False] * 2
    assert set(points[0]) == {"at", "n", "value", "low", "high", "version", "state", "reason", "run"}


def test_a_point_has_the_score_of_its_time(stage: Any) -> None:
    stage.rate(10)
    stage.rate(0, 10)
    assert [point["value"] for point in stage.feedback.history("census", 100)] == [1.0, 0.5]


def test_the_evaluation_that_opened_a_run_names_it(stage: Any) -> None:
    stage.rate(0, 50)
    decision = stage.feedback.history("census", 100)[-1]
    assert (decision["state"], decision["run"]) == ("retraining", stage.decisions()[0].run)


def test_the_newest_points_are_shown_oldest_first(stage: Any) -> None:
    stage.rate(100)
    points = stage.feedback.history("census", 3)
    assert [point["n"] for point in points] == [80, 90, 100]


def test_each_version_starts_anew(stage: Any) -> None:
    stage.rate(50)
    stage.serve("2")
    stage.rate(0, 10, version="1")
    stage.rate(10, version="2")
    points = stage.feedback.history("census", 100)
    assert [(point["version"], point["n"], point["state"]) for point in points[-2:]] == [
        ("1", 50, "healthy"),
        ("2", 10, "collecting"),
    ]


def test_the_score_of_a_version_that_came_back_goes_on(stage: Any) -> None:
    stage.rate(50)
    stage.serve("2")
    stage.rate(10, version="2")
    stage.serve("1")
    stage.rate(10)
    assert [point["n"] for point in stage.feedback.history("census", 100)][-2:] == [10, 60]


def test_a_model_without_feedback_has_no_history(stage: Any) -> None:
    assert stage.feedback.history("census", 100) == []
