"""The transponders: what pyais reads of their sentences is the world's truth, at the intervals of M.1371."""

from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest

from firmware_sim import haiphong
from firmware_sim.itinerary import Status
from firmware_sim.passage import Pose
from firmware_sim.ships import Ship
from firmware_sim.transponders import Transponders, interval
from firmware_sim.world import Sighting, World
from tests.firmware_sim.worlds import NOON, Heard, hear


@pytest.fixture(scope="module")
def world() -> World:
    return World(3)


@pytest.fixture(scope="module")
def hour(world: World) -> list[Heard]:
    """Everything said in the first hour, second by second."""
    transponders = Transponders(world)
    transponders.restart(NOON)
    return [heard for second in range(3600) for heard in hear(transponders, NOON + second)]


def by_ship(heard: list[Heard], *types: int) -> dict[int, list[Heard]]:
    found: defaultdict[int, list[Heard]] = defaultdict(list)
    for one in heard:
        if one.message["msg_type"] in types:
            found[one.message["mmsi"]].append(one)
    return found


def test_pyais_reads_the_worlds_positions(world: World, hour: list[Heard]) -> None:
    ships = {ship.mmsi: ship for ship in world.ships}
    positions = by_ship(hour, 1, 3, 18)
    assert positions.keys() == {s.ship.mmsi for at in range(0, 3600, 60) for s in world.sightings(NOON + at)}
    for mmsi, reports in positions.items():
        for report in reports:
            assert any(agree(report.message, truth) for truth in truths(world, ships[mmsi], report))


def truths(world: World, ship: Ship, report: Heard) -> list[Sighting]:
    """The ship at both ends and in the middle of the second in which it spoke."""
    start = report.at - (report.at - report.message["second"]) % 60
    found = (world.sighting(ship, start + part) for part in (0, 0.5, 1))
    return [sighting for sighting in found if sighting is not None]


def agree(said: dict[str, Any], truth: Sighting) -> bool:
    """Whether a report is what this sighting makes one say, less a second's motion."""
    pose = truth.pose
    if said["msg_type"] != 18 and said["status"] != truth.status:
        return False
    moving = pose.sog > 0.3
    return (
        said["lat"] == pytest.approx(pose.lat, abs=1.5e-4)
        and said["lon"] == pytest.approx(pose.lon, abs=1.5e-4)
        and said["speed"] == pytest.approx(pose.sog, abs=0.2)
        and (not moving or off(said["course"], pose.cog) < 3)
        and (said["msg_type"] == 18 or off(said["heading"], pose.heading) < 3)
    )


def off(one: float, other: float) -> float:
    """Degrees between two directions."""
    return abs((one - other + 180) % 360 - 180)


def test_within_ten_seconds_everybody_in_range_has_said_name_type_and_place(
    world: World, hour: list[Heard]
) -> None:
    first = [heard for heard in hour if heard.at <= NOON + 10]
    seen = {s.ship.mmsi: s.ship for s in world.sightings(NOON + 10)}
    names = {mmsi: reports[0].message["shipname"] for mmsi, reports in by_ship(first, 5).items()}
    parts = [h.message for h in first if h.message["msg_type"] == 24]
    names |= {part["mmsi"]: part["shipname"] for part in parts if part["partno"] == 0}
    assert names == {mmsi: ship.model.name for mmsi, ship in seen.items()}
    assert by_ship(first, 1, 3, 18).keys() == seen.keys()
    assert len(by_ship(first, 21)) == len(haiphong.AIDS)


def test_static_data_are_those_of_the_ship(world: World, hour: list[Heard]) -> None:
    ships = {ship.mmsi: ship for ship in world.ships}
    for mmsi, reports in by_ship(hour, 5).items():
        said, ship = reports[0].message, ships[mmsi]
        voyage = world.voyage(ship, reports[0].at)
        assert said["imo"] == ship.imo
        assert said["callsign"] == ship.call_sign
        assert said["ship_type"] == ship.model.kind
        assert said["to_bow"] + said["to_stern"] == ship.model.length
        assert said["to_port"] + said["to_starboard"] == ship.model.beam
        assert said["draught"] == pytest.approx(voyage.draught)
        assert said["destination"] == voyage.destination
    for part in (h.message for h in hour if h.message["msg_type"] == 24 and h.message["partno"] == 1):
        assert part["to_bow"] + part["to_stern"] == ships[part["mmsi"]].model.length
        assert part["ship_type"] == 30


