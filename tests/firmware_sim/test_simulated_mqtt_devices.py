"""Simulated devices on MQTT: what they say is what their profiles read, and no bytes upset them."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.catalogue import load_catalogue
from drivers.contract import Fault, Outgoing
from drivers.sparkplug.payload import decode_payload
from drivers.sparkplug.values import Datatype
from firmware_sim.mqtt_devices import (
    ChirpStackGateway,
    FrigateCamera,
    Reporter,
    ShellySwitch,
    TasmotaPlug,
    Zigbee2MqttSensor,
)
from firmware_sim.simulated import SimulatedDevice
from firmware_sim.sparkplug_node import Cell, SparkplugNode
from telemetry import Device, Instant, Reading, parse_utc

NOW = Instant(parse_utc("2026-11-22T01:02:03Z"), 100.0)
CATALOGUE = load_catalogue()
SOLD: Sequence[tuple[str, str, Reporter]] = [
    ("tasmota-plug", "name", TasmotaPlug("dut-1")),
    ("shelly-gen2-switch", "name", ShellySwitch("dut-1")),
    ("zigbee2mqtt-climate", "name", Zigbee2MqttSensor("dut-1")),
    ("milesight-em500-swl", "dev_eui", ChirpStackGateway("dut-1", bytes.fromhex("01756403770200"), 85)),
    ("frigate-camera", "camera", FrigateCamera("dut-1")),
]


def node() -> SparkplugNode:
    cells = [
        Cell("Level", Datatype.INT16, 420),
        Cell("Run", Datatype.BOOLEAN, True, "pump"),
        Cell("Wrong", Datatype.INT8, 4000),
    ]
    return SparkplugNode("port", "dut-1", cells)


@pytest.mark.parametrize(("profile", "name", "simulated"), SOLD, ids=[profile for profile, _, _ in SOLD])
def test_what_it_says_is_read_by_its_profile_without_a_fault(
    profile: str, name: str, simulated: Reporter
) -> None:
    device = Device(id="dut", profile=profile, link="mqtt:#", settings={name: "dut-1"})
    driver = CATALOGUE.open_driver(device)
    said = [*simulated.wake(NOW), *simulated.wake(NOW)]
    events = [event for one in said for event in driver.receive(one.payload, NOW, one.to)]
    assert [event for event in events if isinstance(event, Fault)] == []
    assert len([event for event in events if isinstance(event, Reading)]) >= 2


def test_an_edge_node_counts_its_messages_and_leaves_numbers_out_when_told() -> None:
    simulated = node()
    births = simulated.wake(NOW)
    simulated.skip = 2
    told = [*births, simulated.data("", NOW), simulated.data("pump", NOW)]
    assert [decode_payload(one.payload).seq for one in told] == [0, 1, 4, 5]
    assert decode_payload(simulated.will.payload).seq is None


def test_an_edge_node_that_is_deaf_hears_no_request_and_one_that_is_not_is_born_again() -> None:
    simulated = node()
    simulated.wake(NOW)
    driver = CATALOGUE.open_driver(
        Device(id="dut", profile="sparkplug-node", link="mqtt:#", settings={"node": "dut-1"})
    )
    data = simulated.data("", NOW)
    driver.receive(data.payload, NOW, data.to)
    driver.wake(Instant(NOW.utc, NOW.monotonic + 1))
    (request,) = driver.outgoing()
    assert [one.to for one in simulated.receive(request.payload, NOW, request.to)] == [
        "spBv1.0/port/NBIRTH/dut-1",
        "spBv1.0/port/DBIRTH/dut-1/pump",
    ]
    simulated.deaf = True
    assert simulated.receive(request.payload, NOW, request.to) == ()


def test_a_plug_is_switched_as_its_maker_documents() -> None:
    plug = TasmotaPlug("p")
    for word, on in ((b"off", False), (b"TOGGLE", True), (b"0", False), (b"1", True), (b"", True)):
        assert plug.receive(word, NOW, "cmnd/p/POWER")[1] == Outgoing(b"ON" if on else b"OFF", "stat/p/POWER")
    assert plug.receive(b"off", NOW, "cmnd/other/POWER") == ()


TOPICS = [
    "cmnd/dut-1/POWER",
    "dut-1/rpc",
    "frigate/dut-1/detect/set",
    "frigate/dut-1/ptz",
    "spBv1.0/port/NCMD/dut-1",
]


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=60)
    | st.sampled_from([b'{"method": 7}', b"[" * 5000, b'{"id": 1, "method": "Switch.Set"}'])
)
def test_any_bytes_on_any_of_their_topics_raise_nothing(chunk: bytes) -> None:
    devices: list[SimulatedDevice] = [*(simulated for _, _, simulated in SOLD), node()]
    for topic in TOPICS:
        for simulated in devices:
            for one in simulated.receive(chunk, NOW, topic):
                assert one.to
