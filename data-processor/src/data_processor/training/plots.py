"""Plots of a version's answers on the holdout rows, for its run in MLflow."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

Floats = NDArray[np.float64]
SIZE = (5.0, 4.0)
DPI = 100
BINS = 10
"""Points of a calibration curve, each for as many rows."""


def draw(folder: Path, truth: NDArray[Any], outputs: Floats, classes: tuple[str, ...]) -> None:
    """Draw what suits the task into a folder.

    `outputs` are probabilities (rows, classes), or values (rows, 1).
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not classes:
        _scatter(folder / "answers.png", truth.astype(np.float64), outputs[:, 0])
        return
    _confusion(folder / "confusion.png", truth, np.asarray(classes, object)[outputs.argmax(axis=1)], classes)
    for place, label in list(enumerate(classes))[1 if len(classes) == 2 else 0 :]:  # noqa: PLR2004  # two mirror each other
        is_class = truth == label
        if 0 < is_class.sum() < len(truth):
            name = "" if len(classes) == 2 else f"-{place}"  # noqa: PLR2004  # as above
            _curves(folder / f"curves{name}.png", is_class, outputs[:, place], label)


def _curves(path: Path, is_class: NDArray[np.bool_], probability: Floats, label: str) -> None:
    figure = Figure((3 * SIZE[0], SIZE[1]), layout="constrained")
    roc, precision, calibration = figure.subplots(1, 3)
    false, true, _ = roc_curve(is_class, probability)
    roc.plot(false, true)
    roc.plot([0, 1], [0, 1], ":", color="grey")
    roc.set(xlabel="false positive rate", ylabel="true positive rate", title=f"ROC of {label!r}")
    right, found, _ = precision_recall_curve(is_class, probability)
    precision.plot(found, right)
    precision.set(
        xlabel="recall", ylabel="precision", title=f"Precision and recall of {label!r}", ylim=(0, 1.02)
    )
    observed, predicted = calibration_curve(is_class, probability, n_bins=BINS, strategy="quantile")
    calibration.plot(predicted, observed, "o-")
    calibration.plot([0, 1], [0, 1], ":", color="grey")
    calibration.set(xlabel="predicted probability", ylabel="share observed", title="Calibration")
    _save(figure, path)


def _confusion(path: Path, truth: NDArray[Any], labels: NDArray[Any], classes: tuple[str, ...]) -> None:
    table = confusion_matrix(truth, labels, labels=list(classes))
    figure = Figure(SIZE, layout="constrained")
    axes = figure.subplots()
    axes.imshow(table / np.maximum(table.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(classes))
    axes.set(xticks=ticks, yticks=ticks, xticklabels=classes, yticklabels=classes)
    axes.set(xlabel="predicted", ylabel="true", title="Holdout rows")
    if len(classes) <= 20:  # noqa: PLR2004  # more numbers could not be read
        for (row, column), count in np.ndenumerate(table):
            axes.text(column, row, str(count), ha="center", va="center")
    _save(figure, path)


def _scatter(path: Path, truth: Floats, values: Floats) -> None:
    figure = Figure(SIZE, layout="constrained")
    axes = figure.subplots()
    axes.scatter(truth, values, s=4, alpha=0.4)
    ends = [float(min(truth.min(), values.min())), float(max(truth.max(), values.max()))]
    axes.plot(ends, ends, ":", color="grey")
    axes.set(xlabel="true", ylabel="predicted", title="Holdout rows")
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=DPI)
