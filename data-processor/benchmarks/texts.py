"""How well the search does on texts: nested cross-validation against tf-idf and logistic regression.

The search sees the training part of each outer fold and nothing else; what it chose is fitted to all of that
part and asked about the fold. So are scikit-learn's tf-idf and logistic regression as they come. The interval
is of the mean difference, over resamples of the rows in which both answer the same ones.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from data_processor.datasets.inference import infer_schema
from data_processor.datasets.tables import keepable, read_csv
from data_processor.features.schema import Schema
from data_processor.features.split import Rows, Split, prepare_data
from data_processor.models.policy import Policy
from data_processor.statistics.measures import prepare, value
from data_processor.tasks.comparison import as_answers
from data_processor.tasks.fitting import fit
from data_processor.tasks.pipelines import answer
from data_processor.tasks.texts.folds import stratified
from data_processor.training.search import search

FOLDS = 5
RESAMPLES = 2_000


@dataclass(frozen=True)
class Fold:
    """What both said of one outer fold."""

    seed: int
    rows: NDArray[np.int64]
    truth: NDArray[np.object_]
    searched: NDArray[np.float64]
    plain: NDArray[np.float64]
    chosen: str
    seconds: float


def main() -> None:
    """Measure and print; exit with 1 if the search is worse beyond noise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--text", default="comment_text")
    parser.add_argument("--target", default="toxic")
    parser.add_argument("--budget", type=float, default=12.0, help="seconds of each search")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    rows, split = _read(asked.csv, asked.text, asked.target)
    found: list[Fold] = []
    for seed in range(asked.seeds):
        folds = stratified(rows.target, rows.positions, FOLDS, np.random.default_rng(seed))
        for fold in range(FOLDS):
            found.append(_one(rows, split, folds == fold, seed, asked.budget))
            sys.stderr.write(f"seed {seed}, fold {fold}: {found[-1].seconds:.1f} s, {found[-1].chosen}\n")
    result = _summary(found, split.schema, len(rows))
    described = {"csv": asked.csv.name, "rows": len(rows), "budget_s": asked.budget, **result}
    sys.stdout.write(json.dumps(described, indent=2) + "\n")
    sys.exit(0 if result["interval"][1] >= 0 else 1)


def _read(csv: Path, text: str, target: str) -> tuple[Rows, Split]:
    table = read_csv(csv)[[text, target]]
    table[target] = table[target].astype("str")
    schema = infer_schema(table, target, task="text-classification", kinds={text: "text"})
    split = prepare_data(keepable(table, schema), schema, "benchmark", None, validate_on_recent=False)
    return split.fitting.join(split.validation, split.holdout), split


def _one(rows: Rows, like: Split, held_out: NDArray[np.bool_], seed: int, budget_s: float) -> Fold:
    began = time.monotonic()
    nothing = rows.take(np.zeros(len(rows), np.bool_))
    train, test = rows.take(~held_out), rows.take(held_out)
    split = Split(like.schema, train, nothing, nothing, nothing, "validation")
    best = search(split, Policy(selection_metric="roc_auc"), budget_s=budget_s, seed=seed).best
    plain = make_pipeline(TfidfVectorizer(), LogisticRegression())
    plain.fit(train.frame.iloc[:, 0], train.target)
    return Fold(
        seed=seed,
        rows=np.flatnonzero(held_out),
        truth=test.target,
        searched=answer(fit(best, train, like.schema, seed), test.frame),
        plain=plain.predict_proba(test.frame.iloc[:, 0]),
        chosen=json.dumps(best.as_json()),
        seconds=time.monotonic() - began,
    )


def _summary(found: list[Fold], schema: Schema, rows: int) -> dict[str, Any]:
    drawn = np.random.default_rng(0).multinomial(rows, np.full(rows, 1 / rows), RESAMPLES).astype(np.float64)
    values: dict[str, list[float]] = {"searched": [], "plain": []}
    resampled = {"searched": np.zeros(RESAMPLES), "plain": np.zeros(RESAMPLES)}
    for one in found:
        for name, each in values.items():
            said = getattr(one, name)
            measure = prepare("roc_auc", one.truth, as_answers(said, schema), schema.classes)
            each.append(value(measure, len(one.truth)))
            resampled[name] += measure(drawn[:, one.rows]) / len(found)
    difference = resampled["searched"] - resampled["plain"]
    low, high = np.quantile(difference[np.isfinite(difference)], [0.025, 0.975])
    seeds = sorted({one.seed for one in found})
    return {
        **{name: round(float(np.mean(each)), 4) for name, each in values.items()},
        "gain": round(float(np.mean(values["searched"]) - np.mean(values["plain"])), 4),
        "interval": [round(float(low), 4), round(float(high), 4)],
        "by_seed": {
            seed: {
                name: round(
                    float(np.mean([v for v, o in zip(each, found, strict=True) if o.seed == seed])), 4
                )
                for name, each in values.items()
            }
            for seed in seeds
        },
    }


if __name__ == "__main__":
    main()
