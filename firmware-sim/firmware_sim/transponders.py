"""What the ships' transponders say and when: sightings → AIS messages, and their reporting intervals.

Sources: ITU-R M.1371-5, tables 1 and 2 (intervals), annex 8 (messages). No I/O here.
"""

import heapq
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from firmware_sim import haiphong
from firmware_sim.haiphong import Aid
from firmware_sim.itinerary import Status
from firmware_sim.ships import Ship
from firmware_sim.world import Sighting, Voyage, World
from vessels.codec import encode
from vessels.messages import (
    AidToNavigation,
    ClassBPosition,
    Message,
    PositionReport,
    StaticAndVoyage,
    StaticPartA,
    StaticPartB,
    turn_indicator,
)

STATIC = 360.0
"""Seconds between two static messages of a ship."""
AID = 180.0
RESTING = 180.0
UNSEEN = 20.0
"""Seconds after which a ship out of range is looked for again."""
FIRST_POSITIONS, FIRST_STATICS = 4.0, 8.0
"""Seconds within which everything is said once to whoever begins to listen."""
TURNING = 10.0
"""Degrees a minute, from where a ship counts as changing course (5° in 30 s)."""
LATE = 60.0
"""Seconds beyond which what was due is left out: the computer slept."""
GPS = 1


def interval(sighting: Sighting) -> float:
    """Seconds until the ship's next position report (tables 1 and 2; class B is a "CS" unit)."""
    sog, turning = sighting.pose.sog, abs(sighting.turn) > TURNING
    if sighting.ship.class_b:
        return 30.0 if sog > 2 else RESTING
    if sighting.status in (Status.AT_ANCHOR, Status.MOORED):
        return 10.0 if sog > 3 else RESTING
    if sog > 23:
        return 2.0
    if sog > 14:
        return 2.0 if turning else 6.0
    return 10 / 3 if turning else 10.0


def position(sighting: Sighting) -> Message:
    """Type 18 of a class B ship, type 3 of a class A ship at rest, type 1 under way."""
    pose, mmsi = sighting.pose, sighting.ship.mmsi
    cog, heading, second = round(pose.cog, 1) % 360, round(pose.heading) % 360, int(sighting.at) % 60
    if sighting.ship.class_b:
        return ClassBPosition(18, 0, mmsi, pose.sog, True, pose.lon, pose.lat, cog, None, second)
    resting = sighting.status in (Status.AT_ANCHOR, Status.MOORED)
    return PositionReport(
        type=3 if resting else 1,
        repeat=0,
        mmsi=mmsi,
        nav_status=sighting.status,
        turn=turn_indicator(sighting.turn),
        sog=pose.sog,
        accurate=True,
        lon=pose.lon,
        lat=pose.lat,
        cog=cog,
        heading=heading,
        second=second,
    )


def statics(world: World, ship: Ship, at: float) -> Iterator[Message]:
    """Type 5 of a class A ship, both parts of type 24 of a class B one."""
    dimensions = _dimensions(ship)
    if ship.class_b:
        yield StaticPartA(24, 0, ship.mmsi, name=ship.model.name)
        part_b = StaticPartB(24, 0, ship.mmsi, ship_type=ship.model.kind, call_sign=ship.call_sign, epfd=GPS)
        yield part_b._replace(**dimensions)
        return
    voyage = world.voyage(ship, at)
    message = StaticAndVoyage(
        type=5,
        repeat=0,
        mmsi=ship.mmsi,
        imo=ship.imo or None,
        call_sign=ship.call_sign,
        name=ship.model.name,
        ship_type=ship.model.kind,
        epfd=GPS,
        draught=voyage.draught,
        destination=voyage.destination,
    )
    yield message._replace(**dimensions, **_arrival(voyage))


def aid_report(aid: Aid, mmsi: int, at: float) -> Message:
    """Type 21 of a mark."""
    return AidToNavigation(
        type=21,
        repeat=0,
        mmsi=mmsi,
        aid_type=aid.kind,
        name=aid.name,
        lon=aid.lon,
        lat=aid.lat,
        epfd=GPS,
        second=int(at) % 60,
    )


def _arrival(voyage: Voyage) -> Mapping[str, Any]:
    if voyage.eta is None:
        return {}
    eta = datetime.fromtimestamp(voyage.eta, UTC)
    return {"eta_month": eta.month, "eta_day": eta.day, "eta_hour": eta.hour, "eta_minute": eta.minute}


def _dimensions(ship: Ship) -> Mapping[str, Any]:
    return {
        "to_bow": ship.bow,
        "to_stern": ship.model.length - ship.bow,
        "to_port": ship.port,
        "to_starboard": ship.model.beam - ship.port,
    }


Say = Callable[[float], tuple[list[Message], float]]
"""What a speaker says at an instant, and after how many seconds it speaks again."""


@dataclass(order=True, slots=True)
class _Turn:
    at: float
    number: int
    say: Say = field(compare=False)


class Transponders:
    """Every transponder in range, as a list of who speaks next."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._turns: list[_Turn] = []
        self._sequence = count()
        self._channel = count()

    def restart(self, at: float) -> None:
        """From now everybody speaks once soon, so that who begins to listen knows all at once."""
        turns: list[_Turn] = []
        ships = self._world.ships
        for index, ship in enumerate(ships):
            share = index / len(ships)
            turns.append(_Turn(at + share * FIRST_POSITIONS, len(turns), self._position_of(ship)))
            turns.append(_Turn(at + share * FIRST_STATICS, len(turns), self._statics_of(ship)))
        for index, aid in enumerate(haiphong.AIDS):
            turns.append(_Turn(at + index + 0.5, len(turns), self._aid(aid, haiphong.FIRST_AID + index)))
        heapq.heapify(turns)
        self._turns = turns

    @property
    def next_at(self) -> float:
        """When the next message is due, seconds of UTC. Before the first `restart` never."""
        return self._turns[0].at if self._turns else math.inf

    def due(self, at: float) -> list[str]:
        """The sentences of all messages due by now, without line ends."""
        sentences: list[str] = []
        while self._turns and self._turns[0].at <= at:
            turn = self._turns[0]
            spoken_at = max(turn.at, at - LATE)
            messages, rest = turn.say(spoken_at)
            heapq.heapreplace(self._turns, _Turn(spoken_at + rest, turn.number, turn.say))
            for message in messages:
                sentences.extend(self._sentences(message))
        return sentences

    def _sentences(self, message: Message) -> list[str]:
        channel = "AB"[next(self._channel) % 2]
        sequence = next(self._sequence) % 10 if isinstance(message, StaticAndVoyage) else 0
        return encode(message, channel=channel, sequence=sequence)

    def _position_of(self, ship: Ship) -> Say:
        def say(at: float) -> tuple[list[Message], float]:
            sighting = self._world.sighting(ship, at)
            return ([position(sighting)], interval(sighting)) if sighting else ([], UNSEEN)

        return say

    def _statics_of(self, ship: Ship) -> Say:
        def say(at: float) -> tuple[list[Message], float]:
            heard = self._world.sighting(ship, at) is not None
            return (list(statics(self._world, ship, at)), STATIC) if heard else ([], UNSEEN)

        return say

    def _aid(self, aid: Aid, mmsi: int) -> Say:
        return lambda at: ([aid_report(aid, mmsi, at)], AID)
