"""Weather, water, power and cameras, a line for each device."""

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.units import (
    Celsius,
    Degrees,
    Hectopascals,
    Humidity,
    KiloWattHour,
    Meter,
    MetersPerSecond,
    Percent,
    Volt,
    Watt,
)

from grafana.panels import Section, Step, Tile, dressed, figures, lines, marked, setting, steps
from grafana.queries import Questions
from telemetry import Title

SENSOR_KINDS = ("ais", "camera", "power", "water_level", "weather")
"""The kinds whose devices the board lets the user pick."""
RECENT = "15m"
"""How far back a value still counts as the present one."""
_BEAUFORT: tuple[Step, ...] = ((None, "green"), (10.8, "yellow"), (13.9, "orange"), (17.2, "red"))
"""From Beaufort 6, 7 and 8 on, in m/s."""


def wind_now(ask: Questions) -> dashboard.Panel:
    """The newest wind speeds."""
    newest = ask.whole_range("A", "weather", 'last("wind_speed")')
    panel = figures(MetersPerSecond, newest).decimals(1).thresholds(steps(*_BEAUFORT))
    about = Title(
        vi="Màu theo cấp gió Beaufort: vàng từ cấp 6, cam từ cấp 7, đỏ từ cấp 8.",
        en="Colours by Beaufort: yellow from 6, orange from 7, red from 8.",
    )
    return dressed(panel.build(), Title(vi="Gió hiện tại", en="Wind now"), about, RECENT)


def water_now(ask: Questions) -> dashboard.Panel:
    """The newest water levels."""
    newest = ask.whole_range("A", "water_level", 'last("water_level")')
    panel = figures(Meter, newest).decimals(2).thresholds(steps((None, "blue")))
    return dressed(panel.build(), Title(vi="Mực nước hiện tại", en="Water level now"), _WATER, RECENT)


def power_now(ask: Questions) -> dashboard.Panel:
    """The newest active powers."""
    newest = ask.whole_range("A", "power", 'last("power")')
    panel = figures(Watt, newest).decimals(1).thresholds(steps((None, "purple")))
    about = Title(vi="Công suất tác dụng tổng ba pha.", en="Active power of all three phases.")
    return dressed(panel.build(), Title(vi="Công suất hiện tại", en="Power now"), about, RECENT)


def weather_and_water(ask: Questions) -> Section:
    """Wind, water level, air."""
    tiles = [
        Tile(21, 8, 9, _wind_speed(ask)),
        Tile(22, 8, 9, _wind_direction(ask)),
        Tile(23, 8, 9, _water_level(ask)),
        Tile(24, 8, 8, _temperature(ask)),
        Tile(25, 8, 8, _humidity(ask)),
        Tile(26, 8, 8, _pressure(ask)),
    ]
    return Section(tiles, 20, Title(vi="Khí tượng, thủy văn", en="Weather and water"))


def power(ask: Questions) -> Section:
    """Power, voltages, energy."""
    tiles = [
        Tile(31, 8, 8, _active_power(ask)),
        Tile(32, 10, 8, _voltages(ask)),
        Tile(33, 6, 8, _energy(ask)),
    ]
    return Section(tiles, 30, Title(vi="Điện", en="Power"))


def cameras(ask: Questions) -> Section:
    """Where cameras look."""
    tiles = [Tile(51, 12, 8, _look(ask)), Tile(52, 12, 8, _zoom(ask))]
    return Section(tiles, 50, Title(vi="Máy quay", en="Cameras"))


_WATER = Title(
    vi="Mực nước theo mốc của cảm biến (độ cao lắp đặt).",
    en="Water level above the sensor's datum (its installation height).",
)


def _wind_speed(ask: Questions) -> dashboard.Panel:
    mean = ask.over_time("A", "weather", 'mean("wind_speed")')
    most = ask.over_time("B", "weather", 'max("wind_speed")', alias="$tag_device ↑")
    panel = marked(lines(MetersPerSecond, mean, most), *_BEAUFORT).min(0).decimals(1)
    dashes = {"fill": "dash", "dash": [4, 6]}
    panel.override_by_query("B", [setting("custom.lineStyle", dashes), setting("custom.fillOpacity", 0)])
    about = Title(
        vi="Trung bình, và giá trị lớn nhất trong mỗi khoảng (↑, nét đứt).",
        en="The mean and, dashed (↑), the highest value of each interval.",
    )
    return dressed(panel.build(), Title(vi="Tốc độ gió", en="Wind speed"), about)


