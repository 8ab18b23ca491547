"""The simulated world: a pure function of seed and time. Nothing in it remembers, so nothing drifts.

All times are seconds of UTC since 1970.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from firmware_sim import fleet, quay, tide
from firmware_sim.itinerary import Moment, Status
from firmware_sim.passage import Pose
from firmware_sim.quay import Feed
from firmware_sim.ships import Ship
from firmware_sim.weather import Weather, weather

RADAR_HEIGHT = 6.5
"""Metres above chart datum at which the level radar hangs over the water."""

HERE = ("VNHPH", "HAI PHONG", "VN HPH", "VN_HPH", "HAIPHONG,VIETNAM", "HKHKG>VNHPH", "SGSIN>>VNHPH")
"""How crews write the destination Hai Phong."""
ELSEWHERE = ("HKHKG", "SGSIN", "CNSHK", "VNSGN", "VN DAD", "KRPUS", "THLCH", "HONG KONG")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A ship at an instant. turn: degrees a minute, to starboard positive."""

    ship: Ship
    at: float
    pose: Pose
    turn: float
    status: Status


@dataclass(frozen=True, slots=True)
class Voyage:
    """What a crew has typed in: destination, its arrival in seconds of UTC if given, draught in metres."""

    destination: str
    eta: float | None
    draught: float


class World:
    """Ships, tide, air and the quay's power of one seed."""

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self.ships = fleet.build(seed)

    def sighting(self, ship: Ship, at: float) -> Sighting | None:
        """Where a ship is and what it does; None while it is out of range."""
        moment = ship.itinerary.moment(at)
        pose = moment.phase.pose(moment.elapsed, at)
        if pose is None:
            return None
        return Sighting(ship, at, pose, _turn(moment, pose, at), moment.phase.status)

    def sightings(self, at: float) -> Iterator[Sighting]:
        """Every ship in range."""
        for ship in self.ships:
            sighting = self.sighting(ship, at)
            if sighting is not None:
                yield sighting

    def voyage(self, ship: Ship, at: float) -> Voyage:
        """The ship's voyage data: inward it names Hai Phong, from the berth on the next port.

        Craft of the port itself name it always, and no arrival.
        """
        if not ship.imo:
            return Voyage(HERE[ship.mmsi % 2], None, ship.model.draught)
        moment = ship.itinerary.moment(at)
        dice = random.Random(f"{self.seed}/{ship.mmsi}/{moment.turn}")
        here, there = dice.choice(HERE), dice.choice(ELSEWHERE)
        inward, outward = dice.uniform(0.75, 1.0), dice.uniform(0.6, 0.95)
        at_sea = dice.uniform(1.0, 4.0) * 86_400
        if len(ship.itinerary.phases) == 1 or moment.number == 0:
            arrival = at + moment.left
            return Voyage(here, _minute(arrival), round(ship.model.draught * inward, 1))
        sails = at + moment.left if moment.number == 1 else at - moment.elapsed
        return Voyage(there, _minute(sails + at_sea), round(ship.model.draught * outward, 1))

    def water_level(self, at: float) -> float:
        """Metres above chart datum."""
        return tide.level(at)

    def radar_distance(self, at: float) -> float:
        """Metres from the level radar down to the water."""
        return RADAR_HEIGHT - tide.level(at)

    def weather(self, at: float) -> Weather:
        """The air over the quay."""
        return weather(self.seed, at)

    def power(self, at: float) -> Feed:
        """The quay's power feed."""
        return quay.feed(self.seed, at)

    def depth(self, at: float) -> float:
        """Metres of water under the mast at the quay."""
        return 9.2 + tide.level(at)


def _turn(moment: Moment, pose: Pose, at: float) -> float:
    """Degrees a minute over the last second."""
    before = moment.phase.pose(max(moment.elapsed - 1, 0.0), at - 1)
    if before is None or moment.elapsed < 1:
        return 0.0
    return ((pose.heading - before.heading + 180) % 360 - 180) * 60


def _minute(at: float) -> float:
    return at // 60 * 60
