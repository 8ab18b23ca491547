"""Spoils what simulated devices say: seeded, by rate, by number or by time, and counted.

A rule of a *frame* fault changes one outgoing frame; a rule of a *line* fault does something to the
wire. Whatever depends on chance is drawn frame by frame from the seed, so the same frames meet the
same faults.
"""

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from telemetry import ConfigurationError

IN_TIME = frozenset({"drop", "delay", "split", "duplicate"})
DAMAGE = frozenset({"garble", "truncate", "chatter"})
FRAME_FAULTS = IN_TIME | DAMAGE | {"glue"}
"""What can happen to a frame of any protocol; devices know more of their own. split: byte by byte.
chatter: foreign bytes before it. glue: kept back and written in one go with the next."""
LINE_FAULTS = frozenset({"disconnect", "half_open", "stall", "unplug"})
"""disconnect: every client is dropped. half_open: clients are accepted and never answered. stall: nothing
is read or said, then all of it. unplug: the port is gone, and comes back."""


@runtime_checkable
class Spoilable(Protocol):
    """A device that can spoil its own frames as its protocol would, with right checksums."""

    def spoiled(self, kind: str, frame: bytes, dice: random.Random) -> bytes | None:
        """The frame with a fault of this kind (`wrong_unit`, `exception` …).

        None when this frame cannot have that fault; ConfigurationError is never raised here.
        """
        ...

    @property
    def spoils(self) -> frozenset[str]:
        """The kinds of fault the device knows."""
        ...


