"""Ships: the map with arrows that show where they head, and the list beside it."""

from dataclasses import dataclass

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as dashboard_builders
from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.units import Degrees, Knot

from grafana.panels import Section, Tile, dressed, figures, setting, shown_as, steps
from grafana.queries import SITE, InfluxQuery, Questions
from grafana.words import both
from telemetry import Title
from vessels.names import NAV_STATUS

SHIPS = f'{SITE} AND "mmsi" !~ /^99[0-9]*$/'
"""Aids to navigation are on the map, but are no ships (ITU-R M.585: 99MIDaxxx)."""
RECENT = "30m"
"""How far back a ship is still shown: longer than the slowest transponder is silent at anchor."""
ALL, HEADED, NAMES = "ships", "headed", "names"
"""The queries' names: every ship, those that say where they head, and what they are called."""
_CIRCLE, _ARROW = "img/icons/marker/circle.svg", "img/icons/unicons/arrow-up.svg"
_MOVING, _AT_REST, _HAMPERED, _DISTRESS, _UNSAID = "green", "blue", "orange", "red", "gray"
_COLOURS = {
    **dict.fromkeys((1, 5), _AT_REST),
    **dict.fromkeys((3, 4), _HAMPERED),
    **dict.fromkeys((2, 6, 14), _DISTRESS),
    15: _UNSAID,
}
"""By navigational status; every other one is of a ship under way."""
_MOTION = ("sog", "cog", "heading", "nav_status", '"mmsi" AS "number"')
_NEWEST = ("lat", "lon", *_MOTION)
_COLUMNS = {
    "mmsi": Title(vi="Tàu", en="Ship"),
    "number": Title(vi="MMSI", en="MMSI"),
    "Time": Title(vi="Lúc", en="At"),
    "lat": Title(vi="Vĩ độ", en="Latitude"),
    "lon": Title(vi="Kinh độ", en="Longitude"),
    "sog": Title(vi="Tốc độ", en="Speed"),
    "cog": Title(vi="Hướng đi", en="Course"),
    "heading": Title(vi="Hướng mũi", en="Heading"),
    "nav_status": Title(vi="Trạng thái", en="Status"),
}


@dataclass(frozen=True, slots=True)
class MapView:
    """What the map shows at first: its centre in WGS-84 degrees and how near; Hai Phong by default.

    tiles: URL of the port's own map tiles with {z}, {x} and {y}; None for Grafana's base map, which
    comes from the internet.
    """

    latitude: float = 20.78
    longitude: float = 106.88
    zoom: float = 11.0
    tiles: str | None = None


def ships_now(ask: Questions) -> dashboard.Panel:
    """How many ships were heard of lately."""
    count = ask.over_newest(ALL, "vessel", "lat", 'count("lat") AS "ships"', by="mmsi", scope=SHIPS)
    panel = figures("none", count).no_value("0").thresholds(steps((None, "blue")))
    panel.text_mode(common.BigValueTextMode.VALUE)
    about = Title(vi="Số tàu nghe được qua AIS trong 30 phút.", en="Ships heard over AIS within 30 minutes.")
    return dressed(panel.build(), Title(vi="Tàu", en="Ships"), about, RECENT)


def ships(ask: Questions, view: MapView) -> Section:
    """The map and the list."""
    tiles = [Tile(11, 16, 17, _map(ask, view)), Tile(12, 8, 17, _list(ask))]
    return Section(tiles, 10, Title(vi="Tàu", en="Ships"))


def _map(ask: Questions, view: MapView) -> dashboard.Panel:
    panel = dashboard_builders.Panel().type("geomap").options(_map_options(view)).decimals(1)
    everyone = ask.newest(ALL, "vessel", _NEWEST, by="mmsi")
    panel.targets([everyone, ask.newest(HEADED, "vessel", _HEADED, by="mmsi"), _names(ask)])
    panel.with_transformation(_called_by_name())
    for name, unit in (("sog", Knot), ("cog", Degrees), ("heading", Degrees)):
        panel.override_by_name(name, [setting("displayName", both(_COLUMNS[name])), setting("unit", unit)])
    for name in ("mmsi", "number", "Time"):
        panel.override_by_name(name, [setting("displayName", both(_COLUMNS[name]))])
    for name in ("lat", "lon"):
        panel.override_by_name(name, [setting("displayName", both(_COLUMNS[name])), setting("decimals", 5)])
    panel.override_by_name("nav_status", _status())
    about = Title(
        vi="Vị trí cuối cùng của mỗi tàu trong 30 phút; mũi tên chỉ hướng mũi tàu, nếu tàu có phát. "
        "Xanh lục: đang hành trình; xanh lam: neo hoặc buộc cầu; cam: hạn chế điều động; đỏ: sự cố; "
        "xám: không phát trạng thái, và báo hiệu hàng hải.",
        en="The last position of each ship within 30 minutes; the arrow is her heading, where she sends it. "
        "Green: under way; blue: at anchor or moored; orange: hampered; red: in trouble; "
        "grey: no status sent, and aids to navigation.",
    )
    return dressed(panel.build(), Title(vi="Bản đồ tàu", en="Ships on the map"), about, RECENT)


