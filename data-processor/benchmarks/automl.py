"""What a search is worth: its winner against the default of the usual best, on rows that neither has seen.

    python benchmarks/automl.py TABLE.csv --target income-per-year --budget 60 --seeds 5

Each seed holds out another fifth of the rows by the hash of their inputs, as the platform does: the search
gets the others, and no row that equals one of the fifth. Both models are fitted on all the others and asked
the fifth. The default is scikit-learn's HistGradientBoostingClassifier() as it comes, with categories as its
documentation says (`categorical_features="from_dtype"`), and once more with categories as numbers in
alphabetical order; the gain is over the better of the two.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from data_processor.datasets.inference import infer_schema
from data_processor.datasets.tables import keepable, read_csv
from data_processor.features.packing import MISSING
from data_processor.features.schema import Schema
from data_processor.features.split import Rows, Split, prepare_data
from data_processor.models.policy import Policy
from data_processor.tasks.pipelines import answer
from data_processor.tasks.tables import trials
from data_processor.training import clock
from data_processor.training.compile import compile_model
from data_processor.training.evaluation import fit_final
from data_processor.training.pool import local_pool
from data_processor.training.search import search


@dataclass(frozen=True)
class Measured:
    """One seed."""

    seed: int
    default: float
    """ROC AUC of the better default."""
    winner: float
    gain: float
    candidate: str
    seconds: float
    trials: int
    pruned: int
    engine: str
    megabytes: float


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("csv", type=Path)
    parser.add_argument("--target", required=True)
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of each search")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--threads", type=int, help="by default as many as there are cores")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument(
        "--cpu",
        action="store_true",
        help="let the budget be CPU seconds per thread: on a machine that does other things as well",
    )
    asked = parser.parse_args()
    if asked.cpu:
        threads = asked.threads or os.cpu_count() or 1
        vars(clock)["monotonic"] = lambda: time.process_time() / threads
        vars(trials)["monotonic"] = time.thread_time
    table = read_csv(asked.csv)
    schema = infer_schema(table, asked.target)
    rows = keepable(table, schema)
    found = []
    for seed in range(asked.first, asked.first + asked.seeds):
        split = prepare_data(rows, schema, f"seed {seed}", None, validate_on_recent=False)
        found.append(measure(split, seed, asked.budget, asked.threads))
        _say(found[-1])
    gains = np.array([one.gain for one in found])
    interval = ""
    if len(gains) > 1:
        low, high = stats.t.interval(0.95, len(gains) - 1, gains.mean(), stats.sem(gains))
        interval = f", 95 % interval {low:+.5f} to {high:+.5f}"
    sys.stdout.write(f"mean paired gain {gains.mean():+.5f}{interval}\n")
    if asked.json:
        asked.json.write_text(json.dumps([asdict(one) for one in found], indent=2) + "\n")


def measure(split: Split, seed: int, budget_s: float, threads: int | None) -> Measured:
    """Search, fit, compile and compare on one division of the rows."""
    schema = split.schema
    with local_pool(threads) as pool:
        began = time.monotonic()
        searched = search(split, Policy(selection_metric="roc_auc"), budget_s=budget_s, seed=seed, pool=pool)
        seconds = time.monotonic() - began
    pipeline = fit_final(split, searched.best, seed)
    with TemporaryDirectory() as folder:
        target = Path(folder) / "model.onnx"
        engine = compile_model(pipeline, schema, split.holdout.frame, target).engine
        megabytes = target.stat().st_size / 2**20 if target.exists() else 0.0
    positive = split.holdout.target == schema.classes[1]
    default = max(
        float(roc_auc_score(positive, _default(split, seed, natively=natively))) for natively in (True, False)
    )
    winner = float(roc_auc_score(positive, answer(pipeline, split.holdout.frame)[:, 1]))
    members = searched.best.params.get("members", [])
    name = " + ".join(f"{one['weight']:.2f} {one['estimator']}" for one in members) or searched.best.estimator
    return Measured(
        seed=seed,
        default=default,
        winner=winner,
        gain=winner - default,
        candidate=name,
        seconds=seconds,
        trials=searched.trials,
        pruned=searched.pruned,
        engine=engine,
        megabytes=megabytes,
    )


def _default(split: Split, seed: int, *, natively: bool) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return the probability of the second class that the default gives the held out rows."""
    fitting, asked = _frames(split.allowed, split.holdout, split.schema, natively=natively)
    model = HistGradientBoostingClassifier(random_state=seed, categorical_features="from_dtype")
    with threadpool_limits(1):  # threads that wait for each other change nothing but the time it takes
        model.fit(fitting, split.allowed.target)
        return np.asarray(model.predict_proba(asked)[:, 1])


def _frames(
    fitting: Rows, asked: Rows, schema: Schema, *, natively: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    both = pd.concat([fitting.frame, asked.frame], ignore_index=True)
    for column in schema.strings:
        known = both[column.name].where(both[column.name] != MISSING).astype("category")
        both[column.name] = known if natively else known.cat.codes.replace(-1, np.nan)
    return both.iloc[: len(fitting)], both.iloc[len(fitting) :]


def _say(one: Measured) -> None:
    sys.stdout.write(
        f"seed {one.seed}: default {one.default:.5f}, winner {one.winner:.5f}, gain {one.gain:+.5f}; "
        f"{one.candidate}; {one.trials} trials, {one.pruned} given up, {one.seconds:.1f} s; "
        f"{one.engine}, {one.megabytes:.1f} MB\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