def _wind_direction(ask: Questions) -> dashboard.Panel:
    panel = lines(Degrees, ask.over_time("A", "weather", 'last("wind_direction")')).min(0).max(360)
    panel.draw_style(common.GraphDrawStyle.POINTS).point_size(4).decimals(0)
    about = Title(
        vi="Hướng gió thổi đến, so với hướng bắc thật; giá trị cuối mỗi khoảng: hướng không có trung bình.",
        en="Where the wind comes from, by true north; the last of each interval: directions have no mean.",
    )
    return dressed(panel.build(), Title(vi="Hướng gió", en="Wind direction"), about)


def _water_level(ask: Questions) -> dashboard.Panel:
    panel = lines(Meter, ask.over_time("A", "water_level", 'mean("water_level")')).decimals(2)
    return dressed(panel.build(), Title(vi="Mực nước", en="Water level"), _WATER)


def _temperature(ask: Questions) -> dashboard.Panel:
    air = ask.over_time("A", "weather", 'mean("air_temperature")')
    water = ask.over_time("B", "weather", 'mean("water_temperature")', alias="$tag_device ≈")
    about = Title(
        vi="Nhiệt độ không khí, và nước biển (≈).", en="Temperature of the air and of the sea water (≈)."
    )
    panel = lines(Celsius, air, water).decimals(1)
    return dressed(panel.build(), Title(vi="Nhiệt độ", en="Temperature"), about)


def _humidity(ask: Questions) -> dashboard.Panel:
    panel = lines(Humidity, ask.over_time("A", "weather", 'mean("humidity")')).max(100).decimals(0)
    about = Title(vi="Độ ẩm tương đối của không khí.", en="Relative humidity of the air.")
    return dressed(panel.build(), Title(vi="Độ ẩm", en="Humidity"), about)


def _pressure(ask: Questions) -> dashboard.Panel:
    panel = lines(Hectopascals, ask.over_time("A", "weather", 'mean("air_pressure")')).decimals(1)
    about = Title(
        vi="Áp suất tại độ cao của cảm biến; giảm nhanh báo hiệu bão.",
        en="Pressure at the sensor's height; a quick fall announces a storm.",
    )
    return dressed(panel.build(), Title(vi="Áp suất không khí", en="Air pressure"), about)


def _active_power(ask: Questions) -> dashboard.Panel:
    panel = lines(Watt, ask.over_time("A", "power", 'mean("power")')).decimals(1)
    about = Title(vi="Công suất tác dụng tổng ba pha.", en="Active power of all three phases.")
    return dressed(panel.build(), Title(vi="Công suất", en="Active power"), about)


def _voltages(ask: Questions) -> dashboard.Panel:
    phases = ", ".join(f'mean("voltage_l{n}") AS "L{n}"' for n in (1, 2, 3))
    panel: timeseries.Panel = lines(Volt, ask.over_time("A", "power", phases, alias="$tag_device $col"))
    about = Title(vi="Điện áp từng pha so với trung tính.", en="Voltage of each phase to neutral.")
    return dressed(panel.decimals(1).build(), Title(vi="Điện áp pha", en="Phase voltages"), about)


def _energy(ask: Questions) -> dashboard.Panel:
    used = ask.whole_range("A", "power", 'spread("energy_import")')
    panel = figures(KiloWattHour, used).decimals(1).thresholds(steps((None, "purple")))
    about = Title(
        vi="Điện năng nhận trong khoảng thời gian của bảng.",
        en="Energy imported over the time that the board shows.",
    )
    return dressed(panel.build(), Title(vi="Điện năng nhận", en="Energy imported"), about)


def _look(ask: Questions) -> dashboard.Panel:
    pan = ask.over_time("A", "camera", 'last("pan")', alias="$tag_device ↔")
    tilt = ask.over_time("B", "camera", 'last("tilt")', alias="$tag_device ↕")
    panel = lines(Degrees, pan, tilt).decimals(1)
    about = Title(
        vi="Góc quay ngang (↔, dương sang phải) và góc ngẩng (↕, dương lên trên), giá trị cuối mỗi khoảng.",
        en="Pan (↔, positive to the right) and tilt (↕, positive upwards), the last of each interval.",
    )
    return dressed(panel.build(), Title(vi="Hướng nhìn", en="Where they look"), about)


def _zoom(ask: Questions) -> dashboard.Panel:
    panel = lines(Percent, ask.over_time("A", "camera", 'last("zoom")')).min(0).max(100).decimals(0)
    about = Title(vi="0 là góc rộng, 100 là phóng to hết cỡ.", en="0 is wide, 100 is fully zoomed in.")
    return dressed(panel.build(), Title(vi="Thu phóng", en="Zoom"), about)
