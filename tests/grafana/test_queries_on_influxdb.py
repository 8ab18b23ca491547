"""Every query of the board, expanded as Grafana does, on a real InfluxDB filled by this product."""

import re
from collections.abc import Mapping

import pytest

from tests.grafana.boards import Json, panel, targets, variables
from tests.grafana.conftest import BUOY, FAR_SHIP, HEADING_SHIP, MINUTES, QUIET_SHIP, SITES, STEPS, Written
from tests.grafana.expansion import All, Picked, Row, Span, rows, with_variables

QUAY, OUTER, NAMELESS = SITES.values()
KINDS = ("ais", "camera", "power", "water_level", "weather")
AT_THE_QUAY = [f"{kind}-quay" for kind in KINDS]
EVERYTHING: Mapping[str, Picked] = {"site": All(".*"), "device": All(".*")}
PICKED: Mapping[str, Mapping[str, Picked]] = {
    "all": EVERYTHING,
    "one-site": {"site": [QUAY], "device": All(".*")},
    "several": {"site": [QUAY, OUTER], "device": AT_THE_QUAY},
}


def ask(port: Written, target: Json, picked: Mapping[str, Picked] = EVERYTHING) -> list[Row]:
    query = port.span.expand(with_variables(target["query"], picked))
    assert "$" not in re.sub(r"\$/", "", query), query
    return rows(port.influx.ask(query, target.get("policy", "")))


def of(number: int, ref: str, port: Written) -> Json:
    """A panel's query, on the board written for a store with this retention policy."""
    (found,) = (one for one in panel(number, port.policy)["targets"] if one["refId"] == ref)
    target: Json = found
    return target


def named_columns(target: Json) -> set[str]:
    """The columns that a query names for its panel."""
    outermost = target["query"].partition(" FROM ")[0].removeprefix("SELECT ")
    columns = set(re.findall(r'AS "(\w+)"', outermost))
    columns |= set(re.findall(r'(?:^|, )"(\w+)"(?=,|$)', outermost))
    tags = re.search(r'GROUP BY (?:time\(\$__interval\), )?"(\w+)" ?(?:fill\(\w+\))?$', target["query"])
    return columns | ({tags[1]} if tags else set())


@pytest.mark.parametrize("picked", PICKED.values(), ids=PICKED)
@pytest.mark.parametrize(
    ("number", "ref"), [(one["id"], target["refId"]) for one, target in targets()], ids=str
)
def test_every_query_gives_rows_with_the_columns_that_its_panel_names(
    port: Written, number: int, ref: str, picked: Mapping[str, Picked]
) -> None:
    target = of(number, ref, port)
    answer = ask(port, target, picked)
    assert answer
    assert named_columns(target) | {"Time"} <= answer[0].keys()
    values = answer[0].keys() - {"Time", "device", "gateway", "mmsi", "number", "site"}
    for name in values - {"heading", "nav_status", "backlog"}:
        assert any(row[name] is not None for row in answer), name
    assert all(port.span.start - port.span.interval <= row["Time"] <= port.span.end for row in answer)


@pytest.mark.parametrize("name", ["site", "device"])
def test_every_variable_has_values(port: Written, name: str) -> None:
    query = with_variables(variables()[name]["query"], EVERYTHING)
    found = {row["value"] for row in rows(port.influx.ask(query))}
    everywhere = {f"{kind}-{gateway}" for kind in KINDS for gateway in SITES}
    assert found == ({QUAY, OUTER} if name == "site" else everywhere)


def test_the_devices_to_pick_are_those_of_the_picked_site(port: Written) -> None:
    query = with_variables(variables()["device"]["query"], {"site": [QUAY]})
    assert {row["value"] for row in rows(port.influx.ask(query))} == set(AT_THE_QUAY)


def test_the_map_has_each_ship_once_at_a_point_where_she_really_was(port: Written) -> None:
    answer = ask(port, of(11, "ships", port))
    ships = {int(row["mmsi"]): row for row in answer}
    assert len(answer) == len(ships)
    assert ships.keys() == {HEADING_SHIP, QUIET_SHIP, BUOY, FAR_SHIP}
    ship = ships[HEADING_SHIP]
    assert ship["lat"] == pytest.approx(20.8 + (STEPS - 1) / 10_000, abs=1e-5)
    assert (ship["lon"], ship["heading"], ship["sog"], ship["nav_status"]) == (106.9, 310, 9.5, 0)
    assert ship["number"] == str(HEADING_SHIP)
    assert {row["Time"] for row in answer} == {port.last}
    assert all(row["lat"] > 20 and row["lon"] > 106 for row in answer)


