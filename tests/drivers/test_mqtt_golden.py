"""Golden cases of devices on MQTT: one folder, one exchange of messages. Add a folder, and it is tested.

golden/<profile>[--<what>]/config.yaml   the device: profile, link, settings; `now`, the gateway's clock
                           wire.txt      `< topic payload` heard, `<r` when the broker had kept it,
                                         `! action {arguments}` told, `> topic payload` what must then be
                                         published; a payload `hex:…` is bytes; `#` begins a comment
                           expected.json readings (values, quality, observed_at), reasons of faults, replies
"""

import json
import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.catalogue import load_catalogue
from drivers.contract import RETAINED, Driver, Event, Fault
from telemetry import Command, Device, Instant, Reading, Reply, format_utc, parse_utc
from telemetry.commands import find_action
from telemetry.words import check_name

GOLDEN = Path(__file__).parent / "golden"
DRIVERS = ("mqtt_json", "home_assistant", "sparkplug")
CATALOGUE = load_catalogue()
NOW = "2026-11-22T01:02:03Z"


def is_ours(folder: Path) -> bool:
    profile = CATALOGUE.profiles.get(folder.name.partition("--")[0])
    return profile is not None and profile.driver in DRIVERS


CASES = sorted(file.parent.name for file in GOLDEN.glob("*/wire.txt") if is_ours(file.parent))


def payload_of(text: str) -> bytes:
    return bytes.fromhex(text[4:]) if text.startswith("hex:") else text.encode()


def lines(file: Path) -> Iterator[tuple[str, str, str]]:
    """Sign, topic or action, and the rest, of each line that is no comment."""
    for line in file.read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            sign, topic, *rest = line.split(" ", 2)
            yield sign, topic, rest[0] if rest else ""


def converse(driver: Driver, file: Path, now: Instant) -> list[Event]:
    """Holds the conversation and gives what the driver made of it."""
    events, number = list(driver.connected(now)), 0
    for sign, name, rest in lines(file):
        if sign.startswith("<"):
            events += driver.receive(payload_of(rest), now, (RETAINED if sign == "<r" else "") + name)
        elif sign == "!":
            number += 1
            arguments = find_action(driver.actions, name).check(json.loads(rest or "{}"))
            command = Command(f"c{number}", "golden", name, arguments, now.utc + 10**10)
            events += driver.command(command, now)
        else:
            sent = driver.outgoing()
            assert [(one.to, one.payload) for one in sent] == [(name, payload_of(rest))]
    assert driver.outgoing() == []
    return events


def told(event: Event, expected: dict[str, Any]) -> dict[str, Any]:
    """An event as expected.json writes it; the time only where that names it."""
    if isinstance(event, Reply):
        return {"reason": event.reason, "values": dict(event.values)}
    assert isinstance(event, Reading)
    said = {"values": dict(event.values), "quality": str(event.quality)}
    return said | ({"observed_at": format_utc(event.observed_at)} if "observed_at" in expected else {})


@pytest.mark.parametrize("case", CASES)
def test_a_device_on_mqtt_says_what_its_golden_case_expects(case: str) -> None:
    folder = GOLDEN / case
    config = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
    now = Instant(parse_utc(config.pop("now", NOW)), 100.0)
    driver = CATALOGUE.open_driver(Device.model_validate({"id": "golden"} | config))
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    events = converse(driver, folder / "wire.txt", now)
    readings = [event for event in events if isinstance(event, Reading)]
    replies = [event for event in events if isinstance(event, Reply)]
    wanted = expected["readings"]
    assert len(readings) == len(wanted), readings
    assert [told(one, hint) for one, hint in zip(readings, wanted, strict=True)] == wanted
    assert [event.reason for event in events if isinstance(event, Fault)] == expected["faults"]
    assert [told(one, {}) for one in replies] == expected.get("replies", [])


def test_every_shipped_profile_of_a_device_on_mqtt_has_a_golden_case() -> None:
    shipped = {one.id for one in CATALOGUE.profiles.values() if one.driver in DRIVERS}
    assert shipped <= {case.partition("--")[0] for case in CASES}


def test_every_golden_reading_has_only_names_its_profile_lists() -> None:
    for case in CASES:
        profile = CATALOGUE.profile(case.partition("--")[0])
        if profile.driver != "mqtt_json":
            continue
        names = {metric.name for metric in profile.metrics}
        for one in json.loads((GOLDEN / case / "expected.json").read_text("utf-8"))["readings"]:
            assert one["values"].keys() <= names


HARM = [
    b"null",
    b"[]",
    b"{}",
    b"1e400",
    b"-0",
    b"99999999999999999999",
    b'"x"',
    b"NaN",
    b"\xff",
    b"\0",
    b'":',
]


def spoilt(payload: bytes, chance: random.Random) -> bytes:
    """The payload with some bytes changed, left out, doubled or put in."""
    said = bytearray(payload)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(said) + 1)
        width = chance.randint(1, 20)
        said[place : place + chance.choice([0, 1, width])] = chance.choice([*HARM, said[:width], b""])
    return bytes(said)


def check_carried(events: Sequence[Event]) -> None:
    for event in events:
        if isinstance(event, Fault):
            assert len(event.frame) <= 1024
        elif isinstance(event, Reading):
            for name, value in event.values.items():
                assert check_name(name)
                assert not isinstance(value, float) or math.isfinite(value)
                assert isinstance(value, bool | float | str) or abs(value) <= 2**53


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CASES), st.integers(0, 2**32))
def test_messages_spoilt_on_their_way_raise_nothing_and_give_what_the_stores_can_carry(
    case: str, seed: int
) -> None:
    chance = random.Random(seed)
    config = yaml.safe_load((GOLDEN / case / "config.yaml").read_text("utf-8"))
    config.pop("now", None)
    driver = CATALOGUE.open_driver(Device.model_validate({"id": "golden"} | config))
    heard = [
        (topic, payload_of(rest)) for sign, topic, rest in lines(GOLDEN / case / "wire.txt") if sign == "<"
    ]
    for number in range(20):
        topic, payload = chance.choice(heard)
        now = Instant(parse_utc(NOW) + number * 10**9, 100.0 + number)
        check_carried(driver.receive(spoilt(payload, chance), now, topic))
        check_carried(
            driver.wake(now) if driver.wake_at is not None and driver.wake_at <= now.monotonic else ()
        )
        driver.outgoing()
