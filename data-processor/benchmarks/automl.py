"""What a search is worth: its winner against scikit-learn's default boosting, and against peers.

    python benchmarks/automl.py census.csv:income-per-year bikes.csv:cnt --budget 60 --seeds 3 --peers

Each seed holds out another fifth of the rows by the hash of their inputs, as the platform does: every tool
gets the others, and no row that equals one of the fifth. What it makes of them is asked the fifth: ROC AUC
for two classes, log loss for several, RMSE for values. The default is scikit-learn's histogram gradient
boosting as it comes, with categories as its documentation says (`categorical_features="from_dtype"`) or as
numbers in alphabetical order, whichever is better. The peers get the columns as they were read, dates as
dates; they are installed by uv in an environment of their own (`peers.py`). `--reuse` takes what an earlier
call measured of peers from its `--json`.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from data_processor.datasets.inference import infer_schema
from data_processor.datasets.tables import keepable, read_csv
from data_processor.features.calendar import MISSING_TIMESTAMP, calendar_of
from data_processor.features.packing import MISSING
from data_processor.features.schema import Kind, Schema
from data_processor.features.split import PREDICTION_COLUMN, Rows, Split, prepare_data
from data_processor.models.policy import Policy
from data_processor.statistics.measures import LOWER_IS_BETTER, SelectionMetric, prepare, value
from data_processor.tasks.comparison import as_answers
from data_processor.tasks.pipelines import answer
from data_processor.tasks.tables import trials
from data_processor.training import clock
from data_processor.training.compile import compile_model
from data_processor.training.evaluation import fit_final
from data_processor.training.pool import PROCESSES_S, local_pool
from data_processor.training.scale import scale_of
from data_processor.training.search import search

Floats = NDArray[np.float64]

OURS, DEFAULT, PEERS = "loopkeeper", "scikit-learn", ("flaml", "autogluon")


@dataclass(frozen=True)
class Score:
    """What one tool made of one table and seed."""

    table: str
    seed: int
    tool: str
    metric: SelectionMetric
    score: float
    seconds: float
    told: str = ""
    """What won, and how it is served."""


@dataclass(frozen=True)
class Terms:
    """What every tool gets."""

    seed: int
    budget_s: float
    threads: int


@dataclass(frozen=True)
class Table:
    """A table as it was read."""

    name: str
    schema: Schema
    frame: pd.DataFrame

    @property
    def metric(self) -> SelectionMetric:
        """What it is measured by."""
        if not self.schema.classes:
            return "rmse"
        return "roc_auc" if len(self.schema.classes) == 2 else "log_loss"  # noqa: PLR2004  # yes and no

    def split(self, seed: int) -> Split:
        """Hold out another fifth."""
        rows = keepable(self.frame, self.schema)
        rows[PREDICTION_COLUMN] = np.arange(len(rows)).astype(str)  # so that the rows of a part are known
        return prepare_data(rows, self.schema, f"seed {seed}", None, validate_on_recent=False)


def main() -> None:
    """Measure and tell."""
    asked = _asked()
    threads = asked.threads or os.cpu_count() or 1
    if asked.cpu:
        vars(clock)["monotonic"] = lambda: time.process_time() / threads
        vars(trials)["monotonic"] = time.thread_time
    known = [Score(**one) for one in json.loads(asked.reuse.read_text())] if asked.reuse else []
    found: list[Score] = []
    for named in asked.tables:
        table = _read(named)
        for seed in range(asked.first, asked.first + asked.seeds):
            split = table.split(seed)
            for tool in [*([] if asked.only_peers else [OURS]), DEFAULT, *(PEERS if asked.peers else ())]:
                again = (one for one in known if (one.table, one.seed, one.tool) == (table.name, seed, tool))
                score = next(again, None) if tool != OURS else None
                if score is None:
                    score = _measure(tool, table, split, Terms(seed, asked.budget, threads))
                found.append(score)
                sys.stdout.write(
                    f"{score.table}, seed {seed}, {tool}: {score.metric} {score.score:.5f}, "
                    f"{score.seconds:.0f} s{score.told}\n"
                )
                sys.stdout.flush()
            if asked.json:
                asked.json.write_text(json.dumps([asdict(one) for one in found], indent=2) + "\n")
    sys.stdout.write(f"\n{_report(found)}\n")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", nargs="+", metavar="FILE.csv:TARGET")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of each search")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--threads", type=int, help="by default as many as there are cores")
    parser.add_argument("--peers", action="store_true", help="measure FLAML and AutoGluon too")
    parser.add_argument("--only-peers", action="store_true", help="do not measure the search")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--reuse", type=Path, help="figures of other tools that need not be measured again")
    parser.add_argument(
        "--cpu",
        action="store_true",
        help="let the search's budget be CPU seconds per thread: on a machine that does other things as well",
    )
    return parser.parse_args()


def _read(named: str) -> Table:
    """Return a table by `FILE.csv:TARGET`; a column of nothing but ISO 8601 texts is one of dates."""
    file, _, target = named.rpartition(":")
    if not file:
        sys.exit(f"{named!r} names no target: write FILE.csv:TARGET.")
    frame = read_csv(Path(file))
    texts = [str(name) for name, dtype in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(dtype)]
    kinds: dict[str, Kind] = {name: "datetime" for name in texts if _are_dates(frame[name].dropna())}
    return Table(Path(file).stem, infer_schema(frame, target, kinds=kinds), frame)


def _are_dates(texts: "pd.Series[Any]") -> bool:
    return bool(len(texts)) and all(calendar_of(one) != MISSING_TIMESTAMP for one in texts.unique())


def _measure(tool: str, table: Table, split: Split, terms: Terms) -> Score:
    began, told = time.monotonic(), ""
    if tool == OURS:
        outputs, told = _ours(table, split, terms)
    elif tool == DEFAULT:
        outputs = _default(table, split, terms.seed)
    else:
        outputs = _peer(tool, table, split, terms)
    score = _score(outputs, split.holdout, table)
    return Score(table.name, terms.seed, tool, table.metric, score, time.monotonic() - began, told)


def _ours(table: Table, split: Split, terms: Terms) -> tuple[Floats, str]:
    policy = Policy(selection_metric=table.metric)
    alone = terms.budget_s < PROCESSES_S or vars(clock)["monotonic"] is not time.monotonic
    with local_pool(1 if alone else terms.threads) as pool:
        searched = search(split, policy, budget_s=terms.budget_s, seed=terms.seed, pool=pool)
    pipeline = fit_final(split, searched.best, terms.seed)
    scale = None if table.schema.classes else scale_of(split.allowed.target)
    with TemporaryDirectory() as folder:
        target = Path(folder) / "model.onnx"
        compiled = compile_model(pipeline, split.schema, split.holdout.frame, target, scale=scale)
        size = f"{target.stat().st_size / 2**20:.1f} MB" if target.exists() else compiled.parity.reason
    members = searched.best.params.get("members") or [searched.best.as_json()]
    name = " + ".join(f"{one.get('weight', 1):.2f} {one['estimator']}" for one in members)
    told = (
        f"; {name}; {searched.trials} trials, {searched.pruned} given up, search {searched.seconds:.0f} s; "
        f"{compiled.engine}, {size}"
    )
    return answer(pipeline, split.holdout.frame), told


def _default(table: Table, split: Split, seed: int) -> Floats:
    """Return what the better of both defaults answers to the held out rows."""
    kind = HistGradientBoostingClassifier if table.schema.classes else HistGradientBoostingRegressor
    found = []
    with threadpool_limits(1):  # threads that wait for each other change nothing but the time it takes
        for natively in (True, False):
            fitting, asked = _frames(split.allowed, split.holdout, table.schema, natively=natively)
            model = kind(random_state=seed, categorical_features="from_dtype")
            model.fit(fitting, split.allowed.target)
            said = model.predict_proba(asked) if table.schema.classes else model.predict(asked)
            found.append(np.asarray(said, np.float64).reshape(len(asked), -1))
    sign = 1.0 if table.metric in LOWER_IS_BETTER else -1.0
    return min(found, key=lambda outputs: sign * _score(outputs, split.holdout, table))


def _frames(
    fitting: Rows, asked: Rows, schema: Schema, *, natively: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    both = pd.concat([fitting.frame, asked.frame], ignore_index=True)
    for column in schema.strings:
        known = both[column.name].where(both[column.name] != MISSING).astype("category")
        both[column.name] = known if natively else known.cat.codes.replace(-1, np.nan)
    return both.iloc[: len(fitting)], both.iloc[len(fitting) :]


def _peer(peer: str, table: Table, split: Split, terms: Terms) -> Floats:
    """Return what a peer answers to the held out rows, in the order of the schema's classes."""
    frame = table.frame[[column.name for column in table.schema.inputs]].copy()
    for column in table.schema.timestamps:
        frame[column.name] = pd.to_datetime(frame[column.name], utc=True, format="ISO8601").dt.tz_localize(
            None
        )
    with TemporaryDirectory() as name:
        folder = Path(name)
        allowed = split.allowed
        fitting = frame.iloc[allowed.predictions.astype(np.int64)].reset_index(drop=True)
        fitting.assign(target=allowed.target).to_parquet(folder / "fitting.parquet")
        asked = frame.iloc[split.holdout.predictions.astype(np.int64)].reset_index(drop=True)
        asked.to_parquet(folder / "asked.parquet")
        options = {
            "peer": peer,
            "metric": table.metric,
            "budget": terms.budget_s,
            "seed": terms.seed,
            "threads": terms.threads,
        }
        script = str(Path(__file__).with_name("peers.py"))
        given = [f"--{key}={option}" for key, option in options.items()]
        subprocess.run(
            [os.environ.get("UV", "uv"), "run", "--quiet", "--script", script, str(folder), *given],
            check=True,
            stdout=subprocess.DEVNULL,
            env={key: one for key, one in os.environ.items() if key != "VIRTUAL_ENV"},
        )
        answers = pd.read_parquet(folder / "answers.parquet")
    columns = list(table.schema.classes) or list(answers.columns)
    return answers[columns].to_numpy(np.float64)


