# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = [
#   "autogluon.tabular[catboost,lightgbm,xgboost]==1.6.*",
#   "flaml[automl]==2.8.*",
#   "pyarrow>=20",
# ]
# ///
"""What a peer makes of a table: `automl.py --peers` runs this in an environment of its own.

The folder holds `fitting.parquet` and `asked.parquet`; the answers to the latter go to `answers.parquet`: a
column for each class, or one of values.
"""

import argparse
import warnings
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

TARGET = "target"
METRICS: Mapping[str, Mapping[str, str]] = {
    "flaml": {"roc_auc": "roc_auc", "log_loss": "log_loss", "rmse": "rmse"},
    "autogluon": {"roc_auc": "roc_auc", "log_loss": "log_loss", "rmse": "root_mean_squared_error"},
}
"""What each peer calls the metric that it is to be best by."""


def main() -> None:
    """Fit and answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peer", choices=sorted(METRICS), required=True)
    parser.add_argument("--metric", required=True)
    parser.add_argument("--budget", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    fitting = pd.read_parquet(asked.folder / "fitting.parquet")
    rows = pd.read_parquet(asked.folder / "asked.parquet")
    answers = (_flaml if asked.peer == "flaml" else _autogluon)(fitting, rows, asked)
    answers.columns = [str(name) for name in answers.columns]
    answers.to_parquet(asked.folder / "answers.parquet", index=False)


def _flaml(fitting: pd.DataFrame, rows: pd.DataFrame, asked: argparse.Namespace) -> pd.DataFrame:
    from flaml import AutoML  # noqa: PLC0415  # one peer is asked for, and the other takes seconds to import

    tuned = AutoML()
    tuned.fit(
        dataframe=fitting,
        label=TARGET,
        task="regression" if asked.metric == "rmse" else "classification",
        metric=METRICS["flaml"][asked.metric],
        time_budget=asked.budget,
        n_jobs=asked.threads,
        seed=asked.seed,
        verbose=0,
    )
    if asked.metric == "rmse":
        return pd.DataFrame({"value": tuned.predict(rows)})
    return pd.DataFrame(tuned.predict_proba(rows), columns=list(tuned.classes_))


def _autogluon(fitting: pd.DataFrame, rows: pd.DataFrame, asked: argparse.Namespace) -> pd.DataFrame:
    from autogluon.tabular import TabularPredictor  # noqa: PLC0415  # see above

    with TemporaryDirectory() as folder:
        fitted = TabularPredictor(
            label=TARGET,
            eval_metric=METRICS["autogluon"][asked.metric],
            problem_type=None if asked.metric != "rmse" else "regression",
            path=folder,
            verbosity=0,
        ).fit(fitting, time_limit=asked.budget, presets="medium_quality", num_cpus=asked.threads, num_gpus=0)
        if asked.metric == "rmse":
            return pd.DataFrame({"value": fitted.predict(rows).to_numpy()})
        return pd.DataFrame(fitted.predict_proba(rows))


if __name__ == "__main__":
    main()
