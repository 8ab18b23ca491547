"""What the tests of listening drivers share: a device to open, bytes in any chunking, events by kind."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from hypothesis import strategies as st

from drivers.catalogue import Catalogue, links_of, load_catalogue, parse_profile
from drivers.contract import Driver, Event, Fault
from drivers.schemes import EXAMPLES
from telemetry import Device, Instant, Profile, Reading, Value, parse_utc

NOW = Instant(utc=parse_utc("2026-11-22T01:02:03Z"), monotonic=100.0)
CATALOGUE = load_catalogue()


def usual_link(profile: Profile) -> str:
    """A link such as devices of this model usually have."""
    return EXAMPLES[links_of(profile.driver)[0]]


def listener(profile_id: str) -> Driver:
    """A driver of a shipped profile."""
    link = usual_link(CATALOGUE.profile(profile_id))
    return CATALOGUE.open_driver(Device(id="dut", profile=profile_id, link=link))


def listener_of(text: str, link: str = "") -> Driver:
    """A driver of a profile written in the test; what every profile has may be left out.

    link: a usual one unless said.
    """
    lacking = "" if "\nid:" in f"\n{text}" else "id: test\n"
    profile = parse_profile(f"{lacking}title: {{en: Test, vi: Thử}}\n{text}", "test.yaml")
    device = Device(id="dut", profile=profile.id, link=link or usual_link(profile))
    return Catalogue([profile]).open_driver(device)


def feed(driver: Driver, chunks: Iterable[bytes], now: Instant = NOW) -> list[Event]:
    """All events, of all chunks."""
    return [event for chunk in chunks for event in driver.receive(chunk, now)]


def readings(events: Sequence[Event]) -> list[Reading]:
    """The readings among the events, in order."""
    return [event for event in events if isinstance(event, Reading)]


def faults(events: Sequence[Event]) -> list[Fault]:
    """The faults among the events, in order."""
    return [event for event in events if isinstance(event, Fault)]


def reasons(events: Sequence[Event]) -> Counter[str]:
    """How many faults of each reason."""
    return Counter(fault.reason for fault in faults(events))


def values(events: Sequence[Event]) -> dict[str, Value]:
    """All values of all readings, the latest of each."""
    return {name: value for reading in readings(events) for name, value in reading.values.items()}


def pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The bytes cut at these places."""
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    return [data[start:end] for start, end in pairwise(places)]


def one_by_one(data: bytes) -> list[bytes]:
    """Each byte alone."""
    return [data[place : place + 1] for place in range(len(data))]


CUTS = st.lists(st.integers(0, 4000), max_size=12)
"""Where to cut up to 4,000 bytes."""
