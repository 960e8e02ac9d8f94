"""What dashboards are built of: panels with a title, a unit, a sentence, a state for no data, and links."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    heatmap,
    logs,
    loki,
    nodegraph,
    prometheus,
    stat,
    table,
    tempo,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as d
from grafana_foundation_sdk.models import prometheus as p
from grafana_foundation_sdk.models.tempo import SearchTableType

METRICS, LOGS, TRACES = "mimir", "loki", "tempo"
"""The uids of the data sources, as `grafana/provisioning/datasources` fixes them."""
RUNBOOKS = "https://loopkeeper.github.io/loopkeeper/how-to/runbooks"
"""Where the pages of `docs/how-to/runbooks` are published."""
SOURCE_TYPES = {METRICS: "prometheus", LOGS: "loki", TRACES: "tempo"}
TRACES_SHOWN = 20
FIELD = "${__field."
"""Begins what only the link of a series can fill in, and the link of a panel cannot."""
SITE = "${site}"
"""The address of the stage's pages: a hidden variable, filled from a label of the scraped target."""

Target = prometheus.Dataquery | loki.Dataquery | tempo.TempoQuery
Shape = timeseries.Panel | stat.Panel | table.Panel | heatmap.Panel | logs.Panel | nodegraph.Panel


@dataclass(frozen=True)
class Query:
    """One question to a data source; `legend` names its series, with labels in braces."""

    text: str
    legend: str = ""
    source: str = METRICS
    latest: bool = False
    """Only the newest values are wanted, not how they came about."""
    kind: str = "traceql"
    """Of a query to Tempo: `traceql`, or `serviceMap`, which asks Mimir."""

    def target(self, ref: str, *, figure: bool = False) -> Target:
        """Return it as Grafana has it; a figure is what there is now: what there was may be no more."""
        source = source_of(self.source)
        if self.source == LOGS:
            return loki.Dataquery().expr(self.text).ref_id(ref).datasource(source)
        if self.source == TRACES:
            asked = tempo.TempoQuery().query_type(self.kind).ref_id(ref).datasource(source)
            if self.kind == "serviceMap":
                return asked.service_map_query(self.text)
            return asked.query(self.text).limit(TRACES_SHOWN).table_type(SearchTableType.TRACES)
        asked_for = prometheus.Dataquery().expr(self.text).legend_format(self.legend or "__auto")
        asked_for = asked_for.ref_id(ref).datasource(source).editor_mode(p.QueryEditorMode.CODE)
        if figure:
            return asked_for.instant()
        if self.latest:
            return asked_for.instant().format(p.PromQueryFormat.TABLE)
        return asked_for.range().exemplar("_bucket" in self.text)


def source_of(uid: str) -> d.DataSourceRef:
    """Return a data source as panels, queries and variables refer to it."""
    return d.DataSourceRef(type_val=SOURCE_TYPES[uid], uid=uid)


@dataclass(frozen=True)
class Link:
    """Where a number leads on."""

    title: str
    url: str

    def built(self) -> dashboard.DashboardLink:
        """Return it as Grafana has it; a stranger's tab is never replaced."""
        made = dashboard.DashboardLink(self.title).type(d.DashboardLinkType.LINK).url(self.url)
        return made.target_blank(True)


def page(title: str, path: str) -> Link:
    """Lead to a page of the platform, of the stage that is looked at."""
    return Link(title, f"{SITE}/{path}")


def runbook(title: str, name: str) -> Link:
    """Lead to what to do: a page of `docs/how-to/runbooks`."""
    return Link(title, f"{RUNBOOKS}/{name}.html")


def board(title: str, uid: str) -> Link:
    """Lead from a series of a model to that model on another dashboard, at the same stage and time."""
    chosen = "${stage:queryparam}&var-model=${__field.labels.model}&${__url_time_range}"
    return Link(title, f"/d/{uid}?{chosen}")


MODEL_PAGE = page("The model's page", "model?model=${__field.labels.model}")
SELECTED_MODEL = page("The model's page", "model?model=${model}")
DRIFT_REPORT = page("The drift report", "monitoring?model=${__field.labels.model}&monitored=Drift")
SELECTED_DRIFT_REPORT = page("The drift report", "monitoring?model=${model}&monitored=Drift")
RUNS = page("Runs", "runs")
LOGS_PAGE = page("Logs", "logs")


