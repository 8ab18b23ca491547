"""The simulated world: the same for a seed, ships where ships can be, tide and weather as in Hai Phong."""

import math
from itertools import pairwise

import pytest

from firmware_sim import haiphong, quay
from firmware_sim.itinerary import Gone, Status
from firmware_sim.passage import KNOT, Pose, metres
from firmware_sim.ships import Ship, Type
from firmware_sim.world import Sighting, World
from tests.firmware_sim.worlds import NOON

DAY = range(int(NOON), int(NOON) + 86_400, 300)
CORRIDOR = 200.0
"""Metres from the middle of the channel within which a ship under way stays."""


def off_the_way(sighting: Sighting, way: tuple[haiphong.Waypoint, ...]) -> float:
    """Metres from the ship to the nearest point of a way."""
    here = metres(sighting.pose.lat, sighting.pose.lon)
    ends = [metres(point.lat, point.lon) for point in way]
    return min(distance_to_line(here, a, b) for a, b in pairwise(ends))


def distance_to_line(p: tuple[float, float], a: tuple[float, float], b: tuple[float, float]) -> float:
    along = (b[0] - a[0], b[1] - a[1])
    share = ((p[0] - a[0]) * along[0] + (p[1] - a[1]) * along[1]) / (along[0] ** 2 + along[1] ** 2)
    share = min(max(share, 0.0), 1.0)
    return math.dist(p, (a[0] + along[0] * share, a[1] + along[1] * share))


def seen(world: World, at: float) -> list[tuple[int, Pose, float, Status]]:
    return [(s.ship.mmsi, s.pose, s.turn, s.status) for s in world.sightings(at)]


def callers(world: World) -> list[Ship]:
    return [ship for ship in world.ships if any(isinstance(p, Gone) for p in ship.itinerary.phases)]


def test_the_same_seed_gives_the_same_world_in_any_order_of_asking() -> None:
    one, two = World(7), World(7)
    instants = [NOON + 977 * step for step in range(40)]
    forward = [seen(one, at) for at in instants]
    backward = [seen(two, at) for at in reversed(instants)]
    assert forward == backward[::-1]
    assert [one.weather(at) for at in instants] == [two.weather(at) for at in instants]


def test_another_seed_gives_other_ships_and_other_weather() -> None:
    one, two = World(1), World(2)
    assert {ship.mmsi for ship in one.ships}.isdisjoint(ship.mmsi for ship in two.ships)
    assert one.weather(NOON) != two.weather(NOON)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_callers_keep_to_the_channel_and_lie_at_a_berth(seed: int) -> None:
    world = World(seed)
    berths = {(berth.lat, berth.lon) for berth in haiphong.BERTHS}
    ways = [haiphong.way_to(berth) for berth in haiphong.BERTHS]
    for ship in callers(world):
        for at in DAY:
            sighting = world.sighting(ship, at)
            if sighting is None:
                continue
            if sighting.status is Status.MOORED:
                assert (sighting.pose.lat, sighting.pose.lon) in berths
                assert sighting.pose.sog == 0
            else:
                assert min(off_the_way(sighting, way) for way in ways) < CORRIDOR
                assert 0 < sighting.pose.sog < 13


def test_every_berth_is_taken_by_one_caller_only() -> None:
    world = World(1)
    moored = {
        (s.pose.lat, s.pose.lon, ship.mmsi)
        for ship in callers(world)
        for s in (world.sighting(ship, at) for at in DAY)
        if s and s.status is Status.MOORED
    }
    assert len({place[:2] for place in moored}) == len(moored) == len(haiphong.BERTHS)


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_at_any_time_several_ships_move_visibly_within_a_minute(seed: int) -> None:
    world = World(seed)
    for at in range(int(NOON), int(NOON) + 86_400, 3600):
        before = {s.ship.mmsi: metres(s.pose.lat, s.pose.lon) for s in world.sightings(at)}
        after = {s.ship.mmsi: metres(s.pose.lat, s.pose.lon) for s in world.sightings(at + 60)}
        moved = [mmsi for mmsi in before.keys() & after.keys() if math.dist(before[mmsi], after[mmsi]) > 100]
        assert len(moved) >= 3
        assert 12 <= len(before) <= 20


def test_speed_and_course_are_those_of_the_positions() -> None:
    world = World(3)
    for at in range(int(NOON), int(NOON) + 43_200, 607):
        for ship in world.ships:
            now, then = world.sighting(ship, at), world.sighting(ship, at + 1)
            if now is None or then is None or now.pose.sog < 2 or then.status is not now.status:
                continue
            (east, north), (to_east, to_north) = (metres(s.pose.lat, s.pose.lon) for s in (now, then))
            made = math.dist((east, north), (to_east, to_north)) / KNOT
            course = math.degrees(math.atan2(to_east - east, to_north - north))
            assert made == pytest.approx(now.pose.sog, rel=0.1, abs=0.2)
            assert abs((course - now.pose.cog + 180) % 360 - 180) < 12


