"""The board as Grafana reads it: valid by its schemas, laid out without overlap, in both languages."""

import copy
import json
import re
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pytest
from jsonschema import Draft7Validator

from drivers.catalogue import load_catalogue
from firmware_sim.port import SimulatedPort
from tests.grafana.boards import Json, board, board_text, panel, panels, targets, variables
from tests.reference import reference

SCHEMAS = "grafana-spec/foundation-sdk/jsonschema"
FIXED_GEOMAP = "grafana-spec/geomap.fixed.jsonschema.json"
PANEL_SCHEMAS = {
    "geomap": FIXED_GEOMAP,
    **{kind: f"{SCHEMAS}/{kind}.jsonschema.json" for kind in ("stat", "table", "timeseries")},
    "state-timeline": f"{SCHEMAS}/statetimeline.jsonschema.json",
}
MEASURED = re.compile(r'FROM "(\w+)"')
FIELDS = re.compile(r'(?:mean|max|last|spread|count)\("(\w+)"\)')


def schema(name: str) -> Json:
    loaded: Json = json.loads(reference(name).read_text("utf-8"))
    return loaded


def dashboard_schema() -> Json:
    """The official schema, but for two places that Grafana types as anything and the schema as an object:
    what a matcher matches (a column's name, a text) and what an override sets (a unit, a number)."""
    loaded = copy.deepcopy(schema(f"{SCHEMAS}/dashboard.jsonschema.json"))
    definitions = loaded["definitions"]
    definitions["MatcherConfig"]["properties"]["options"] = {}
    definitions["DynamicConfigValue"]["properties"]["value"] = {}
    return loaded


def faults(content: Any, by: Mapping[str, Any], definition: str | None = None) -> list[str]:
    wanted = dict(by) if definition is None else {**by, "$ref": f"#/definitions/{definition}"}
    found = Draft7Validator(wanted).iter_errors(content)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in found]


def test_the_board_is_valid() -> None:
    assert faults(board(), dashboard_schema()) == []
    assert board()["schemaVersion"] == 42


@pytest.mark.parametrize("one", panels(), ids=lambda one: f"{one['id']}-{one['type']}")
def test_every_panel_is_valid_by_the_schema_of_its_kind(one: Json) -> None:
    by = schema(PANEL_SCHEMAS[one["type"]])
    assert faults(one["options"], by, "Options") == []
    custom = one.get("fieldConfig", {}).get("defaults", {}).get("custom")
    assert custom is None or faults(custom, by, "FieldConfig") == []


def test_every_query_is_valid() -> None:
    by = schema("grafana-spec/influxdb-query.schema.json")
    for one, target in targets():
        assert faults(target, by) == [], one["title"]
        assert target["datasource"] == one["datasource"] == {"type": "influxdb", "uid": "haidang-influxdb"}
        assert target["rawQuery"] is True


def test_ids_are_given_once_and_the_queries_of_a_panel_have_names_of_their_own() -> None:
    ids = [one["id"] for one in board()["panels"]]
    assert all(isinstance(number, int) and number > 0 for number in ids)
    assert len(ids) == len(set(ids))
    for one in panels():
        names = [target["refId"] for target in one["targets"]]
        assert len(names) == len(set(names))


def test_panels_lie_on_the_grid_and_none_lies_on_another() -> None:
    spots = [(one["title"], one["gridPos"]) for one in board()["panels"]]
    for title, spot in spots:
        assert spot["x"] >= 0, title
        assert spot["x"] + spot["w"] <= 24, title
    for (title, a), (other, b) in combinations(spots, 2):
        apart = (
            a["x"] + a["w"] <= b["x"]
            or b["x"] + b["w"] <= a["x"]
            or a["y"] + a["h"] <= b["y"]
            or b["y"] + b["h"] <= a["y"]
        )
        assert apart, f"{title} lies on {other}"