@dataclass(frozen=True, slots=True)
class FaultRule:
    """When which fault happens.

    rate: share of the frames, 0 to 1. nth: every so manieth frame. Without either a frame fault happens
    to each frame within its time, and a line fault when its time begins.
    start, lasting, again: seconds of the wire's life: from when, for how long, and after how many seconds
    from each start anew. seconds: how long a delay, stall, half-open or unplugged state takes.
    """

    kind: str
    rate: float = 0.0
    nth: int = 0
    start: float = 0.0
    lasting: float = math.inf
    again: float = math.inf
    seconds: float = 2.0

    def __post_init__(self) -> None:
        wrong = (
            (not 0 <= self.rate <= 1, "rate is a share from 0 to 1"),
            (self.nth < 0, "nth is every so manieth frame, from 1"),
            (not (self.start >= 0 and self.lasting > 0 and self.again > 0), "times are seconds from 0"),
            (not 0 < self.seconds < math.inf, "seconds is above 0"),
        )
        if told := [remedy for is_wrong, remedy in wrong if is_wrong]:
            raise ConfigurationError(f"fault {self.kind}: {'; '.join(told)}")

    @property
    def timed(self) -> bool:
        """Whether only its time makes it happen, not a frame."""
        return self.kind in LINE_FAULTS and not self.rate and not self.nth

    def holds(self, age: float) -> bool:
        """Whether the wire's age lies in the rule's time."""
        since = age - self.start
        return since >= 0 and (since % self.again if math.isfinite(self.again) else since) < self.lasting


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes to write at once. after: seconds from now."""

    payload: bytes
    after: float = 0.0


Pieces = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Spoiled:
    """What becomes of a frame: what is written, and what happens to the line after it."""

    pieces: Pieces
    line: tuple[FaultRule, ...] = ()


@dataclass(slots=True)
class Spoiler:
    """Applies rules to one wire. counts: how often each fault happened."""

    rules: Sequence[FaultRule]
    seed: int = 1
    counts: Counter[str] = field(default_factory=Counter[str])
    _frames: int = 0
    _held: bytes = b""
    _dice: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(f"{self.seed}/faults")

    def check(self, devices: Sequence[object]) -> None:
        """Raises ConfigurationError for a kind of fault that neither we nor the devices know."""
        own = {kind for device in devices if isinstance(device, Spoilable) for kind in device.spoils}
        known = FRAME_FAULTS | LINE_FAULTS | own
        for rule in self.rules:
            if rule.kind not in known:
                raise ConfigurationError(f"fault {rule.kind!r} is not known here: {', '.join(sorted(known))}")

    def spoil(self, device: object, frame: bytes, age: float) -> Spoiled:
        """What becomes of a device's frame when the wire is `age` seconds old."""
        self._frames += 1
        drawn = [rule for rule in self.rules if self._strikes(rule, age)]
        line = tuple(rule for rule in drawn if rule.kind in LINE_FAULTS)
        pieces: Pieces = (Piece(frame),)
        for rule in drawn:
            if rule.kind not in LINE_FAULTS:
                pieces = self._apply(rule, device, pieces)
        return Spoiled(self._glued(pieces), line)

    def _strikes(self, rule: FaultRule, age: float) -> bool:
        """Draws whenever the rule has a rate, so that the next rule's chances stay the same."""
        drawn = self._dice.random() < rule.rate if rule.rate else False
        counted = bool(rule.nth) and self._frames % rule.nth == 0
        always = not rule.rate and not rule.nth and not rule.timed
        return (drawn or counted or always) and rule.holds(age)

    def _apply(self, rule: FaultRule, device: object, pieces: Pieces) -> Pieces:
        if rule.kind == "glue":
            return self._hold(pieces)
        if not pieces or not pieces[0].payload:
            return pieces
        if rule.kind in IN_TIME:
            self.counts[rule.kind] += 1
            return _in_time(rule.kind, pieces, rule.seconds)
        first = pieces[0]
        changed = self._changed(rule.kind, device, first.payload)
        if changed is None:
            return pieces
        self.counts[rule.kind] += 1
        return (Piece(changed, first.after), *pieces[1:])

    def _changed(self, kind: str, device: object, frame: bytes) -> bytes | None:
        if kind in DAMAGE:
            return _damaged(kind, frame, self._dice)
        if isinstance(device, Spoilable) and kind in device.spoils:
            return device.spoiled(kind, frame, self._dice)
        return None

    def _hold(self, pieces: Pieces) -> Pieces:
        """Keeps a frame back, to be written in one go with the next."""
        if self._held or not pieces:
            return pieces
        self._held = b"".join(piece.payload for piece in pieces)
        self.counts["glue"] += 1
        return ()

    def _glued(self, pieces: Pieces) -> Pieces:
        if not self._held or not pieces:
            return pieces
        held, self._held = self._held, b""
        return (Piece(held + pieces[0].payload, pieces[0].after), *pieces[1:])


def flip_bits(payload: bytes, dice: random.Random, most: int = 3) -> bytes:
    """One to `most` bits turned over, each at another place."""
    flips = dice.sample(range(8 * len(payload)), min(dice.randint(1, most), 8 * len(payload)))
    bits = int.from_bytes(payload) ^ sum(1 << flip for flip in flips)
    return bits.to_bytes(len(payload))


def _in_time(kind: str, pieces: Pieces, seconds: float) -> Pieces:
    """The pieces at other times: dropped, late, twice, byte by byte two milliseconds apart."""
    if kind == "drop":
        return ()
    if kind == "delay":
        return tuple(Piece(piece.payload, piece.after + seconds) for piece in pieces)
    if kind == "duplicate":
        return (*pieces, *pieces)
    each = [(piece.after, byte) for piece in pieces for byte in piece.payload]
    return tuple(Piece(bytes((byte,)), after + 0.002 * index) for index, (after, byte) in enumerate(each))


def _damaged(kind: str, payload: bytes, dice: random.Random) -> bytes:
    """The frame with flipped bits, cut short, or behind up to 40 bytes of nobody's."""
    if kind == "garble":
        return flip_bits(payload, dice)
    if kind == "truncate":
        return payload[: dice.randrange(len(payload))]
    return dice.randbytes(dice.randint(1, 40)) + payload
