"""What the ships of the simulated port do: callers between sea and berth, waiting, serving, fishing."""

import math
import random
from collections.abc import Iterator, Sequence

from firmware_sim import haiphong
from firmware_sim.haiphong import Berth, Place, Waypoint
from firmware_sim.itinerary import Anchored, Berthed, Gone, Itinerary, Phase, Sailing, Status
from firmware_sim.passage import Passage, degrees, metres
from firmware_sim.ships import (
    CALLERS,
    FISHERS,
    SERVICE,
    WAITING,
    Model,
    Ship,
    draw_call_sign,
    draw_imo,
    draw_mmsi,
)

ROUND = 14 * 3600.0
"""Seconds from one call of a ship to its next; all callers have the same, so some are always under way."""
AWAY = 2 * 3600.0
LANE, BOAT_LANE = 40.0, 15.0
"""Metres that ships and boats keep to the right of the middle of the channel."""
SLOW = 1.5
"""Knots at which boats come and go at their ends."""
RUN_UP = 400.0


def build(seed: int) -> tuple[Ship, ...]:
    """The fleet of a seed: the same seed gives the same ships with the same days."""
    dice = random.Random(f"{seed}/fleet")
    return (*_callers(dice), *_waiting(dice), *_service(dice), *_fishers(dice))


def _callers(dice: random.Random) -> Iterator[Ship]:
    berths = list(haiphong.BERTHS)
    dice.shuffle(berths)
    start = dice.uniform(0, ROUND)
    for index, (model, berth) in enumerate(zip(CALLERS, berths, strict=True)):
        shift = start + ROUND * (index + dice.uniform(-0.15, 0.15)) / len(CALLERS)
        yield _ship(dice, model, Itinerary(_call(berth, dice.uniform(0.9, 1.05)), shift))


def _call(berth: Berth, factor: float) -> Sequence[Phase]:
    way = haiphong.way_to(berth)
    inward, outward = Passage(way, LANE, factor), Passage(way[::-1], LANE, factor)
    stay = ROUND - AWAY - inward.duration - outward.duration
    return (
        Sailing(inward, quay_after=berth.heading),
        Berthed(berth.lat, berth.lon, berth.heading, stay),
        Sailing(outward, quay_before=berth.heading),
        Gone(AWAY),
    )


def _waiting(dice: random.Random) -> Iterator[Ship]:
    for model, place in zip(WAITING, haiphong.ANCHORAGES, strict=True):
        swing = Anchored(place.lat, place.lon, 0.6 * model.length + 60, dice.uniform(0, 6))
        yield _ship(dice, model, Itinerary([swing]))


def _service(dice: random.Random) -> Iterator[Ship]:
    days = (
        _shuttle([haiphong.PILOT_STATION, haiphong.PILOT_BOARDING], 16, 900),
        _shuttle([haiphong.TUG_BASE, *_channel("HP57", "HP51"), haiphong.TUG_STATION], 8, 700),
        _shuttle([haiphong.TUG_STATION, *_channel("HP43", "HP31")], 7, 1100),
        _shuttle(_ferry_way(), 25, 1200),
    )
    for model, day in zip(SERVICE, days, strict=True):
        yield _ship(dice, model, Itinerary(day, dice.uniform(0, 7200)))


def _ferry_way() -> list[Place]:
    return [haiphong.BEN_BINH, *_channel("SC7", "HP9"), *haiphong.CAT_BA_BAY]


def _channel(first: str, last: str) -> list[Place]:
    """The channel's points from one to another, in the order sailed."""
    start, end = haiphong.waypoint(first), haiphong.waypoint(last)
    points = [
        haiphong.CHANNEL[i]
        for i in range(start, end + (1 if end >= start else -1), 1 if end >= start else -1)
    ]
    return [Place(point.name, point.lat, point.lon) for point in points]


def _shuttle(places: Sequence[Place], speed: float, wait: float) -> Sequence[Phase]:
    """There and back between the ends, waiting `wait` seconds at each."""
    way = [
        Waypoint(places[0].name, places[0].lat, places[0].lon, SLOW),
        _run_up(places[0], places[1], speed),
        *(Waypoint(place.name, place.lat, place.lon, speed) for place in places[1:-1]),
        _run_up(places[-1], places[-2], speed),
        Waypoint(places[-1].name, places[-1].lat, places[-1].lon, SLOW),
    ]
    there, back = Passage(way, BOAT_LANE), Passage(way[::-1], BOAT_LANE)
    return (
        Berthed(way[0].lat, way[0].lon, there.pose(0).heading, wait),
        Sailing(there),
        Berthed(way[-1].lat, way[-1].lon, back.pose(0).heading, wait, Status.UNDER_WAY),
        Sailing(back),
    )


def _run_up(end: Place, towards: Place, speed: float) -> Waypoint:
    """Where a boat reaches full speed: RUN_UP metres from the end, or a third of a short leg."""
    (east, north), (to_east, to_north) = metres(end.lat, end.lon), metres(towards.lat, towards.lon)
    length = math.hypot(to_east - east, to_north - north)
    share = min(1 / 3, RUN_UP / length)
    lat, lon = degrees(east + (to_east - east) * share, north + (to_north - north) * share)
    return Waypoint(end.name, lat, lon, speed)


def _fishers(dice: random.Random) -> Iterator[Ship]:
    for model, place in zip(FISHERS, haiphong.FISHING_GROUNDS, strict=False):
        loop = [
            _around(place, east, north, dice)
            for east, north in ((0, 0), (900, 1400), (1800, 200), (700, -1100))
        ]
        day = [Sailing(Passage([*loop, loop[0]]), Status.FISHING)]
        yield _ship(dice, model, Itinerary(day, dice.uniform(0, 3600)), class_b=True)


def _around(place: Place, east: float, north: float, dice: random.Random) -> Waypoint:
    middle_east, middle_north = metres(place.lat, place.lon)
    stray_east, stray_north = dice.uniform(-200, 200), dice.uniform(-200, 200)
    lat, lon = degrees(middle_east + east + stray_east, middle_north + north + stray_north)
    return Waypoint(place.name, lat, lon, dice.uniform(2.5, 4.5))


def _ship(dice: random.Random, model: Model, itinerary: Itinerary, *, class_b: bool = False) -> Ship:
    numbered = model.length >= 60
    return Ship(
        mmsi=draw_mmsi(dice, model.mid, small=class_b),
        imo=draw_imo(dice) if numbered else 0,
        call_sign=draw_call_sign(dice, model.mid),
        model=model,
        class_b=class_b,
        itinerary=itinerary,
    )