def test_titles_and_descriptions_say_it_in_vietnamese_and_then_in_english() -> None:
    labels = [variable["label"] for variable in variables().values()]
    for title in [board()["title"], *labels, *(one["title"] for one in board()["panels"])]:
        vietnamese, english = title.split(" / ")
        assert not vietnamese.isascii(), title
        assert english.isascii(), title
    for text in [board()["description"], *(one["description"] for one in panels())]:
        vietnamese, english = text.split("\n\n")
        assert not vietnamese.isascii(), text
        assert english, text


def test_units_are_grafanas() -> None:
    known = {
        definition["const"]
        for definition in schema(f"{SCHEMAS}/units.jsonschema.json")["definitions"].values()
    }
    used = set(re.findall(r'"unit": "([^"]*)"', board_text()))
    used |= set(re.findall(r'"id": "unit",\s*"value": "([^"]*)"', board_text()))
    assert {"velocityms", "velocityknot", "degree", "lengthm", "watt", "celsius"} <= used
    assert used <= known


def test_thresholds_begin_below_everything_and_climb() -> None:
    found = re.findall(r'"steps": (\[.*?\])', board_text(), re.DOTALL)
    assert found
    for text in found:
        values = [step["value"] for step in json.loads(text)]
        assert values[0] is None
        assert values[1:] == sorted(set(values[1:]))


def test_the_board_looks_anew_every_ten_seconds_in_the_ports_own_time() -> None:
    assert board()["refresh"] == "10s"
    assert board()["timezone"] == "Asia/Ho_Chi_Minh"
    assert [link["type"] for link in board()["links"]] == ["dashboards"]


def test_the_map_turns_an_arrow_by_the_heading_and_finds_ships_by_their_coordinates() -> None:
    everyone, headed = panel(11)["options"]["layers"]
    for layer in (everyone, headed):
        assert layer["type"] == "markers"
        assert layer["location"] == {"mode": "coords", "latitude": "lat", "longitude": "lon"}
    turn = {"fixed": 0, "field": "heading", "mode": "mod", "min": -360, "max": 360}
    assert headed["config"]["style"]["rotation"] == turn
    assert headed["filterData"] == {"id": "byRefId", "options": "headed"}
    assert "filterData" not in everyone
    assert panel(11)["targets"][0]["refId"] == "ships"


def test_everything_that_looks_at_positions_is_bound_in_time() -> None:
    for one, target in targets():
        assert target["query"].count("$timeFilter") == target["query"].count("SELECT"), one["title"]
        if '"vessel' in target["query"]:
            assert one["timeFrom"] == "30m", one["title"]


def test_patterns_are_anchored_and_a_table_groups_by_one_tag() -> None:
    texts = [target["query"] for _, target in targets()]
    for text in [*texts, *(variable["query"] for variable in variables().values())]:
        for pattern in re.findall(r"[=!]~ /(.*?)/", text):
            assert pattern.startswith("^"), text
            assert pattern.endswith("$"), text
    for _, target in targets():
        if target["resultFormat"] == "table":
            groups = re.findall(r"GROUP BY ([^)]*)", target["query"])
            assert [group.count('"') for group in groups] == [2], target["query"]


async def test_every_kind_that_the_demo_measures_is_on_the_board() -> None:
    catalogue = load_catalogue()
    async with SimulatedPort() as port:
        kinds = {catalogue.profile(device.profile).kind for device in port.devices}
    assert {"ais", "weather", "power", "water_level"} <= kinds
    shown = {name for _, target in targets() for name in MEASURED.findall(target["query"])}
    assert shown == kinds | {"vessel", "vessel_static", "gateway"}
    (pattern,) = re.findall(r"\^\((.*?)\)\$", variables()["device"]["query"])
    assert set(pattern.split("|")) == kinds


def test_a_panel_asks_for_nothing_that_no_shipped_device_measures() -> None:
    profiles = load_catalogue().profiles.values()
    for one, target in targets():
        (kind, *_) = MEASURED.findall(target["query"])
        measured = {metric.name for profile in profiles if profile.kind == kind for metric in profile.metrics}
        if measured:
            assert set(FIELDS.findall(target["query"])) <= measured, one["title"]