def test_no_ship_jumps() -> None:
    world = World(4)
    for ship in world.ships:
        for at in range(int(NOON), int(NOON) + 60_000, 60):
            now, then = world.sighting(ship, at), world.sighting(ship, at + 60)
            if now is not None and then is not None:
                here, there = (metres(s.pose.lat, s.pose.lon) for s in (now, then))
                assert math.dist(here, there) < 30 * KNOT * 60


def test_anchored_ships_swing_within_their_circle() -> None:
    world = World(1)
    for ship, place in zip(world.ships[8:12], haiphong.ANCHORAGES, strict=True):
        anchor = metres(place.lat, place.lon)
        headings: set[int] = set()
        for at in DAY:
            sighting = world.sighting(ship, at)
            assert sighting is not None
            assert sighting.status is Status.AT_ANCHOR
            assert math.dist(metres(sighting.pose.lat, sighting.pose.lon), anchor) < 200
            assert sighting.pose.sog < 1
            headings.add(int(sighting.pose.heading) // 30)
        assert len(headings) > 3


def test_identities_have_the_form_of_real_ones() -> None:
    world = World(1)
    numbers = {ship.mmsi for ship in world.ships}
    assert len(numbers) == len(world.ships)
    for ship in world.ships:
        assert len(str(ship.mmsi)) == 9
        assert ship.mmsi // 1_000_000 == ship.model.mid
        digits = [int(digit) for digit in f"{ship.imo:07}"]
        assert sum(d * w for d, w in zip(digits, range(7, 1, -1), strict=False)) % 10 == digits[6]
        assert len(ship.model.name) <= 20
        assert len(ship.call_sign) <= 7
    assert [ship.model.kind for ship in world.ships if ship.class_b] == [Type.FISHING] * 3


def test_an_inward_ship_names_hai_phong_and_when_it_will_be_there() -> None:
    world = World(1)
    ship = callers(world)[0]
    inward = next(at for at in DAY if ship.itinerary.moment(at).number == 0)
    voyage = world.voyage(ship, inward)
    assert voyage.destination in {
        "VNHPH", "HAI PHONG", "VN HPH", "VN_HPH", "HAIPHONG,VIETNAM", "HKHKG>VNHPH", "SGSIN>>VNHPH",
    }  # fmt: skip
    assert voyage.eta is not None
    arrived = world.sighting(ship, voyage.eta + 60)
    assert arrived is not None
    assert arrived.status is Status.MOORED


def test_voyage_data_stay_the_same_while_a_ship_is_at_sea() -> None:
    world = World(1)
    for ship in callers(world):
        outward = [at for at in DAY if ship.itinerary.moment(at).number == 2]
        turns = {ship.itinerary.moment(at).turn for at in outward}
        assert len({world.voyage(ship, at) for at in outward}) == len(turns)


def test_the_tide_is_that_of_a_diurnal_sea() -> None:
    world = World(1)
    hours = [world.water_level(NOON + 3600 * hour) for hour in range(24 * 28)]
    ranges = [max(hours[i : i + 25]) - min(hours[i : i + 25]) for i in range(0, len(hours) - 25, 24)]
    assert 3.0 < max(ranges) < 4.0
    assert min(ranges) < 1.2
    strongest = ranges.index(max(ranges)) * 24
    day = hours[strongest : strongest + 25]
    peaks = [i for i in range(1, 24) if day[i - 1] < day[i] >= day[i + 1]]
    assert len(peaks) == 1


def test_wind_gusts_and_air_stays_plausible() -> None:
    world = World(5)
    minute = [world.weather(NOON + second).wind_speed for second in range(60)]
    assert max(minute) - min(minute) > 0.2
    for at in DAY:
        air = world.weather(at)
        assert 0 < air.wind_speed < 25
        assert 0 <= air.wind_direction < 360
        assert 10 < air.temperature < 42
        assert 985 < air.pressure < 1040
        assert 30 < air.humidity <= 100
        assert 0 <= air.rain < 50


def test_the_meters_counter_is_the_integral_of_its_power() -> None:
    seconds = 600
    start, end = quay.feed(1, NOON), quay.feed(1, NOON + seconds)
    joules = sum(quay.feed(1, NOON + second + 0.5).power for second in range(seconds))
    assert end.imported - start.imported == pytest.approx(joules / 3.6e6, rel=1e-4)
    assert start.power > 0
