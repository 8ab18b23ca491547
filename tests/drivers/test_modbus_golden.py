"""Golden cases: one folder, one conversation with a device. Add a folder, and it is tested.

golden/<profile>[--<what>]/config.yaml   the device: profile, link, unit_id
                           wire.txt      `>` bytes the driver must send, `<` what the device answers, in hex;
                                         `....` is the Modbus TCP transaction; `#` begins a comment;
                                         `! action {"argument": 1}` gives a command
                           expected.json values (a list of them where not one reading comes), quality and
                                         the reasons of the faults, and of the replies, that come of it
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from drivers.catalogue import load_catalogue
from drivers.contract import Driver, Event, Fault
from telemetry import Command, Device, Reading, Reply
from telemetry.commands import find_action
from tests.drivers.modbus_wire import EPOCH, instant, sent_by

GOLDEN = Path(__file__).parent / "golden"
MODBUS = {profile.id for profile in load_catalogue().profiles.values() if profile.driver == "modbus"}
CASES = sorted(
    file.parent.name for file in GOLDEN.glob("*/wire.txt") if file.parent.name.partition("--")[0] in MODBUS
)


def lines(file: Path) -> Iterator[tuple[str, str]]:
    """Direction and hex of each line that is no comment."""
    for line in file.read_text().splitlines():
        text = line.partition("#")[0].strip()
        if text:
            yield text[0], text[1:].strip() if text[0] == "!" else text[1:].replace(" ", "").lower()


def converse(driver: Driver, file: Path) -> list[Event]:
    """Holds the conversation and gives what the driver made of it."""
    now, transaction, events = 0.0, "", list[Event]()
    driver.connected(instant(now))
    for direction, text in lines(file):
        if direction == "!":
            events += driver.command(command_of(driver, text), instant(now))
            continue
        if direction == "<":
            events += driver.receive(bytes.fromhex(text.replace("....", transaction)), instant(now))
            continue
        sent = sent_by(driver)
        while not sent:
            assert driver.wake_at is not None
            now = driver.wake_at
            events += driver.wake(instant(now))
            sent = sent_by(driver)
        transaction = sent[:2].hex()
        assert sent.hex() == text.replace("....", transaction)
    return events


def command_of(driver: Driver, text: str) -> Command:
    """The command a `!` line gives, checked as the gateway does."""
    name, _, arguments = text.partition(" ")
    action = find_action(driver.actions, name)
    return Command(text, "golden", name, action.check(json.loads(arguments or "{}")), EPOCH + 10**12)


@pytest.mark.parametrize("case", CASES)
def test_a_device_says_what_its_golden_case_expects(case: str) -> None:
    folder = GOLDEN / case
    config = yaml.safe_load((folder / "config.yaml").read_text())
    driver = load_catalogue().open_driver(Device.model_validate({"id": "golden"} | config))
    expected = json.loads((folder / "expected.json").read_text())
    events = converse(driver, folder / "wire.txt")
    readings = [event for event in events if isinstance(event, Reading)]
    values = expected["values"] if isinstance(expected["values"], list) else [expected["values"]]
    assert [dict(reading.values) for reading in readings] == values
    assert {reading.quality for reading in readings} <= {expected["quality"]}
    assert [event.reason for event in events if isinstance(event, Fault)] == expected["faults"]
    replies = [event.reason for event in events if isinstance(event, Reply)]
    assert replies == expected.get("replies", [])


def test_every_shipped_modbus_profile_has_a_golden_case() -> None:
    assert {case.partition("--")[0] for case in CASES} >= MODBUS