_HEADED = ("heading", "lat", "lon", *(name for name in _MOTION if name != "heading"))


def _map_options(view: MapView) -> dict[str, object]:
    """Plain JSON: the SDK takes degrees and opacities for whole numbers."""
    everyone = _layer(Title(vi="Tàu", en="Ships"), _CIRCLE, 4)
    headed = _layer(Title(vi="Hướng mũi tàu", en="Headings"), _ARROW, 9, "heading")
    centre = {"lat": view.latitude, "lon": view.longitude, "zoom": view.zoom}
    return {
        "view": {"id": "coords", **centre, "allLayers": True},
        "controls": {"showZoom": True, "mouseWheelZoom": True, "showAttribution": True, "showScale": True},
        "basemap": _base_map(view.tiles),
        # Every layer takes the first table that its filter lets through; without a filter that is ALL.
        "layers": [everyone, headed | {"filterData": {"id": "byRefId", "options": HEADED}, "tooltip": False}],
        "tooltip": {"mode": "details"},
    }


def _base_map(tiles: str | None) -> dict[str, object]:
    name = both(Title(vi="Nền", en="Base map"))
    if tiles is None:
        return {"type": "default", "name": name}
    return {"type": "xyz", "name": name, "config": {"url": tiles, "attribution": ""}}


def _layer(name: Title, symbol: str, size: int, turned_by: str | None = None) -> dict[str, object]:
    rotation: dict[str, object] = {"fixed": 0, "mode": "mod", "min": -360, "max": 360}
    style = {
        "symbol": {"mode": "fixed", "fixed": symbol},
        "size": {"fixed": size, "min": 2, "max": 15},
        "color": {"field": "nav_status", "fixed": _MOVING},
        "opacity": 0.9,
        "rotation": rotation | ({"field": turned_by} if turned_by else {}),
    }
    return {
        "type": "markers",
        "name": both(name),
        "config": {"showLegend": False, "style": style},
        "location": {"mode": "coords", "latitude": "lat", "longitude": "lon"},
        "tooltip": True,
    }


def _list(ask: Questions) -> dashboard.Panel:
    panel = table.Panel().cell_height(common.TableCellHeight.SM).filterable(True).decimals(1)
    listed = ask.newest(ALL, "vessel", _NEWEST, by="mmsi", scope=SHIPS)
    panel.with_target(listed).with_target(_names(ask)).with_transformation(_called_by_name())
    panel.sort_by([common_builders.TableSortByFieldState().display_name(both(_COLUMNS["sog"])).desc(True)])
    for name, unit in (("sog", Knot), ("cog", Degrees)):
        panel.override_by_name(name, [setting("displayName", both(_COLUMNS[name])), setting("unit", unit)])
    for name in ("mmsi", "number", "Time"):
        panel.override_by_name(name, [setting("displayName", both(_COLUMNS[name]))])
    panel.override_by_name("nav_status", _status())
    for name in ("lat", "lon", "heading"):
        panel.override_by_name(name, [setting("custom.hidden", value=True)])
    about = Title(
        vi="Các tàu trên bản đồ, không kể báo hiệu hàng hải; tên lấy từ bản tin AIS tĩnh.",
        en="The ships on the map, aids to navigation left out; names are from their static AIS messages.",
    )
    return dressed(panel.build(), Title(vi="Danh sách tàu", en="List of ships"), about, RECENT)


def _names(ask: Questions) -> InfluxQuery:
    return ask.newest(NAMES, "vessel_static", ("name",), by="mmsi")


def _called_by_name() -> dashboard.DataTransformerConfig:
    """Shows a ship's name where her MMSI stands, without touching the rows."""
    mappings = [
        {"fieldName": "Time", "handlerKey": "__ignore"},
        {"fieldName": "mmsi", "handlerKey": "mappings.value", "reducerId": "allValues"},
        {"fieldName": "name", "handlerKey": "mappings.text", "reducerId": "allValues"},
    ]
    applied = {"id": "byName", "options": "mmsi"}
    options = {"configRefId": NAMES, "applyTo": applied, "mappings": mappings}
    return dashboard.DataTransformerConfig("configFromData", options=options)


def _status() -> list[dashboard.DynamicConfigValue]:
    known = {str(code): (title, _COLOURS.get(code, _MOVING)) for code, title in NAV_STATUS.items()}
    unsaid = dashboard.SpecialValueMap(
        dashboard.DashboardSpecialValueMapOptions(
            dashboard.SpecialValueMatch.NULL_AND_NAN, dashboard.ValueMappingResult("–", _UNSAID)
        )
    )
    return [
        setting("displayName", both(_COLUMNS["nav_status"])),
        setting("mappings", [shown_as(known), unsaid]),
    ]