@dataclass(frozen=True)
class Panel:
    """One panel of a dashboard."""

    title: str
    says: str
    """What the number means, and what to make of it, for somebody who sees it for the first time."""
    queries: Sequence[Query]
    unit: str
    empty: str
    """What is shown while there is no data: why, and that this is fine or not."""
    links: Sequence[Link]
    make: Callable[[], Shape]
    width: int = 12
    height: int = 8

    def built(self) -> Shape:
        """Return it as Grafana has it."""
        made = self.make().title(self.title).description(self.says).unit(self.unit).no_value(self.empty)
        made = made.datasource(source_of(self.queries[0].source)).span(self.width).height(self.height)
        made = made.links([link.built() for link in self.links if FIELD not in link.url])
        made = made.data_links([link.built() for link in self.links])
        for number, query in enumerate(self.queries):
            made = made.with_target(query.target(chr(ord("A") + number), figure=self.make is figure))
        return made


def lines() -> timeseries.Panel:
    """Draw how something went."""
    shown = (
        common.VizLegendOptions().display_mode(c.LegendDisplayMode.TABLE).placement(c.LegendPlacement.BOTTOM)
    )
    legend = shown.show_legend(True).calcs(["lastNotNull", "max"])
    made = timeseries.Panel().line_width(1).fill_opacity(8).span_nulls(False).legend(legend)
    return made.tooltip(
        common.VizTooltipOptions().mode(c.TooltipDisplayMode.MULTI).sort(c.SortOrder.DESCENDING)
    )


def areas() -> timeseries.Panel:
    """Draw parts of a whole."""
    return lines().fill_opacity(40).stacking(common.StackingConfig().mode(c.StackingMode.NORMAL))


def figure() -> stat.Panel:
    """Show one number for each series."""
    newest = common.ReduceDataOptions().calcs(["lastNotNull"])
    made = stat.Panel().reduce_options(newest).graph_mode(c.BigValueGraphMode.NONE)
    return made.color_mode(c.BigValueColorMode.NONE).text_mode(c.BigValueTextMode.VALUE_AND_NAME)


def rows() -> table.Panel:
    """List what there is."""
    return table.Panel().show_header(True)


def read() -> logs.Panel:
    """Show log lines, newest first."""
    return logs.Panel().show_time(True).wrap_log_message(True).enable_log_details(True)


def map_of_services() -> nodegraph.Panel:
    """Draw who calls whom."""
    return nodegraph.Panel()


class Board:
    """A dashboard: what it is about, and its panels, row by row."""

    def __init__(self, title: str, uid: str, says: str, *, model: bool = False, stage: bool = True) -> None:
        """Begin one that lets its reader choose a stage and, if it is about one, a model."""
        self.uid = uid
        self._marked: dict[str, dict[str, str]] = {}
        made = dashboard.Dashboard(title).uid(uid).description(says).tags(["loopkeeper"]).timezone("browser")
        made = made.time("now-6h", "now").refresh("30s").readonly().tooltip(d.DashboardCursorSync.CROSSHAIR)
        others = dashboard.DashboardLink("Dashboards").type(d.DashboardLinkType.DASHBOARDS)
        self._made = made.link(
            others.tags(["loopkeeper"]).as_dropdown(True).include_vars(True).keep_time(True)
        )
        if stage:
            self._choose("stage", "Stage", 'label_values(up{job="gateway"}, stage)')
            self._choose(
                "site", "Address", 'label_values(up{job="pages", stage="$stage"}, site)', hidden=True
            )
        if model:
            of_stage = 'label_values(loopkeeper_serving_version_info{stage="$stage"}, model)'
            self._choose("model", "Model", of_stage)

    def _choose(self, name: str, label: str, query: str, *, hidden: bool = False) -> None:
        made = dashboard.QueryVariable(name).label(label).query(query).datasource(source_of(METRICS))
        made = made.refresh(d.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(d.VariableSort.ALPHABETICAL_ASC)
        hide = d.VariableHide.HIDE_VARIABLE if hidden else d.VariableHide.DONT_HIDE
        self._made.with_variable(made.hide(hide))

    def row(self, title: str, *panels: Panel) -> Self:
        """Add a row of panels under a heading."""
        self._made.with_row(dashboard.Row(title))
        for panel in panels:
            self._made.with_panel(panel.built())
        return self

    def mark(self, name: str, query: str, text: str, colour: str) -> Self:
        """Mark in every graph when something happened: when `query` has a value."""
        made = dashboard.AnnotationQuery().name(name).datasource(source_of(METRICS)).enable(True).hide(False)
        self._made.annotation(made.icon_color(colour).expr(query))
        # The builder does not know the options of Prometheus' annotations.
        self._marked[name] = {"titleFormat": name, "textFormat": text, "step": "15s"}
        return self

    def as_json(self) -> str:
        """Return the dashboard as Grafana reads it from a file."""
        built: dict[str, Any] = json.loads(json.dumps(self._made.build(), cls=JSONEncoder))
        for mark in built.get("annotations", {}).get("list", ()):
            mark.update(self._marked[mark["name"]])
        return json.dumps(built, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
