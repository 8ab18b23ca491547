"""docs/mqtt-devices.md: every example in it can be used as it stands."""

import re
import tomllib
from pathlib import Path

import pytest

from drivers.catalogue import Catalogue, load_catalogue, parse_profile
from drivers.mqtt_json.driver import Publisher
from telemetry import Device
from tests.reference import reference

MANUAL = (Path(__file__).parents[2] / "docs" / "mqtt-devices.md").read_text("utf-8")
CATALOGUE = load_catalogue()
BLOCKS = re.findall(r"```toml\n(\[\[.*?)```", MANUAL, re.DOTALL)
DEVICES = [one for block in BLOCKS for one in tomllib.loads(block)["gateway"]["device"]]


@pytest.mark.parametrize("said", DEVICES, ids=[one["id"] for one in DEVICES])
def test_every_device_of_the_manual_opens(said: dict[str, object]) -> None:
    assert CATALOGUE.open_driver(Device.model_validate(said))


def test_every_profile_of_a_device_on_mqtt_is_named_in_the_manual() -> None:
    drivers = {"mqtt_json", "home_assistant", "sparkplug"}
    shipped = {one.id for one in CATALOGUE.profiles.values() if one.driver in drivers}
    families = {"zigbee2mqtt-contact": "-contact", "zigbee2mqtt-plug": "-plug", "mqtt-json-weather": "",
                "tasmota-am2301": ""}  # fmt: skip
    assert {one for one in shipped if families.get(one, one) not in MANUAL} == set()


def test_the_profile_of_the_manual_opens() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", MANUAL, re.DOTALL)
    profile = parse_profile(block, "acme.yaml")
    driver = Catalogue([profile]).open_driver(Device(id="t-4", profile=profile.id, link="mqtt:plant/#"))
    assert isinstance(driver, Publisher)


def test_every_statement_the_manual_names_is_one_of_the_specifications() -> None:
    known = reference("sparkplug/assertions.tsv").read_text("utf-8")
    statements = [line.split("\t")[0].removeprefix("tck-id-") for line in known.splitlines()]
    table = MANUAL[MANUAL.index("| statement |") : MANUAL.index("# Thiết bị MQTT")]
    named = re.findall(r"`(…?-?[a-z0-9]+(?:-[a-zA-Z0-9]+){1,})`", table)
    assert len(named) > 25
    for name in named:
        assert any(one.endswith(name.removeprefix("…")) for one in statements), name
