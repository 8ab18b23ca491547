"""Golden cases of ONVIF cameras: one folder, one exchange of messages. Add a folder, and it is tested.

golden/<profile>[--<what>]/config.yaml   the device: profile, link, settings
                           wire.txt      `< origin message` from the link, `> verb message` what must be asked
                                         of it by then, `! action {arguments}` told, `@ seconds` later; `#`
                                         begins a comment
                           expected.json readings, reasons of faults, replies
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from drivers.catalogue import load_catalogue
from drivers.contract import Driver, Event, Fault, Outgoing
from telemetry import Command, Device, Instant, Reading, Reply
from telemetry.commands import find_action
from tests.drivers.listening import NOW

GOLDEN = Path(__file__).parent / "golden"
CATALOGUE = load_catalogue()
PROFILES = {profile.id for profile in CATALOGUE.profiles.values() if profile.driver == "onvif"}
CASES = sorted(
    f.parent.name for f in GOLDEN.glob("*/wire.txt") if f.parent.name.partition("--")[0] in PROFILES
)


def lines(file: Path) -> Iterator[tuple[str, str, str]]:
    """Sign, origin, verb, action or seconds, and the rest, of each line that is no comment."""
    for line in file.read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            sign, word, *rest = line.split(" ", 2)
            yield sign, word, rest[0] if rest else "{}"


def converse(driver: Driver, file: Path) -> list[Event]:
    """Holds the conversation and gives what the driver made of it."""
    now, number = NOW, 0
    events = list(driver.connected(now))
    asked: list[Outgoing] = []
    for sign, word, rest in lines(file):
        if sign == "<":
            events += driver.receive(rest.encode(), now, word)
        elif sign == "!":
            number += 1
            arguments = find_action(driver.actions, word).check(json.loads(rest))
            events += driver.command(Command(f"c{number}", "golden", word, arguments, now.utc + 10**10), now)
        elif sign == "@":
            now = Instant(NOW.utc + round(float(word) * 10**9), NOW.monotonic + float(word))
        if driver.wake_at is not None and driver.wake_at <= now.monotonic:
            events += driver.wake(now)
        asked += driver.outgoing()
        if sign == ">":
            one = asked.pop(0)
            assert (one.to, json.loads(one.payload)) == (word, json.loads(rest))
    assert asked == []
    return events


def told(reply: Reply) -> dict[str, Any]:
    return {"reason": reply.reason, "values": dict(reply.values)}


@pytest.mark.parametrize("case", CASES)
def test_a_camera_says_what_its_golden_case_expects(case: str) -> None:
    config = yaml.safe_load((GOLDEN / case / "config.yaml").read_text("utf-8"))
    expected = json.loads((GOLDEN / case / "expected.json").read_text("utf-8"))
    driver = CATALOGUE.open_driver(Device.model_validate({"id": "golden"} | config))
    events = converse(driver, GOLDEN / case / "wire.txt")
    assert [dict(e.values) for e in events if isinstance(e, Reading)] == expected["readings"]
    assert [e.reason for e in events if isinstance(e, Fault)] == expected["faults"]
    assert [told(e) for e in events if isinstance(e, Reply)] == expected["replies"]


def test_every_shipped_onvif_profile_has_a_golden_case() -> None:
    assert PROFILES
    assert {case.partition("--")[0] for case in CASES} == PROFILES
