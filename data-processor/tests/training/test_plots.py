from pathlib import Path

import numpy as np
from matplotlib.image import imread

from data_processor.training.plots import draw

DRAW = np.random.default_rng(1)


def drawn(folder: Path) -> dict[str, tuple[int, ...]]:
    return {path.name: imread(path).shape[:2] for path in folder.iterdir()}


def test_a_binary_classification_has_one_set_of_curves_and_a_confusion_matrix(tmp_path: Path) -> None:
    yes = DRAW.random(300)
    truth = np.where(DRAW.random(300) < yes, "yes", "no").astype(object)

    draw(tmp_path / "plots", truth, np.stack([1 - yes, yes], axis=1), ("no", "yes"))

    assert drawn(tmp_path / "plots") == {"confusion.png": (400, 500), "curves.png": (400, 1500)}


def test_several_classes_have_curves_each_unless_they_do_not_occur(tmp_path: Path) -> None:
    said = DRAW.dirichlet([1, 1, 1], 300)
    truth = np.array(["a", "b", "c"], object)[np.where(said[:, :2].argmax(axis=1) == 0, 0, 1)]

    draw(tmp_path, truth, said, ("a", "b", "c"))

    assert set(drawn(tmp_path)) == {"confusion.png", "curves-0.png", "curves-1.png"}


def test_a_regression_is_drawn_as_answers_against_the_truth(tmp_path: Path) -> None:
    truth = DRAW.normal(size=100)

    draw(tmp_path, truth, truth[:, None] + 0.1, ())

    assert set(drawn(tmp_path)) == {"answers.png"}
