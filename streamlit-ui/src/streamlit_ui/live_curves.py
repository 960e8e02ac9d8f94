"""The curves of live runs: what a page keeps of them between two answers, and what it draws."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from streamlit_ui import live_words, words
from streamlit_ui.charts import BAD, COLOURS, MUTED, WARNING
from streamlit_ui.contract.types import Epoch, LiveCurves, LiveRun

POINTS = 400
"""How many epochs of a run are drawn, at most: more look the same, and they are sent twice a second."""
_DIGITS = 5
# Without the colour of the marks.
_RUN_COLOURS = tuple(colour for colour in COLOURS if colour != WARNING)
MOST_OTHERS = len(_RUN_COLOURS) - 1
"""How many other runs are drawn beside the one that is watched, at most."""
Measure = Literal[
    "training_loss",
    "validation_loss",
    "training_metric",
    "validation_metric",
    "gradient_norm",
    "weight_norm",
    "learning_rate",
]
MEASURES: tuple[Measure, ...] = (
    "training_loss",
    "validation_loss",
    "training_metric",
    "validation_metric",
    "gradient_norm",
    "weight_norm",
    "learning_rate",
)
COLUMNS = ("epoch", "at", "seconds", *MEASURES)
"""The columns of an export."""


@dataclass
class Kept:
    """What a page knows of one run's epochs."""

    epochs: list[Epoch] = field(default_factory=list)
    count: int = 0
    """How many were measured in all."""

    @property
    def last(self) -> int:
        """The last epoch that is known; 0 before the first."""
        return self.epochs[-1]["epoch"] if self.epochs else 0


def merged(kept: Kept, answer: LiveCurves) -> Kept:
    """Return what is known after another answer: of an epoch that was learnt again, the later measurement."""
    by_epoch = {one["epoch"]: one for one in kept.epochs}
    for one in answer["epochs"]:
        known = by_epoch.get(one["epoch"])
        if known is None or known["seq"] <= one["seq"]:
            by_epoch[one["epoch"]] = one
    epochs = [by_epoch[number] for number in sorted(by_epoch)]
    # Down to half of what is too many, so that this is seldom: the later epochs are as dense as the earlier.
    few = thinned(epochs, POINTS) if len(epochs) > 2 * POINTS else epochs
    return Kept(few, max(answer["count"], kept.count))


