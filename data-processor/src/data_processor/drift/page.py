"""The page of a report: Evidently's charts of both sides, below what our rules conclude.

Evidently takes seconds to import and 290 MB: only the child process of a drift run does so.
"""

import os
import warnings
from html import escape

import numpy as np
import pandas as pd

from data_processor.statistics.distances import EXACT_ROWS
from data_processor.statistics.drift import Comparison, DriftFound, Feature, Numbers

MOST_CHARTED = 50
"""Features with a chart: those that drifted, then the first in the table's order."""
OTHERS = "(others)"
MOST_CATEGORIES = 30
_HEAD = ("Feature", "Drifted", "Distance", "PSI", "p", "p, adjusted", "Recent rows", "Test", "What changed")


def render(title: str, found: DriftFound, features: list[Feature]) -> str:
    """Return the page as one HTML file that needs nothing else; without a verdict there are no charts."""
    table = _table(title, found)
    if not found.features:
        return f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><body>{table}</body></html>'
    charted = _charts(found, features)
    before, body, after = charted.partition("<body")
    opening, closed, rest = after.partition(">")
    return f"{before}{body}{opening}{closed}{table}{rest}"


def _table(title: str, found: DriftFound) -> str:
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(one))}</tr>" for one in found.features
    )
    head = "".join(f"<th>{name}</th>" for name in _HEAD)
    style = "font-family:sans-serif;max-width:1200px;margin:2em auto;padding:0 1em"
    said = f"<h1>{escape(title)}</h1><p><strong>{escape(found.reason)}</strong></p>"
    if not rows:
        return f'<section style="{style}">{said}</section>'
    rules = (
        "A feature drifted if its adjusted p is at most 0.05 (Benjamini-Hochberg over all features) and its "
        "PSI or its distance is at least 0.1. The charts below are Evidently's; its own verdicts are on "
        "each feature alone and may differ."
    )
    table = (
        f'<table border="1" cellpadding="4" style="border-collapse:collapse"><tr>{head}</tr>{rows}</table>'
    )
    return f'<section style="{style}">{said}<p>{rules}</p>{table}</section>'


def _cells(one: Comparison) -> tuple[str, ...]:
    numbers = (f"{value:.3g}" for value in (one.distance, one.index, one.p_value, one.adjusted))
    return (one.feature, "yes" if one.drifted else "no", *numbers, str(one.n), one.test, one.change)


def _charts(found: DriftFound, features: list[Feature]) -> str:
    os.environ["DO_NOT_TRACK"] = "1"  # read when it is imported
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what others will once do differently, nobody needs to be told
        return _charted(found, features)


def _charted(found: DriftFound, features: list[Feature]) -> str:
    from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415  # see above
    from evidently.presets import DataDriftPreset  # noqa: PLC0415

    drifted = set(found.drifted)
    shown = sorted(features, key=lambda one: one.name not in drifted)[:MOST_CHARTED]
    numeric = [one.name for one in shown if isinstance(one, Numbers)]
    definition = DataDefinition(
        numerical_columns=numeric,
        categorical_columns=[one.name for one in shown if one.name not in numeric],
    )
    few = found.features[0].n <= EXACT_ROWS
    preset = DataDriftPreset(
        num_method="ks" if few else "wasserstein", cat_method="chisquare" if few else "jensenshannon"
    )
    sides = [Dataset.from_pandas(frame, data_definition=definition) for frame in _frames(shown)]
    html: str = Report([preset]).run(sides[1], sides[0]).get_html_str(as_iframe=False)
    return html


def _frames(features: list[Feature]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both sides as tables; a text's unknown words are known of half of its reference only."""
    sides: tuple[dict[str, pd.Series], dict[str, pd.Series]] = ({}, {})
    for one in features:
        columns = (
            (pd.Series(one.reference), pd.Series(one.current))
            if isinstance(one, Numbers)
            else _most_frequent(one.reference, one.current)
        )
        for side, values in zip(sides, columns, strict=True):
            side[one.name] = values
    return pd.DataFrame(sides[0]), pd.DataFrame(sides[1])


def _most_frequent(*sides: np.ndarray) -> tuple[pd.Series, ...]:
    """Return categories with the rare ones as one: Evidently draws a bar for each."""
    both = pd.Series(np.concatenate(sides), dtype=object).value_counts()
    kept = set(both.index[:MOST_CATEGORIES])
    return tuple(
        pd.Series([one if one is None or one in kept else OTHERS for one in side], dtype=object)
        for side in sides
    )
