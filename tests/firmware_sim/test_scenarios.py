"""Scenario files: those that come along are read by a gateway's drivers; bad ones are refused by line."""

import asyncio
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from broker.embedded import embedded_broker
from broker.session import BrokerAddress
from drivers.catalogue import load_catalogue
from firmware_sim.scenario import Scenario, parse_scenario, read_scenario, shipped_scenarios
from firmware_sim.scenario_run import RunningScenario
from telemetry import ConfigurationError, Device, LinkError
from tests.firmware_sim.gateway import first_values
from tests.servers import free_port

CATALOGUE = load_catalogue()
DEVICE = "{id: one, profile: eastron-sdm630}"


def parsed(text: str) -> Scenario:
    return parse_scenario(text, "port.yaml", CATALOGUE)


def refused(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parsed(text)
    return str(caught.value)


@pytest.mark.parametrize("name", shipped_scenarios())
def test_a_shipped_scenario_is_read(name: str) -> None:
    assert read_scenario(name, CATALOGUE).words.title


@pytest.mark.parametrize("name", sorted(set(shipped_scenarios()) - {"bad-day"}))
async def test_every_device_of_a_shipped_scenario_says_something(name: str, tmp_path: Path) -> None:
    scenario = read_scenario(name, CATALOGUE)
    dead = {device.id for wire in scenario.words.wires for device in wire.devices if device.dead}
    async with embedded_broker() as broker, RunningScenario(scenario, tmp_path, broker) as port:
        alive = [device for device in port.devices if device.id not in dead]
        links = {device.link for device in alive}
        async with asyncio.timeout(60):
            said = await asyncio.gather(
                *(read_in_turn([one for one in alive if one.link == link], broker) for link in links)
            )
    assert sum(said) == len(alive) == len(port.devices) - len(dead)


async def read_in_turn(devices: list[Device], broker: BrokerAddress) -> int:
    """How many of the devices of one link said something."""
    return len([device for device in devices if await first_values(device, broker)])


async def test_values_follow_their_courses_over_the_wire(tmp_path: Path) -> None:
    text = """
title: one meter
wires:
  - wire: tcp
    devices:
      - id: meter
        profile: eastron-sdm630
        unit_id: 9
        values:
          power: {ramp: {start: 1000, end: 2000, over: 1w}}
          frequency: 50.25
          voltage_l1: {csv: {file: volts.csv, column: l1}}
"""
    (tmp_path / "volts.csv").write_text("time,l1\n0,231.5\n3600,229\n")
    scenario = parse_scenario(text, "port.yaml", CATALOGUE, tmp_path)
    async with RunningScenario(scenario) as port, asyncio.timeout(20):
        (device,) = port.devices
        values = await first_values(device)
    assert values["power"] == pytest.approx(1000, abs=1)
    assert values["frequency"] == 50.25
    assert values["voltage_l1"] == 231.5
    assert 200 < float(str(values["voltage_l2"])) < 260


async def test_a_bad_day_is_counted_by_kind(tmp_path: Path) -> None:
    text = f"""
title: a bad day
wires:
  - wire: tcp
    name: meter
    devices: [{DEVICE}]
    faults: [{{fault: duplicate, nth: 2}}]
"""
    async with RunningScenario(parsed(text)) as port, asyncio.timeout(20):
        await first_values(port.devices[0])
        port.wires["meter"].suffer("unplug", 0.05)
        while True:
            try:
                await first_values(port.devices[0])
            except LinkError:
                await asyncio.sleep(0.02)
            else:
                break
        assert port.counts()["duplicate"] >= 1
        assert port.counts()["unplug"] == 1
        assert port.counts()["heard"] >= port.counts()["said"] >= 2


METER = "    devices:\n      - id: a\n        profile: eastron-sdm630\n        "
"""The fourth to the sixth line of a file, and what it begins the seventh with."""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("    devices: []", "port.yaml:4:5: wires.0.devices: "),
        ("    speeed: 1\n    devices: [%s]", "port.yaml:4:5: wires.0.speeed: is not a key here"),
        ("    half_duplex: true\n    devices: [%s]", "half_duplex are of a pty"),
        ("    devices: [{id: a, profile: eastron-smd630}]", "port.yaml:4:23: profile: there is no profile"),
        ("    devices: [%s, %s]", "another device is called one"),
        ("    devices: [{id: a, profile: ais-receiver}]", "write under says what a says"),
        ("    devices: [%s]\n    faults: [{fault: flood}]", "fault 'flood' is not known here"),
        ("    devices: [%s]\n    devices: [%s]", "port.yaml:5:5: key 'devices' is written twice"),
        (METER + "values: {powerr: 1}", "port.yaml:7:18: eastron-sdm630 has no metric powerr"),
        (METER + "values: {power: {ramp: {start: 1, end: 2}}}", "power.ramp.over: is missing"),
        (METER + "values: {power: {ramp: {}, sine: {}}}", "port.yaml:7:"),
        (METER + "identity: {maker: Eastron}", "identity has no maker"),
        ("    devices: [", "port.yaml:5:1: not YAML"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, told: str) -> None:
    file = "title: x\nwires:\n  - wire: tcp\n" + text.replace("%s", DEVICE)
    assert told in refused(file)


def test_a_csv_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("time,power\n")
    text = """
title: x
wires:
  - wire: tcp
    devices:
      - {id: a, profile: eastron-sdm630, values: {power: {csv: {file: NAME, column: power}}}}
"""
    for name, told in (("missing.csv", "cannot be read"), ("empty.csv", "needs rows")):
        with pytest.raises(ConfigurationError, match=told):
            parse_scenario(text.replace("NAME", name), "port.yaml", CATALOGUE, tmp_path)


async def test_an_mqtt_wire_without_a_broker_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="needs a broker"):
        async with RunningScenario(read_scenario("mqtt-yard", CATALOGUE)):
            pass


