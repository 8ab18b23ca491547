"""Which devices a gateway reads and which it refuses, with what sentence."""

import pytest

from broker.wire import PushedDevice
from drivers.catalogue import load_catalogue
from gateways.placement import place
from telemetry import Device

CATALOGUE = load_catalogue()
OWN = (
    Device(id="ais", profile="ais-receiver", link="tcp://127.0.0.1:10110"),
    Device(id="power", profile="eastron-sdm630", link="serial:///dev/ttyUSB0?baudrate=9600"),
)


def refusals(*pushed: PushedDevice) -> list[str]:
    placement = place(OWN, pushed, CATALOGUE)
    assert [placed.device.id for placed in placement.placed[:2]] == ["ais", "power"]
    return [refused.detail for refused in placement.refused]


def test_devices_of_one_link_share_it_and_framing_makes_no_other_link() -> None:
    pushed = [
        PushedDevice("meter-2", "eastron-sdm630", "tcp://10.0.0.1:502?framing=rtu", unit_id=2),
        PushedDevice("meter-1", "eastron-sdm630", "tcp://10.0.0.1:502", every=5),
    ]
    placement = place(OWN, pushed, CATALOGUE)
    assert placement.refused == []
    assert [[one.device.id for one in devices] for devices in placement.by_link().values()] == [
        ["ais"],
        ["meter-1", "meter-2"],
        ["power"],
    ]
    by_id = {placed.device.id: placed for placed in placement.placed}
    assert (by_id["ais"].silence, by_id["meter-1"].silence) == (60, 15)
    assert (by_id["ais"].declared, by_id["meter-1"].declared) == ("file", "api")


@pytest.mark.parametrize(
    ("pushed", "words"),
    [
        (PushedDevice("ais", "ais-receiver", "tcp://h:1"), "the gateway's own file has a device ais already"),
        (PushedDevice("Bad Id", "ais-receiver", "tcp://h:1"), "is not an id"),
        (PushedDevice("x", "no-such", "tcp://h:1"), "there is no profile 'no-such'"),
        (PushedDevice("x", "ais-receiver", "carrier-pigeon:"), "is no link"),
        (PushedDevice("x", "eastron-sdm630", "mqtt:a/b"), "modbus does not run over"),
        (PushedDevice("x", "eastron-sdm630", "tcp://h:1", unit_id=999), "unit_id"),
        (PushedDevice("x", "eastron-sdm630", "tcp://h:1", every=-1), "every"),
        (
            PushedDevice("x", "eastron-sdm630", "serial:///dev/ttyUSB0?baudrate=4800"),
            "serial port /dev/ttyUSB0 is used by power with other settings",
        ),
    ],
)
def test_a_device_that_cannot_be_used_is_refused_with_the_reason(pushed: PushedDevice, words: str) -> None:
    (refusal,) = refusals(pushed)
    assert words in refusal


@pytest.mark.parametrize(
    ("profile", "link", "taken"),
    [
        ("eastron-sdm630", "serial:///dev/ttyUSB0?baudrate=9600", "power is unit 1 on this link already"),
        ("eastron-sdm630", "tcp://10.0.0.1:4001?framing=rtu", "first is unit 1 on this link already"),
        ("eastron-sdm630", "tcp://10.0.0.1:502", ""),
        ("visca-camera", "tcp://10.0.0.1:5678", "first is camera 1 on this link already"),
        ("pelco-d", "tcp://10.0.0.1:4001", "first is camera 1 on this link already"),
        ("nmea-weather", "tcp://10.0.0.1:10110", ""),
    ],
)
def test_an_address_on_a_line_is_one_devices(profile: str, link: str, taken: str) -> None:
    devices = [PushedDevice(name, profile, link) for name in ("first", "second")]
    placement = place(OWN, [*devices, PushedDevice("third", profile, link, unit_id=3)], CATALOGUE)
    told = [refused.detail for refused in placement.refused]
    assert [text.partition(",")[0] for text in told] == ([taken] if taken else []) * len(told)
    assert bool(told) == bool(taken)
    assert "third" in placement.devices
    assert place(OWN, devices, CATALOGUE, placement).refused == placement.refused


def test_the_second_of_two_with_one_id_is_refused() -> None:
    twin = PushedDevice("twin", "ais-receiver", "tcp://h:1")
    (refusal,) = refusals(twin, twin)
    assert "this configuration has a device twin already" in refusal


def test_a_refused_device_shows_no_password() -> None:
    placement = place((), [PushedDevice("x", "no-such", "mqtt://mast:sesame@h/a")], CATALOGUE)
    assert "sesame" not in repr(placement.refused)


def test_a_wrong_device_of_the_file_is_refused_and_the_others_are_read() -> None:
    wrong = Device(id="wrong", profile="ais-receiver", link="tcp://nowhere")
    placement = place((wrong, *OWN), [], CATALOGUE)
    assert [placed.device.id for placed in placement.placed] == ["ais", "power"]
    assert [(one.id, one.state, one.declared) for one in placement.refused] == [("wrong", "refused", "file")]