def test_the_list_has_the_ships_without_the_buoys(port: Written) -> None:
    listed = {int(row["mmsi"]) for row in ask(port, of(12, "ships", port))}
    assert listed == {HEADING_SHIP, QUIET_SHIP, FAR_SHIP}


def test_only_ships_that_say_where_they_head_get_an_arrow(port: Written) -> None:
    answer = ask(port, of(11, "headed", port))
    assert {int(row["mmsi"]): row["heading"] for row in answer} == {HEADING_SHIP: 310, FAR_SHIP: 301}
    assert all(row["lat"] and row["lon"] and row["Time"] > port.span.start for row in answer)


def test_ships_are_called_by_name(port: Written) -> None:
    names = {int(row["mmsi"]): row["name"] for row in ask(port, of(11, "names", port))}
    assert names == {HEADING_SHIP: "HAI PHONG STAR", QUIET_SHIP: "SA LAN 7", BUOY: "HP 14"}
    (transformation,) = panel(11)["transformations"]
    used = {mapping["fieldName"] for mapping in transformation["options"]["mappings"]}
    assert used == {"Time", "mmsi", "name"}
    assert transformation["options"]["configRefId"] == "names"


def test_a_picked_site_shows_what_it_alone_heard(port: Written) -> None:
    seen = ask(port, of(11, "ships", port), {"site": [OUTER], "device": All(".*")})
    assert [int(row["mmsi"]) for row in seen] == [FAR_SHIP]


def test_all_shows_the_devices_of_a_site_without_a_name_too(port: Written) -> None:
    answer = ask(port, of(2, "A", port))
    assert {row["device"] for row in answer} == {f"weather-{gateway}" for gateway in SITES}


def test_a_picked_device_is_not_taken_for_another_whose_name_begins_alike(port: Written) -> None:
    target = of(21, "A", port)
    assert ask(port, target, {"site": All(".*"), "device": ["weather"]}) == []
    one = ask(port, target, {"site": All(".*"), "device": ["weather-quay"]})
    assert {row["device"] for row in one} == {"weather-quay"}


def test_the_numbers_at_the_top_are_right(port: Written) -> None:
    (ships,) = ask(port, of(1, "ships", port))
    assert ships["ships"] == 3
    (gateways,) = ask(port, of(5, "A", port))
    assert (gateways["online"], gateways["offline"]) == (2, 1)
    last = (STEPS - 1) / STEPS
    wind = {row["device"]: row["last"] for row in ask(port, of(2, "A", port))}
    assert wind["weather-quay"] == pytest.approx(5 + last)
    energy = {row["device"]: row["spread"] for row in ask(port, of(33, "A", port))}
    assert energy["power-quay"] == pytest.approx(last)


def test_a_gateway_says_how_it_fares_and_one_that_is_gone_only_that(port: Written) -> None:
    listed = {row["gateway"]: row for row in ask(port, of(41, "A", port))}
    quay = listed["quay"]
    assert quay["site"] == QUAY
    assert (quay["online"], quay["backlog"], quay["backlog_bytes"]) == (1, STEPS - 1, 1_000 * (STEPS - 1))
    assert (quay["devices_ok"], quay["devices_faulty"], quay["clock_offset"]) == (2, 1, 0.5)
    assert (listed["bare"]["online"], listed["bare"]["backlog"]) == (0, None)


def test_receivers_are_counted_by_the_minute(port: Written) -> None:
    target = of(46, "A", port)
    minute = Span(port.span.start, port.span.end, least_interval=60_000)
    query = minute.expand(with_variables(target["query"], EVERYTHING))
    answer = rows(port.influx.ask(query, port.policy))
    quay = [_only_value(row) for row in answer if row["device"] == "ais-quay"]
    whole = [rate for rate in quay if rate][1:-1]
    assert len(whole) >= MINUTES - 2
    per_step = 6  # five messages, one of them in two sentences
    assert set(whole) == {6 * per_step}


def _only_value(row: Row) -> float:
    (value,) = (value for name, value in row.items() if name not in {"Time", "device"})
    return float(value)


def test_the_queries_ask_the_retention_policy_that_the_store_writes(port: Written) -> None:
    assert {target.get("policy", "") for _, target in targets(port.policy)} == {port.policy}
