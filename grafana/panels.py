"""The kinds of panels that the boards are made of, and how they are laid out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as dashboard_builders
from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.models import common, dashboard

from grafana.queries import InfluxQuery, data_source
from grafana.words import both, paragraphs
from telemetry import Title

WIDTH = 24  # columns of Grafana's grid
GAP = 300_000  # ms without a value; after longer a line is broken
THIN = 8  # per cent of fill below a line

Step = tuple[float | None, str]
"""From this value on this colour; the first begins at None, which is below everything."""
Panel = dashboard.Panel


@dataclass(frozen=True, slots=True)
class Tile:
    """A panel and its size on the grid. id: never given to another panel, links and alerts name it."""

    id: int
    width: int
    height: int
    panel: Panel


@dataclass(frozen=True, slots=True)
class Section:
    """Tiles side by side, in lines of 24 columns; below a heading where there is one."""

    tiles: Sequence[Tile]
    id: int = 0
    title: Title | None = None


def lay_out(sections: Iterable[Section]) -> list[Panel | dashboard.RowPanel]:
    """The panels with their ids and places, from top to bottom."""
    placed: list[Panel | dashboard.RowPanel] = []
    top = 0
    for section in sections:
        if section.title is not None:
            spot = dashboard.GridPos(h=1, w=WIDTH, x=0, y=top)
            placed.append(dashboard.RowPanel(title=both(section.title), grid_pos=spot, id_val=section.id))
            top += 1
        left = tallest = 0
        for tile in section.tiles:
            if left + tile.width > WIDTH:
                top, left, tallest = top + tallest, 0, 0
            tile.panel.id_val = tile.id
            tile.panel.grid_pos = dashboard.GridPos(h=tile.height, w=tile.width, x=left, y=top)
            placed.append(tile.panel)
            left, tallest = left + tile.width, max(tallest, tile.height)
        top += tallest
    return placed


def dressed(panel: Panel, title: Title, about: Title, since: str | None = None) -> Panel:
    """The panel with its words. since: so far it looks back whatever the board shows, such as `30m`."""
    panel.title, panel.description = both(title), paragraphs(about)
    panel.datasource = data_source()
    panel.time_from = since
    return panel


def steps(*steps: Step) -> dashboard_builders.ThresholdsConfig:
    """Colours by value."""
    found = [dashboard.Threshold(value, colour) for value, colour in steps]
    return dashboard_builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(found)


def shown_as(texts: Mapping[str, tuple[Title, str]]) -> dashboard.ValueMap:
    """What a value is shown as: its text and colour."""
    return dashboard.ValueMap(
        {
            value: dashboard.ValueMappingResult(both(title), colour, index=index)
            for index, (value, (title, colour)) in enumerate(texts.items())
        }
    )


def setting(name: str, value: object) -> dashboard.DynamicConfigValue:
    """One property of a column or series that differs from the rest of its panel."""
    return dashboard.DynamicConfigValue(name, value)


def legend() -> common_builders.VizLegendOptions:
    """Below the panel, with the last value of every series."""
    options = common_builders.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST).show_legend(True)
    return options.placement(common.LegendPlacement.BOTTOM).calcs(["lastNotNull"])


def tooltip() -> common_builders.VizTooltipOptions:
    """All series at the instant pointed at, the highest first."""
    options = common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI)
    return options.sort(common.SortOrder.DESCENDING)


def lines(unit: str, *queries: InfluxQuery) -> timeseries.Panel:
    """Courses over time in this unit, a line for each series; a line breaks where values are missing."""
    panel = timeseries.Panel().unit(unit).legend(legend()).tooltip(tooltip())
    panel.line_width(1).fill_opacity(THIN).span_nulls(GAP)
    panel.show_points(common.VisibilityMode.AUTO)
    for query in queries:
        panel.with_target(query)
    return panel


def marked(panel: timeseries.Panel, *limits: Step) -> timeseries.Panel:
    """The same panel with a dashed line at every limit."""
    style = common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
    return panel.thresholds(steps(*limits)).thresholds_style(style)


def figures(unit: str, *queries: InfluxQuery) -> stat.Panel:
    """The newest number of each series, large."""
    newest = common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
    panel = stat.Panel().unit(unit).reduce_options(newest).orientation(common.VizOrientation.AUTO)
    panel.graph_mode(common.BigValueGraphMode.NONE).color_mode(common.BigValueColorMode.VALUE)
    panel.text_mode(common.BigValueTextMode.VALUE_AND_NAME)
    for query in queries:
        panel.with_target(query)
    return panel
