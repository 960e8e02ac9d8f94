from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_processor.database import Database
from data_processor.datasets.census import make_table, schema_of
from data_processor.features import holdout
from data_processor.features.schema import Schema
from data_processor.features.split import PREDICTION_COLUMN
from data_processor.models.policy import Policy
from data_processor.rows import FeedbackRow
from data_processor.tasks.comparison import as_answers
from data_processor.training.assessment import (
    POINTS,
    VersionAnswers,
    counted,
    describe,
    differences,
    fair,
)

DRAW = np.random.default_rng(3)
BINARY = Schema.model_validate(
    {"task": "tabular-classification", "target": "y", "columns": [], "classes": ["no", "yes"]}
)
REGRESSION = Schema.model_validate({"task": "tabular-regression", "target": "y", "columns": []})


def answers_of(version: str, said: Any, schema: Schema) -> VersionAnswers:
    return VersionAnswers(version, said, as_answers(said, schema))


@pytest.fixture(scope="module")
def asked() -> tuple[VersionAnswers, VersionAnswers, Any]:
    """Two versions on 3 000 rows of a known truth: one that knows the probability, and one that is unsure."""
    yes = DRAW.random(3_000)
    truth = np.where(DRAW.random(3_000) < yes, "yes", "no").astype(object)
    blurred = np.clip(yes + DRAW.normal(0, 0.3, 3_000), 0.01, 0.99)
    good, worse = (np.stack([1 - p, p], axis=1) for p in (yes, blurred))
    return answers_of("1", good, BINARY), answers_of("2", worse, BINARY), truth


def test_a_version_is_described_by_metrics_confusion_and_curves(asked: Any) -> None:
    first, _, truth = asked
    found = describe(first, truth, BINARY)
    assert set(found["metrics"]) == {"accuracy", "balanced_accuracy", "f1", "roc_auc", "log_loss"}
    (no_no, no_yes), (yes_no, yes_yes) = found["confusion"]
    assert no_no + no_yes == (truth == "no").sum()
    assert (no_no + yes_yes) / len(truth) == pytest.approx(found["metrics"]["accuracy"])
    assert yes_no > 0
    (curves,) = found["curves"]
    assert curves["label"] == "yes"
    assert curves["roc_auc"] == pytest.approx(found["metrics"]["roc_auc"])
    assert (curves["roc"][0], curves["roc"][-1]) == ((0, 0), (1, 1))
    for name in ("roc", "precision_recall"):
        assert 50 < len(curves[name]) <= POINTS
    x, y = np.array(curves["roc"]).T
    assert np.trapezoid(y, x) == pytest.approx(curves["roc_auc"], abs=0.002)
    assert len(curves["calibration"]) == 10
    assert all(abs(said - happened) < 0.1 for said, happened in curves["calibration"])


def test_differences_have_intervals_that_hold_what_was_measured(asked: Any) -> None:
    first, second, truth = asked
    lines = {line["metric"]: line for line in differences(first, second, truth, BINARY)}
    for line in lines.values():
        assert (line["version"], line["against"], line["level"]) == ("2", "1", 0.95)
        assert line["low"] < line["difference"] < line["high"]
    assert lines["roc_auc"]["high"] < 0  # it is surely worse
    assert lines["log_loss"]["low"] > 0


def test_equal_versions_do_not_differ(asked: Any) -> None:
    first, _, truth = asked
    for line in differences(first, first, truth, BINARY):
        assert (line["difference"], line["low"], line["high"]) == (0, 0, 0)


def test_few_rows_have_no_intervals(asked: Any) -> None:
    first, second, truth = asked
    few, others = (answers_of(one.version, one.outputs[:29], BINARY) for one in (first, second))
    lines = differences(few, others, truth[:29], BINARY)
    assert lines
    assert all(line["low"] is None and line["high"] is None for line in lines)


def test_a_regression_has_metrics_and_differences_and_no_curves() -> None:
    truth = DRAW.normal(size=400)
    first, second = (
        answers_of(version, truth[:, None] + DRAW.normal(0, off, (400, 1)), REGRESSION)
        for version, off in (("1", 0.1), ("2", 1.0))
    )
    found = describe(first, truth, REGRESSION)
    assert set(found["metrics"]) == {"mae", "rmse", "r2"}
    assert (found["confusion"], found["curves"]) == (None, [])
    lines = {line["metric"]: line for line in differences(first, second, truth, REGRESSION)}
    assert lines["rmse"]["low"] > 0


def test_several_classes_have_curves_each_unless_they_do_not_occur() -> None:
    schema = BINARY.model_copy(update={"classes": ("a", "b", "c")})
    said = DRAW.dirichlet([1, 1, 1], 300)
    truth = np.array(["a", "b"], object)[said[:, :2].argmax(axis=1)]
    found = describe(answers_of("1", said, schema), truth, schema)
    assert [curves["label"] for curves in found["curves"]] == ["a", "b"]
    assert np.array(found["confusion"]).shape == (3, 3)


def test_no_row_that_a_version_was_fitted_to_is_fair() -> None:
    table = make_table(500, 1)
    schema = schema_of(table)
    at = holdout.positions(table, schema.inputs, "salt")
    own = fair(table, None, schema, "salt")
    assert own.tolist() == (at < 0.20).tolist()
    other = pd.concat([make_table(200, 2), table.iloc[:100]], ignore_index=True)
    kept = fair(other, table, schema, "salt")
    assert kept[200:].tolist() == own[:100].tolist()
    assert kept[:200].mean() > 0.9


def test_no_rater_supplies_more_than_their_share_of_an_evaluation(tmp_path: Path) -> None:
    honest = [f"honest-{number % 9}" for number in range(180)]
    said = [*[(who, False) for who in honest], *[("mallory", False)] * 600, *[("ann", True)] * 5]
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    database.create_tables()
    with database.transaction() as session:
        session.add_all(
            FeedbackRow(
                prediction=f"p{number}",
                model="m",
                stage="main",
                version="1",
                pinned=pinned,
                asked=False,
                subject=who,
                correct=True,
                label="yes",
                value=None,
                comment=None,
            )
            for number, (who, pinned) in enumerate(said)
        )
    frame = pd.DataFrame({PREDICTION_COLUMN: ["", "", *(f"p{number}" for number in range(len(said)))]})
    with database.reading() as session:
        keep = counted(session, frame, Policy())
        with_pinned = counted(session, frame, Policy(use_pinned=True))
    database.close()
    assert keep[:182].all()
    assert (keep[182:782].sum(), keep[782:].sum()) == (45, 0)
    assert with_pinned[782:].all()
    assert counted(session, frame.drop(columns=PREDICTION_COLUMN), Policy()).all()
