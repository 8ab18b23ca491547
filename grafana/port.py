"""The board of the port: ships, sensors, gateways."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard

from grafana.health import gateways_now, health
from grafana.panels import Section, Tile, lay_out
from grafana.queries import Questions, data_source, devices, sites
from grafana.sensors import SENSOR_KINDS, cameras, power, power_now, water_now, weather_and_water, wind_now
from grafana.ships import MapView, ships, ships_now
from grafana.words import both, paragraphs
from telemetry import Title

UID = "haidang-port"
TAG = "haidang"
TIMEZONE = "Asia/Ho_Chi_Minh"
REFRESH = "10s"
SPAN = "now-6h"
_ALL = ".*"
"""What `All` means in a pattern; it finds points without the tag too, such as those of a nameless site."""


def port_board(policy: str = "", view: MapView | None = None) -> dashboard.Dashboard:
    """The board. policy: the retention policy its queries ask. view: of the map, Hai Phong unless given."""
    ask = Questions(policy)
    about = Title(
        vi="Tàu, khí tượng, thủy văn, điện, camera và tình trạng các cổng của cảng.",
        en="Ships, weather, water, power, cameras and the health of the port's gateways.",
    )
    board = builders.Dashboard(both(Title(vi="Cảng", en="Port"))).uid(UID).description(paragraphs(about))
    board.tags([TAG]).timezone(TIMEZONE).refresh(REFRESH).time(SPAN, "now")
    board.tooltip(dashboard.DashboardCursorSync.CROSSHAIR).link(_other_boards())
    board.with_variable(_site()).with_variable(_device())
    built = board.build()
    built.panels = lay_out(
        [
            _now(ask),
            ships(ask, view or MapView()),
            weather_and_water(ask),
            power(ask),
            cameras(ask),
            health(ask),
        ]
    )
    return built


def _now(ask: Questions) -> Section:
    tiles = [
        Tile(1, 3, 5, ships_now(ask)),
        Tile(2, 6, 5, wind_now(ask)),
        Tile(3, 5, 5, water_now(ask)),
        Tile(4, 5, 5, power_now(ask)),
        Tile(5, 5, 5, gateways_now(ask)),
    ]
    return Section(tiles)


def _site() -> builders.QueryVariable:
    return _picked("site", Title(vi="Địa điểm", en="Site"), sites())


def _device() -> builders.QueryVariable:
    return _picked("device", Title(vi="Thiết bị", en="Device"), devices(SENSOR_KINDS))


def _picked(name: str, title: Title, query: str) -> builders.QueryVariable:
    """A variable of which the user picks one value, several or all."""
    everything = dashboard.VariableOption(selected=True, text=["All"], value=["$__all"])
    variable = builders.QueryVariable(name).label(both(title)).datasource(data_source()).query(query)
    variable.multi(True).include_all(True).all_value(_ALL).current(everything)
    variable.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
    return variable.sort(dashboard.VariableSort.NATURAL_ASC)


def _other_boards() -> builders.DashboardLink:
    title = both(Title(vi="Các bảng Hải Đăng", en="Hải Đăng boards"))
    link = builders.DashboardLink(title).type(dashboard.DashboardLinkType.DASHBOARDS).tags([TAG])
    link.icon("external link").tooltip(title).as_dropdown(True)
    return link.include_vars(True).keep_time(True)
