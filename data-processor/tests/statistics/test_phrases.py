import pytest

from data_processor.statistics.phrases import metric_name, percent


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.84, "84.0 %"),
        (2 / 3, "66.7 %"),
        (0, "0.0 %"),
        (0.0001, "< 0.1 %"),
        (0.9999, "> 99.9 %"),
        (1, "100.0 %"),
    ],
)
def test_a_share_is_written_as_the_pages_show_it(share: float, said: str) -> None:
    assert percent(share) == said


@pytest.mark.parametrize(("metric", "said"), [("roc_auc", "ROC AUC"), ("log_loss", "log loss"), ("r2", "R²")])
def test_a_metric_is_written_as_people_do(metric: str, said: str) -> None:
    assert metric_name(metric) == said