def test_marks_say_where_they_lie(hour: list[Heard]) -> None:
    said = [reports[0].message for reports in by_ship(hour, 21).values()]
    lying = {(aid.name, aid.kind): (aid.lat, aid.lon) for aid in haiphong.AIDS}
    assert {(one["name"], int(one["aid_type"])) for one in said} == set(lying)
    for one in said:
        lat, lon = lying[one["name"], int(one["aid_type"])]
        assert (one["lat"], one["lon"]) == pytest.approx((lat, lon), abs=1e-5)


def test_ships_report_at_the_intervals_of_the_standard(world: World, hour: list[Heard]) -> None:
    ships = {ship.mmsi: ship for ship in world.ships}
    longest = {1: 11, 3: 181, 18: 31}
    for mmsi, reports in by_ship(hour, 1, 3, 18).items():
        for before, after in pairwise(reports):
            if world.sighting(ships[mmsi], before.at + 15) is not None:
                slow = before.message["msg_type"] == 18 and before.message["speed"] <= 2
                assert after.at - before.at <= (181 if slow else longest[before.message["msg_type"]])
            if before.message["msg_type"] == 3:
                assert after.at - before.at >= 179
    for reports in by_ship(hour, 5, 21).values():
        assert all(after.at - before.at >= 179 for before, after in pairwise(reports))


@pytest.mark.parametrize(
    ("state", "class_b", "seconds"),
    [
        ((Status.MOORED, 0.0, 0.0), False, 180),
        ((Status.AT_ANCHOR, 3.4, 0.0), False, 10),
        ((Status.UNDER_WAY, 9.0, 0.0), False, 10),
        ((Status.UNDER_WAY, 9.0, -25.0), False, 10 / 3),
        ((Status.UNDER_WAY, 18.0, 0.0), False, 6),
        ((Status.UNDER_WAY, 18.0, 25.0), False, 2),
        ((Status.UNDER_WAY, 25.0, 0.0), False, 2),
        ((Status.FISHING, 3.0, 0.0), True, 30),
        ((Status.FISHING, 1.0, 0.0), True, 180),
    ],
)
def test_an_interval_follows_from_speed_turn_and_class(
    world: World, state: tuple[Status, float, float], class_b: bool, seconds: float
) -> None:
    status, sog, turn = state
    ship = next(ship for ship in world.ships if ship.class_b == class_b)
    sighting = Sighting(ship, NOON, Pose(20.7, 106.9, sog, 90.0, 90.0), turn, status)
    assert interval(sighting) == pytest.approx(seconds)


def test_a_computer_that_slept_is_not_flooded(world: World) -> None:
    transponders = Transponders(world)
    transponders.restart(NOON)
    slept = transponders.due(NOON + 86_400)
    assert len(slept) < 800
    assert transponders.next_at > NOON + 86_400 - 60


def test_long_messages_are_tied_together_by_their_own_number(world: World) -> None:
    transponders = Transponders(world)
    transponders.restart(NOON)
    lines = transponders.due(NOON + 10)
    parts = [line.split(",")[1:4] for line in lines if line.startswith("!AIVDM,2")]
    firsts, seconds = parts[::2], parts[1::2]
    assert [p[1] for p in firsts] == ["1"] * len(firsts)
    assert [p[2] for p in firsts] == [p[2] for p in seconds]
    assert len({p[2] for p in firsts[:10]}) == 10


def test_every_sentence_keeps_to_the_82_characters_of_the_standard(world: World) -> None:
    transponders = Transponders(world)
    transponders.restart(NOON)
    assert all(len(line) + 2 <= 82 for line in transponders.due(NOON + 60))
