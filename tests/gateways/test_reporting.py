"""What a gateway says of itself: never too large to send, never a flood in the log."""

import msgspec
from structlog.testing import capture_logs

from broker.wire import DeviceStatus, GatewayStatus, decode
from drivers.contract import Fault
from gateways.device_record import LOG_EVERY, DeviceRecord
from gateways.reporter import LARGEST_STATUS, fitting
from telemetry import Device, Instant


def statuses(number: int, state: str) -> list[DeviceStatus]:
    return [DeviceStatus(f"d-{one}", "p" * 200, "tcp://h:1", "file", state=state) for one in range(number)]


def test_a_status_too_large_for_brokers_lists_only_the_devices_that_need_someone() -> None:
    few = GatewayStatus(True, devices=statuses(3, "ok"))
    assert decode(fitting(few), GatewayStatus) == few
    many = GatewayStatus(True, accepted=7, devices=[*statuses(5_000, "ok"), *statuses(3, "faulty")])
    assert decode(fitting(many), GatewayStatus) == msgspec.structs.replace(
        many, devices=statuses(3, "faulty")
    )
    all_broken = GatewayStatus(True, accepted=7, devices=statuses(5_000, "faulty"))
    assert len(fitting(all_broken)) < LARGEST_STATUS
    assert decode(fitting(all_broken), GatewayStatus) == GatewayStatus(True, accepted=7)


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
