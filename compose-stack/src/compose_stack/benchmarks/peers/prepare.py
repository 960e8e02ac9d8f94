"""Write a version's trained pipeline in the format of each peer: `prepare.py MODEL_SKOPS FOLDER`."""

import sys
from pathlib import Path

import joblib
import mlflow.sklearn
import skops.io

TRUSTED = [
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
]


def main() -> None:
    """Load the skops artefact and save it for joblib and for MLflow."""
    artefact, folder = Path(sys.argv[1]), Path(sys.argv[2])
    pipeline = skops.io.load(artefact, trusted=TRUSTED)
    joblib.dump(pipeline, folder / "model.joblib")
    # Without given requirements MLflow would load the model in another process to find them.
    mlflow.sklearn.save_model(
        pipeline, folder / "mlflow-model", pip_requirements=["scikit-learn"], skops_trusted_types=TRUSTED
    )


if __name__ == "__main__":
    main()
