"""What a gateway says of itself: never too large to send, never a flood in the log."""

import random
from typing import Any

import msgspec
from structlog.testing import capture_logs

from broker.statuses import Condition, Key, decode_status
from broker.wire import DeviceStatus, GatewayStatus, decode
from drivers.contract import Fault
from gateways.device_record import LOG_EVERY, DeviceRecord
from gateways.status.reporter import LARGEST_STATUS, fitting
from gateways.status.telling import News, Telling
from telemetry import Device, Instant


def statuses(number: int, state: str) -> list[DeviceStatus]:
    return [DeviceStatus(f"d-{one}", "p" * 100, "tcp://h:1", "file", state=state) for one in range(number)]


def random_names(number: int, state: str) -> list[DeviceStatus]:
    """Such that do not compress."""
    return [
        DeviceStatus(f"d-{one}", random.Random(one).randbytes(100).hex(), "tcp://h:1", "file", state=state)
        for one in range(number)
    ]


def test_five_thousand_devices_fit_into_one_status() -> None:
    many = GatewayStatus(True, accepted=7, devices=[*statuses(5_000, "ok"), *statuses(3, "faulty")])
    assert len(fitting(many)) < LARGEST_STATUS / 4
    assert decode_status(fitting(many)) == many
    few = GatewayStatus(True, devices=statuses(3, "ok"))
    assert decode(fitting(few), GatewayStatus) == few, "a short one is plain JSON"


def test_a_status_too_large_even_so_is_marked_as_a_part() -> None:
    crowd, troubled = random_names(15_000, "ok"), random_names(3, "faulty")
    told = decode_status(fitting(GatewayStatus(True, accepted=7, devices=[*crowd, *troubled])))
    assert (told.partial, told.devices) == (True, troubled)
    told = decode_status(fitting(GatewayStatus(True, accepted=7, devices=random_names(15_000, "faulty"))))
    assert (told.partial, len(told.devices), told.accepted) == (True, 0, 7)


def conditions(number: int, *ill: int) -> dict[Key, Condition]:
    told = {(f"d-{one}", "file", False): ("ok", "") for one in range(number)}
    return told | {(f"d-{one}", "file", False): ("faulty", "no answer") for one in ill}


def test_a_small_fleet_is_told_whole_at_every_change_and_every_ten_seconds() -> None:
    telling, head = Telling(), GatewayStatus(True)
    assert telling.next(head, conditions(3), 0) == News()
    assert telling.next(msgspec.structs.replace(head, accepted=1), conditions(3), 9) is None
    assert telling.next(head, conditions(3), 10) == News()
    assert telling.next(head, conditions(3, 2), 11) == News()


def test_of_a_large_fleet_only_changes_are_told_at_once_and_all_of_it_less_often() -> None:
    telling, head = Telling(), GatewayStatus(True)
    assert telling.next(head, conditions(5_000), 0) == News()
    assert telling.next(head, conditions(5_000, 7), 1) == News({("d-7", "file", False)})
    assert telling.next(head, conditions(5_000, 7), 2) is None
    assert telling.next(head, conditions(5_000, 7), 11) == News(set()), "counts, and a sign of life"
    assert telling.next(head, conditions(5_000, 7), 100) == News()


def test_another_configuration_alert_or_device_is_told_with_all_devices() -> None:
    telling, number = Telling(), 5_000
    telling.next(GatewayStatus(True), conditions(number), 0)
    heads: list[dict[str, Any]] = [
        {"configuration": 1},
        {"alerts": {"disk-full": "the disk is full"}},
        {"refused": {"disk-full": 1}},
    ]
    for head in heads:
        assert telling.next(GatewayStatus(True, **head), conditions(number), 1) == News()
    for devices in (number, number - 1, number):
        assert telling.next(GatewayStatus(True), conditions(devices), 1) == News()


def test_the_same_fault_is_logged_once_a_minute_with_how_often_it_was_not() -> None:
    record = DeviceRecord(Device(id="mast", profile="p", link="tcp://h:1"), "file", silence=60)
    with capture_logs() as lines:
        for second in range(150):
            now = Instant(0, 1_000 + second)
            record.fault(Fault("mast", "checksum", "a bad line", b"\x00x" * 100), now)
            record.fault(Fault("mast", "overlong", "a long line"), now)
    checksums = [line for line in lines if line["reason"] == "checksum"]
    assert [line["unsaid"] for line in checksums] == [0, LOG_EVERY - 1, LOG_EVERY - 1]
    assert len(lines) == 2 * len(checksums)
    assert len(checksums[0]["frame"]) < 200
    assert record.faults == {"checksum": 150, "overlong": 150}


def test_a_link_with_a_password_is_shown_without_it() -> None:
    device = Device(id="mast", profile="p", link="mqtt://mast:sesame@h/a")
    record = DeviceRecord(device, "api", silence=60)
    assert "sesame" not in repr(record.status(Instant(0, 1)))
