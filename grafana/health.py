"""Gateways and receivers: who is there, what waits, whose clock is wrong, who hears ships."""

from grafana_foundation_sdk.builders import statetimeline, table
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.units import BytesIEC, CountsPerMinute, Seconds, Short

from grafana.panels import (
    Section,
    Step,
    Tile,
    dressed,
    figures,
    legend,
    lines,
    marked,
    setting,
    shown_as,
    steps,
    tooltip,
)
from grafana.queries import SITE, Questions
from grafana.words import both
from telemetry import Title

RECENT = "24h"
"""How far back a gateway is still listed."""
SILENCE = 60_000  # ms; gateways say how they fare every 10 s
_PRESENCE = {
    "1": (Title(vi="Trực tuyến", en="Online"), "green"),
    "0": (Title(vi="Mất kết nối", en="Offline"), "red"),
}
_COLUMNS = {
    "gateway": Title(vi="Cổng", en="Gateway"),
    "Time": Title(vi="Lúc", en="At"),
    "site": Title(vi="Địa điểm", en="Site"),
    "online": Title(vi="Kết nối", en="Connection"),
    "devices_ok": Title(vi="Thiết bị tốt", en="Devices well"),
    "devices_faulty": Title(vi="Thiết bị lỗi", en="Devices at fault"),
    "alerts": Title(vi="Cảnh báo", en="Warnings"),
    "backlog": Title(vi="Gói chờ gửi", en="Batches waiting"),
    "backlog_bytes": Title(vi="Dung lượng chờ", en="Bytes waiting"),
    "refused_total": Title(vi="Số đo bị từ chối", en="Readings refused"),
    "clock_offset": Title(vi="Lệch đồng hồ", en="Clock ahead by"),
}
_NEWEST = ("online", *(name for name in _COLUMNS if name not in {"gateway", "Time", "online"}))
_ANY_IS_BAD = steps((None, "green"), (1, "red"))
_WAITING = steps((None, "green"), (60, "yellow"), (600, "red"))
"""A gateway seals a batch a tenth of a second at the most, so 60 wait after some seconds' outage."""
_OFFSET: tuple[Step, ...] = ((None, "red"), (-5, "yellow"), (-2, "green"), (2, "yellow"), (5, "red"))
"""Seconds; beyond 5 a reading's time misleads whoever compares gateways."""


def gateways_now(ask: Questions) -> dashboard.Panel:
    """How many gateways are there, and how many are not."""
    online = 'sum("online") AS "online", count("online") - sum("online") AS "offline"'
    panel = figures("none", ask.over_newest("A", "gateway", "online", online, by="gateway"))
    panel.override_by_name("online", [setting("displayName", both(_PRESENCE["1"][0]))])
    panel.override_by_name(
        "offline",
        [setting("displayName", both(_PRESENCE["0"][0])), setting("thresholds", _ANY_IS_BAD.build())],
    )
    panel.thresholds(steps((None, "green")))
    about = Title(
        vi="Cổng báo tin trong 24 giờ; mất kết nối là khi cổng tắt hoặc đường truyền đứt.",
        en="Gateways heard of within 24 hours; offline is one that was stopped or cannot be reached.",
    )
    return dressed(panel.build(), Title(vi="Cổng", en="Gateways"), about, RECENT)


def health(ask: Questions) -> Section:
    """The list of gateways, and their courses."""
    tiles = [
        Tile(41, 24, 6, _list(ask)),
        Tile(42, 12, 7, _presence(ask)),
        Tile(43, 12, 7, _backlog(ask)),
        Tile(44, 8, 8, _faulty(ask)),
        Tile(45, 8, 8, _clocks(ask)),
        Tile(46, 8, 8, _receivers(ask)),
    ]
    return Section(tiles, 40, Title(vi="Cổng và thiết bị", en="Gateways and devices"))