def _score(outputs: Floats, rows: Rows, table: Table) -> float:
    given = as_answers(outputs, table.schema)
    return value(prepare(table.metric, rows.target, given, table.schema.classes), len(rows))


def _report(found: Sequence[Score]) -> str:
    """Return the scores, their means, what ours lacks to the best, and the mean rank of each tool."""
    tools = list(dict.fromkeys(one.tool for one in found))
    lines = [
        f"| table | metric | seed | {' | '.join(tools)} |",
        f"|---|---|---|{'---|' * len(tools)}",
    ]
    ranks: dict[str, list[float]] = {tool: [] for tool in tools}
    gaps = []
    for table in dict.fromkeys(one.table for one in found):
        those = [one for one in found if one.table == table]
        metric = those[0].metric
        seeds = list(dict.fromkeys(one.seed for one in those))
        scores = {tool: np.array([one.score for one in those if one.tool == tool]) for tool in tools}
        sign = 1.0 if metric in LOWER_IS_BETTER else -1.0
        for place, seed in enumerate(seeds):
            each = [scores[tool][place] for tool in tools]
            lines.append(f"| {table} | {metric} | {seed} | {' | '.join(f'{one:.5g}' for one in each)} |")
            for tool, rank in zip(tools, stats.rankdata([sign * one for one in each]), strict=True):
                ranks[tool].append(float(rank))
        means = " | ".join(f"{scores[tool].mean():.5g}" for tool in tools)
        lines.append(f"| **{table}** | {metric} | mean | {means} |")
        if OURS in scores and len(tools) > 1:
            gaps.append(_gap(table, scores, sign))
    means = " | ".join(f"{np.mean(ranks[tool]):.2f}" for tool in tools)
    return "\n".join([*lines, f"| **mean rank** | | | {means} |", "", *gaps])


def _gap(table: str, scores: Mapping[str, Floats], sign: float) -> str:
    """Say how far ours is from the best of the others, seed by seed."""
    best = min((tool for tool in scores if tool != OURS), key=lambda tool: sign * scores[tool].mean())
    better = sign * (scores[best] - scores[OURS])
    error = f" ± {stats.sem(better):.2g}" if len(better) > 1 else ""
    return f"{table}: better than {best} by {better.mean():+.3g}{error} (mean and standard error over seeds)."


if __name__ == "__main__":
    main()