def thinned(epochs: Sequence[Epoch], most: int) -> list[Epoch]:
    """Return at most so many epochs, four or more: of each stretch its ends, its lowest and highest loss."""
    if len(epochs) <= most:
        return list(epochs)
    stretches = max(most // 4, 1)
    first, last = epochs[0]["epoch"], epochs[-1]["epoch"]
    parts: dict[int, list[Epoch]] = {}
    for one in epochs:
        parts.setdefault((one["epoch"] - first) * stretches // (last - first + 1), []).append(one)
    chosen: dict[int, Epoch] = {}
    for part in parts.values():
        finite = [one for one in part if _loss(one) is not None]
        extremes = [min(finite, key=_height), max(finite, key=_height)] if finite else []
        chosen |= {one["epoch"]: one for one in (part[0], part[-1], *extremes)}
    return [chosen[number] for number in sorted(chosen)]


def drawn(
    watched: LiveRun, curves: Mapping[str, Kept], others: Sequence[tuple[str, str]], *, log: bool
) -> dict[str, Any]:
    """Return what the component draws: the run that is watched, and others by id and name."""
    metric = words.metric(watched["metric"]) if watched["metric"] else "Metric"
    called = live_words.names(watched["declared"])
    named = [(watched["id"], f"This run ({live_words.short(watched['id'])})"), *others]
    runs = [
        {"name": name, "colour": colour, **_columns(curves.get(run, Kept()).epochs)}
        for (run, name), colour in zip(named, _RUN_COLOURS, strict=False)
    ]
    last = curves.get(watched["id"], Kept()).epochs[-1:]
    return {
        "run": watched["id"],
        "title": f"{watched['model']}, live run {live_words.short(watched['id'])}",
        "file": f"{watched['model']}-{live_words.short(watched['id'])}",
        "planned": watched["epochs"],
        "dashes": "By epoch. Solid: validation, dashed: training",
        "runs": runs,
        "panels": [_panel(*panel, last, log=log) for panel in _panels(metric)],
        "marks": [*_start(watched), *_changes(watched, called), *_end(watched)],
        "changes": len(watched["changes"]),
        "colour": WARNING,
        "best": watched["best"] and {**watched["best"], "measure": "validation_metric"},
    }


def rows(epochs: Iterable[Epoch]) -> list[dict[str, Any]]:
    """Return epochs as the rows of an export."""
    return [{name: one[name] for name in COLUMNS} for one in epochs]  # type: ignore[literal-required]  # all are fields


Lines = tuple[tuple[Measure, str], ...]


def _panels(metric: str) -> list[tuple[str, Lines, bool, bool]]:
    """Return title, lines, whether it is large, and whether it may be logarithmic, for each panel."""
    return [
        ("Loss", (("training_loss", "training"), ("validation_loss", "validation")), True, True),
        (metric, (("training_metric", "training"), ("validation_metric", "validation")), True, False),
        ("Gradient norm", (("gradient_norm", "gradient norm"),), False, True),
        ("Weight norm", (("weight_norm", "weight norm"),), False, True),
        ("Learning rate", (("learning_rate", "learning rate"),), False, True),
    ]


def _panel(
    title: str, lines: Lines, large: bool, may_log: bool, last: Sequence[Epoch], *, log: bool
) -> dict[str, Any]:
    said = (
        [f"{name} {live_words.value(_rounded(last[0][measure]))}" for measure, name in lines] if last else []
    )
    return {
        "title": title,
        "large": large,
        "log": log and may_log,
        "said": f"{', '.join(said)} after epoch {last[0]['epoch']}" if said else "nothing measured yet",
        "lines": [
            {"measure": measure, "name": name, "dashed": name == "training"} for measure, name in lines
        ],
    }


def _columns(epochs: Sequence[Epoch]) -> dict[str, list[Any]]:
    few = thinned(epochs, POINTS)
    return {
        "epoch": [one["epoch"] for one in few],
        **{measure: [_rounded(one[measure]) for one in few] for measure in MEASURES},
    }


def _changes(run: LiveRun, called: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a mark for each place where something was changed; changes of one place share it."""
    places: dict[float, list[Any]] = {}
    for one in run["changes"]:
        # What was applied within an epoch stands between its beginning and its end.
        places.setdefault(one["epoch"] + (0.5 if one["row"] else 0), []).append(one)
    return [
        {
            "epoch": epoch,
            "label": _numbers([one["number"] for one in found]),
            "colour": WARNING,
            "said": [line for one in found for line in live_words.change(one, called)],
        }
        for epoch, found in sorted(places.items())
    ]


def _start(run: LiveRun) -> list[dict[str, Any]]:
    parent, epoch = run["parent"], run["parent_epoch"]
    if parent is None or epoch is None:
        return []
    said = f"Forked from run {live_words.short(parent)} after epoch {epoch}"
    return [{"epoch": epoch, "label": "fork", "colour": MUTED, "said": [said]}]


def _end(run: LiveRun) -> list[dict[str, Any]]:
    found = run["diverged"]
    if not found:
        return []
    return [{"epoch": found["epoch"], "label": "diverged", "colour": BAD, "said": [found["reason"]]}]


def _numbers(found: Sequence[int]) -> str:
    return str(found[0]) if len(found) == 1 else f"{found[0]}–{found[-1]}"


def _loss(one: Epoch) -> float | None:
    return one["training_loss"] if one["validation_loss"] is None else one["validation_loss"]


def _height(one: Epoch) -> float:
    return _loss(one) or 0.0


def _rounded(value: float | None) -> float | None:
    """Return a value as exactly as a drawing shows it, which is shorter to send."""
    return None if value is None else float(f"{value:.{_DIGITS}g}")
