"""Golden cases of instruments that speak lines, frames or NMEA: one folder, one conversation.

golden/<profile>[--<what>]/config.yaml   the device: profile, link, unit_id, settings
                           wire.txt      `>` what the driver must send, `<` what the device says: text with
                                         \\r, \\n and \\xhh for lines, hex for frames; `#` begins a comment
                           expected.json readings in their order, and the reasons of the faults
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from drivers.catalogue import load_catalogue
from drivers.contract import Driver, Event
from telemetry import Device, Instant
from tests.drivers.listening import NOW, faults, readings

GOLDEN = Path(__file__).parent / "golden"
CATALOGUE = load_catalogue()
DRIVERS = {"ais", "ascii_line", "binary_frame", "nmea"}
SHIPPED = {profile.id: profile.driver for profile in CATALOGUE.profiles.values() if profile.driver in DRIVERS}
CASES = sorted(
    file.parent.name for file in GOLDEN.glob("*/wire.txt") if file.parent.name.partition("--")[0] in SHIPPED
)


def lines(file: Path, *, hexadecimal: bool) -> Iterator[tuple[str, bytes]]:
    """Direction and bytes of each line that is no comment."""
    for line in file.read_text("utf-8").splitlines():
        if line[:1] in {"<", ">"}:
            text = line[2:]
            raw = text.encode("ascii").decode("unicode_escape").encode("latin-1")
            yield line[0], bytes.fromhex(text) if hexadecimal else raw


def converse(driver: Driver, exchange: Iterator[tuple[str, bytes]]) -> list[Event]:
    """Holds the conversation and gives what the driver made of it."""
    now, events = 100.0, list[Event]()
    driver.connected(Instant(NOW.utc, now))
    for direction, raw in exchange:
        if direction == "<":
            events += driver.receive(raw, Instant(NOW.utc, now))
            continue
        assert driver.wake_at is not None
        now = max(now, driver.wake_at)
        driver.wake(Instant(NOW.utc, now))
        assert [outgoing.payload for outgoing in driver.outgoing()] == [raw]
    return events


@pytest.mark.parametrize("case", CASES)
def test_an_instrument_says_what_its_golden_case_expects(case: str) -> None:
    folder = GOLDEN / case
    config = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
    device = Device.model_validate({"id": "golden", "link": "tcp://127.0.0.1:1"} | config)
    assert device.profile == case.partition("--")[0]
    hexadecimal = SHIPPED[device.profile] == "binary_frame"
    events = converse(CATALOGUE.open_driver(device), lines(folder / "wire.txt", hexadecimal=hexadecimal))
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    assert [dict(reading.values) for reading in readings(events)] == expected["readings"]
    assert [fault.reason for fault in faults(events)] == expected["faults"]


def test_every_shipped_profile_of_these_drivers_has_a_golden_case() -> None:
    assert set(SHIPPED) - {case.partition("--")[0] for case in CASES} == set()
