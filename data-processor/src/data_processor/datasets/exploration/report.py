"""A profile as one HTML file that needs nothing else: no script, no link, no picture from elsewhere.

The template escapes everything that comes from the data, and the page forbids scripts to itself besides: what
somebody wrote into a file is never more than text.
"""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from data_processor.datasets.exploration import clouds
from data_processor.datasets.exploration.bars import bars
from data_processor.datasets.exploration.schemas import Measure, Pair, Profile

TEMPLATE = "report.html.jinja"
COLOURS = ("#1c93a6", "#d98a1f", "#7b61b8", "#3a9d6e", "#d1495b", "#4f6fd0", "#a8763e", "#c95fa8")
"""Of the classes, the most frequent first."""
NO_CLASS = "#9fb2b9"
MEASURES: dict[Measure, str] = {
    "pearson": "Pearson's correlation",
    "spearman": "Spearman's correlation",
    "cramers-v": "Cramér's V",
    "correlation-ratio": "correlation ratio",
}


def render(profile: Profile) -> str:
    """Return a profile as HTML."""
    colours = list(COLOURS[: len(profile.classes)]) or [COLOURS[0]]
    pairs = profile.associations.pairs
    numeric = {name for pair in pairs if pair.measure == "pearson" for name in (pair.first, pair.second)}
    return _template().render(
        profile=profile,
        charts={c.name: bars(c, profile.classes) for c in profile.columns if c.distribution is not None},
        target=next((c for c in profile.columns if c.name == profile.target), None),
        colours=[*colours, NO_CLASS] if profile.classes else [*colours, COLOURS[0]],
        measures=MEASURES,
        by_rank=_grid(pairs, without="pearson"),
        by_value=_grid(pairs, without="spearman"),
        numeric=[name for name in profile.associations.columns if name in numeric],
        palette=COLOURS,
        cloud=clouds,
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE)


def _grid(pairs: list[Pair], without: Measure) -> dict[tuple[str, str], Pair]:
    """Return pairs by their columns in either order; two numbers by one of their two measures."""
    wanted = [pair for pair in pairs if pair.measure != without]
    one_way = {(pair.first, pair.second): pair for pair in wanted}
    return one_way | {(pair.second, pair.first): pair for pair in wanted}
