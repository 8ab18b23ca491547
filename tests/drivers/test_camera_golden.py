"""Golden cases of cameras: one folder, one conversation. Add a folder, and it is tested.

golden/<profile>[--<what>]/config.yaml   the device: profile, link, unit_id
                           wire.txt      `>` bytes the driver must send next, `<` what the camera answers, in
                                         hex; `!` a command, its arguments as JSON; `#` begins a comment
                           expected.json readings, replies and faults that come of it
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
from tests.drivers.camera_wire import instant

GOLDEN = Path(__file__).parent / "golden"
CAMERAS = {one.id for one in load_catalogue().profiles.values() if one.driver in ("visca", "pelco")}
CASES = sorted(
    file.parent.name for file in GOLDEN.glob("*/wire.txt") if file.parent.name.partition("--")[0] in CAMERAS
)


def lines(file: Path) -> Iterator[tuple[str, str]]:
    """Mark and text of each line that is no comment."""
    for line in file.read_text().splitlines():
        text = line.partition("#")[0].strip()
        if text:
            yield text[0], text[1:].strip()


class Talk:
    """A conversation with one driver, in simulated time."""

    def __init__(self, driver: Driver) -> None:
        self.driver, self.now, self.sent = driver, 0.0, list[bytes]()
        self.events: list[Event] = [*driver.connected(instant(0))]

    def line(self, mark: str, text: str) -> None:
        """What one line of wire.txt says."""
        if mark == "!":
            name, _, given = text.partition(" ")
            arguments = find_action(self.driver.actions, name).check(json.loads(given or "{}"))
            order = Command(name, "golden", name, arguments, instant(self.now + 60).utc)
            self.events += self.driver.command(order, instant(self.now))
        elif mark == "<":
            self.events += self.driver.receive(bytes.fromhex(text), instant(self.now))
        else:
            assert self.next_frame().hex(" ") == bytes.fromhex(text).hex(" ")

    def next_frame(self) -> bytes:
        """The next bytes that the driver sends, however long that takes."""
        while not self.sent:
            self.sent += [frame.payload for frame in self.driver.outgoing()]
            if not self.sent:
                assert self.driver.wake_at is not None
                self.now = max(self.now, self.driver.wake_at)
                self.events += self.driver.wake(instant(self.now))
        return self.sent.pop(0)


@pytest.mark.parametrize("case", CASES)
def test_a_camera_says_and_does_what_its_golden_case_expects(case: str) -> None:
    folder = GOLDEN / case
    config = yaml.safe_load((folder / "config.yaml").read_text())
    talk = Talk(load_catalogue().open_driver(Device.model_validate({"id": "golden"} | config)))
    for mark, text in lines(folder / "wire.txt"):
        talk.line(mark, text)
    readings = [
        {"values": dict(event.values), "quality": event.quality.value}
        for event in talk.events
        if isinstance(event, Reading)
    ]
    replies = [
        {"reason": event.reason, "values": dict(event.values)}
        for event in talk.events
        if isinstance(event, Reply)
    ]
    faults = [event.reason for event in talk.events if isinstance(event, Fault)]
    assert {"readings": readings, "replies": replies, "faults": faults} == json.loads(
        (folder / "expected.json").read_text()
    )


def test_every_shipped_camera_profile_has_a_golden_case() -> None:
    assert {case.partition("--")[0] for case in CASES} >= CAMERAS
