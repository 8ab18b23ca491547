"""What a ship does over its day: phases in a circle, each a passage, a berth, an anchorage or gone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Protocol

from firmware_sim.passage import Passage, Pose, degrees, metres, turn_towards

SETTLING = 260.0
"""Metres before a quay over which a ship turns along it."""
TIDE_PERIOD = 89_428.0
"""Seconds of a lunar day: an anchored ship swings round once with it."""


class Status(IntEnum):
    """Navigational status of ITU-R M.1371, table 45, as far as this port needs it."""

    UNDER_WAY = 0
    AT_ANCHOR = 1
    MOORED = 5
    FISHING = 7


class Phase(Protocol):
    """A part of an itinerary."""

    @property
    def duration(self) -> float:
        """Seconds."""
        ...

    @property
    def status(self) -> Status:
        """What the ship says of itself meanwhile."""
        ...

    def pose(self, elapsed: float, at: float) -> Pose | None:
        """The ship so many seconds into the phase, at this second of UTC; None when out of range."""
        ...


@dataclass(frozen=True, slots=True)
class Sailing:
    """A passage; `quay_before` and `quay_after` are the headings of the quays at its ends."""

    passage: Passage
    status: Status = Status.UNDER_WAY
    quay_before: float | None = None
    quay_after: float | None = None

    @property
    def duration(self) -> float:
        """Seconds from the first to the last point."""
        return self.passage.duration

    def pose(self, elapsed: float, at: float) -> Pose:
        """The ship on its way, a little restless in speed, its head a little off its course."""
        pose = self.passage.pose(elapsed)
        left = self.passage.remaining(elapsed)
        heading = pose.heading + 1.5 * math.sin(at / 47 + self.duration)
        if self.quay_after is not None and left < SETTLING:
            heading = turn_towards(heading, self.quay_after, 1 - left / SETTLING)
        gone = self.passage.length - left
        if self.quay_before is not None and gone < SETTLING:
            heading = turn_towards(heading, self.quay_before, 1 - gone / SETTLING)
        sog = pose.sog * (1 + 0.015 * math.sin(at / 31 + self.duration))
        return replace(pose, sog=sog, heading=heading % 360)


@dataclass(frozen=True, slots=True)
class Berthed:
    """At rest at a quay, or stopped where the heading is kept."""

    lat: float
    lon: float
    heading: float
    duration: float
    status: Status = Status.MOORED

    def pose(self, elapsed: float, at: float) -> Pose:
        """Always the same place."""
        return Pose(self.lat, self.lon, 0.0, self.heading, self.heading)


@dataclass(frozen=True, slots=True)
class Anchored:
    """Swinging round an anchor with the tide, on a circle of `radius` metres."""

    lat: float
    lon: float
    radius: float
    shift: float
    duration: float = 86_400.0
    status: Status = Status.AT_ANCHOR

    def pose(self, elapsed: float, at: float) -> Pose:
        """The ship downstream of its anchor, its head towards it; speed and course of the swing."""
        angle, before = self._angle(at), self._angle(at - 1)
        east, north = metres(self.lat, self.lon)
        lat, lon = degrees(east + self.radius * math.sin(angle), north + self.radius * math.cos(angle))
        turned = angle - before
        course = math.degrees(angle) + (90 if turned >= 0 else -90)
        sog = abs(turned) * self.radius * 3600 / 1852
        return Pose(lat, lon, sog, course % 360, (math.degrees(angle) + 180) % 360)

    def _angle(self, at: float) -> float:
        yaw = 0.10 * math.sin(2 * math.pi * at / 540 + self.shift)
        return self.shift + 1.9 * math.sin(2 * math.pi * at / TIDE_PERIOD + self.shift) + yaw


@dataclass(frozen=True, slots=True)
class Gone:
    """Out of the receiver's range."""

    duration: float
    status: Status = Status.UNDER_WAY

    def pose(self, elapsed: float, at: float) -> None:
        """Nobody hears this ship now."""
        return


@dataclass(frozen=True, slots=True)
class Moment:
    """Where in its itinerary a ship is: the round, the phase and its number, seconds into it and left."""

    turn: int
    number: int
    phase: Phase
    elapsed: float

    @property
    def left(self) -> float:
        """Seconds until the phase ends."""
        return self.phase.duration - self.elapsed


class Itinerary:
    """Phases that follow each other for ever; `shift` seconds of the round have passed at 1970."""

    def __init__(self, phases: Sequence[Phase], shift: float = 0.0) -> None:
        self.phases = tuple(phases)
        self.round = sum(phase.duration for phase in self.phases)
        self._shift = shift

    def moment(self, at: float) -> Moment:
        """Where the ship is in its day at this second of UTC."""
        turn, elapsed = divmod(at + self._shift, self.round)
        for number, phase in enumerate(self.phases):
            if elapsed < phase.duration:
                return Moment(int(turn), number, phase, elapsed)
            elapsed -= phase.duration
        last = len(self.phases) - 1
        return Moment(int(turn), last, self.phases[last], self.phases[last].duration)