def _list(ask: Questions) -> dashboard.Panel:
    panel = table.Panel().cell_height(common.TableCellHeight.SM).filterable(True)
    panel.with_target(ask.newest("A", "gateway", _NEWEST, by="gateway"))
    coloured = setting("custom.cellOptions", {"type": "color-text"})
    judged = {
        "online": [setting("mappings", [shown_as(_PRESENCE)]), coloured],
        "devices_faulty": [setting("thresholds", _ANY_IS_BAD.build()), coloured],
        "alerts": [setting("thresholds", _ANY_IS_BAD.build()), coloured],
        "backlog": [setting("thresholds", _WAITING.build()), coloured],
        "backlog_bytes": [setting("unit", BytesIEC)],
        "clock_offset": [
            setting("unit", Seconds),
            setting("decimals", 2),
            setting("thresholds", steps(*_OFFSET).build()),
            coloured,
        ],
    }
    for name, title in _COLUMNS.items():
        panel.override_by_name(name, [setting("displayName", both(title)), *judged.get(name, [])])
    about = Title(
        vi="Tin cuối cùng của mỗi cổng trong 24 giờ. Thiết bị lỗi: lỗi, im lặng hoặc cấu hình bị từ chối.",
        en="The last word of each gateway within 24 hours. At fault: faulty, silent or refused devices.",
    )
    return dressed(panel.build(), Title(vi="Tình trạng các cổng", en="How gateways fare"), about, RECENT)


def _presence(ask: Questions) -> dashboard.Panel:
    panel = statetimeline.Panel().mappings([shown_as(_PRESENCE)]).legend(legend()).tooltip(tooltip())
    panel.with_target(ask.over_time("A", "gateway", 'last("online")', scope=SITE, by="gateway"))
    panel.span_nulls(SILENCE).merge_values(True).show_value(common.VisibilityMode.NEVER).fill_opacity(
        80
    ).line_width(0)
    about = Title(
        vi="Cổng có mặt trên đường truyền MQTT; khoảng trống: trung tâm không nhận tin.",
        en="Whether a gateway is on the MQTT road; a gap: the centre took no word of it.",
    )
    return dressed(panel.build(), Title(vi="Kết nối của cổng", en="Presence of gateways"), about)


def _backlog(ask: Questions) -> dashboard.Panel:
    waiting = ask.over_time("A", "gateway", 'max("backlog_bytes")', scope=SITE, by="gateway")
    about = Title(
        vi="Số đo đã nhận đang chờ trung tâm xác nhận; tăng đều khi trung tâm hoặc kho dữ liệu ngừng.",
        en="Accepted readings that wait for the centre's receipt; it climbs while centre or store are down.",
    )
    panel = lines(BytesIEC, waiting).min(0)
    return dressed(panel.build(), Title(vi="Dữ liệu chờ gửi", en="Backlog"), about)


def _faulty(ask: Questions) -> dashboard.Panel:
    faulty = ask.over_time("A", "gateway", 'max("devices_faulty")', scope=SITE, by="gateway")
    panel = lines(Short, faulty).min(0).decimals(0).thresholds(_ANY_IS_BAD)
    about = Title(
        vi="Thiết bị lỗi, im lặng hoặc bị từ chối.", en="Devices that are faulty, silent or refused."
    )
    return dressed(panel.build(), Title(vi="Thiết bị lỗi", en="Devices at fault"), about)


def _clocks(ask: Questions) -> dashboard.Panel:
    offsets = ask.over_time("A", "gateway", 'last("clock_offset")', scope=SITE, by="gateway")
    panel = marked(lines(Seconds, offsets), *_OFFSET).decimals(2)
    about = Title(
        vi="Đồng hồ của cổng nhanh hơn trung tâm bao nhiêu, kể cả thời gian truyền tin.",
        en="How far a gateway's clock is ahead of the centre's; the message's way counts against it.",
    )
    return dressed(panel.build(), Title(vi="Lệch đồng hồ", en="Clocks"), about)


def _receivers(ask: Questions) -> dashboard.Panel:
    rate = ask.over_time("A", "ais", 'count("sentence") * 60000 / $__interval_ms', empty="0")
    panel = lines(CountsPerMinute, rate).min(0).decimals(0)
    panel.interval("1m")
    about = Title(
        vi="Câu AIS mỗi máy thu nhận trong một phút; về không là máy thu hỏng, không phải tàu biến mất.",
        en="AIS sentences a minute at each receiver; none means a dead receiver, not that ships are gone.",
    )
    return dressed(panel.build(), Title(vi="Máy thu AIS", en="AIS receivers"), about)
