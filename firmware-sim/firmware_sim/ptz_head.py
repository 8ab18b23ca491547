"""A moving camera head as the world sees it: pan, tilt, zoom and focus with speeds, limits and presets.

No protocol here; the simulated VISCA and Pelco cameras each drive one. Positions are degrees and
percent, speeds degrees and percent a second; everything moves only as far as time passes.
"""

import math
from dataclasses import dataclass, field


@dataclass(slots=True)
class Axis:
    """One motor. endless: whether it turns round and round instead of stopping at its limits."""

    low: float
    high: float
    speed: float
    position: float = 0.0
    endless: bool = False
    drive: float = 0.0
    target: float | None = None

    @property
    def moving(self) -> bool:
        """Whether it is driven, and not standing at the limit it is driven against."""
        if self.target is not None:
            return self.position != self.target
        against = self.high if self.drive > 0 else self.low
        return self.drive != 0 and (self.endless or self.position != against)

    def run(self, part: float) -> None:
        """Drives it at this part of its speed, -1 to 1; 0 stops it."""
        self.drive, self.target = max(-1.0, min(1.0, part)), None

    def go(self, position: float) -> None:
        """Drives it to a position, or as near as its limits allow."""
        self.drive, self.target = 0.0, max(self.low, min(self.high, position))

    def pass_time(self, seconds: float) -> None:
        """Moves it for so long."""
        way = self.speed * seconds
        if self.target is not None:
            ahead = self.target - self.position
            self.position = self.target if abs(ahead) <= way else self.position + math.copysign(way, ahead)
        elif self.endless:
            span = self.high - self.low
            self.position = (self.position + self.drive * way - self.low) % span + self.low
        else:
            self.position = max(self.low, min(self.high, self.position + self.drive * way))


Position = tuple[float, float, float]
"""Pan, tilt, zoom."""


@dataclass(slots=True)
class PtzHead:
    """Everything that moves in one camera. travelled: degrees the head has turned so far."""

    pan: Axis = field(default_factory=lambda: Axis(-170, 170, 80))
    tilt: Axis = field(default_factory=lambda: Axis(-30, 90, 60))
    zoom: Axis = field(default_factory=lambda: Axis(0, 100, 40))
    focus: Axis = field(default_factory=lambda: Axis(0, 100, 40, 50))
    power: bool = True
    autofocus: bool = True
    presets: dict[int, Position] = field(default_factory=dict[int, Position])
    outputs: dict[int, bool] = field(default_factory=dict[int, bool])
    travelled: float = 0.0
    _at: float | None = None

    @property
    def axes(self) -> tuple[Axis, Axis, Axis, Axis]:
        """All of them."""
        return self.pan, self.tilt, self.zoom, self.focus

    @property
    def moving(self) -> bool:
        """Whether anything moves."""
        return any(axis.moving for axis in self.axes)

    @property
    def position(self) -> Position:
        """Where it looks."""
        return self.pan.position, self.tilt.position, self.zoom.position

    def pass_time(self, now: float) -> None:
        """Moves everything up to this monotonic second."""
        seconds = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        before = self.pan.position, self.tilt.position
        for axis in self.axes:
            axis.pass_time(seconds)
        self.travelled += abs(self.pan.position - before[0]) + abs(self.tilt.position - before[1])

    def stop(self) -> None:
        """Ends every motion."""
        for axis in self.axes:
            axis.run(0)

    def go(self, position: Position) -> None:
        """Drives pan, tilt and zoom to a position."""
        for axis, wanted in zip((self.pan, self.tilt, self.zoom), position, strict=True):
            axis.go(wanted)

    def switch(self, on: bool) -> None:
        """Power; a head in standby stands still."""
        self.power = on
        if not on:
            self.stop()