def test_the_command_writes_the_configuration_counts_and_ends_on_a_signal(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    command = [sys.executable, "-m", "firmware_sim", "run", "quay-rs485", "--folder", str(tmp_path / "ports")]
    with subprocess.Popen(
        [*command, "--config-out", str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert b"gateway.toml" in process.stdout.readline()
        (gateway,) = tomllib.loads(file.read_text())["gateway"]
        devices = [Device.model_validate(one) for one in gateway["device"]]
        assert (tmp_path / "ports" / "quay-bus").is_symlink()
        process.terminate()
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert b"Traceback" not in errors
    assert len(devices) == 10
    assert {device.link for device in devices} == {f"serial://{tmp_path}/ports/quay-bus?baudrate=9600"}


def test_the_broker_named_to_the_command_stands_in_the_links_it_writes(tmp_path: Path) -> None:
    file, broker = tmp_path / "gateway.toml", f"mqtt://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "firmware_sim", "run", "mqtt-yard", "--broker", broker]
    with subprocess.Popen(
        [*command, "--config-out", str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert b"gateway.toml" in process.stdout.readline()
        process.terminate()
        process.communicate(timeout=20)
    (gateway,) = tomllib.loads(file.read_text())["gateway"]
    links = {one["link"] for one in gateway["device"]}
    assert f"{broker}/lamp-switch/#" in links
    assert all(link.startswith(f"{broker}/") for link in links)


@pytest.mark.parametrize("words", [["run", "nowhere.yaml"], ["run", "mqtt-yard"]])
def test_the_command_refuses_with_a_sentence(words: list[str]) -> None:
    command = [sys.executable, "-m", "firmware_sim", *words]
    ended = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert b"Traceback" not in ended.stderr
    assert len(ended.stderr) > 20


def test_the_command_lists_what_comes_along() -> None:
    command = [sys.executable, "-m", "firmware_sim", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    assert [line.split()[0] for line in listed.splitlines()] == shipped_scenarios()
