"""The ships of the simulated port: who they are. What they do is in fleet.py.

Names are invented; numbers have the form of real ones (ITU-R M.585 for MMSI, IMO check digit).
"""

import random
from dataclasses import dataclass
from enum import IntEnum

from firmware_sim.itinerary import Itinerary


class Type(IntEnum):
    """Ship and cargo type of ITU-R M.1371, table 53."""

    FISHING = 30
    HIGH_SPEED = 40
    PILOT = 50
    TUG = 52
    CARGO = 70
    CONTAINER = 71
    TANKER = 80


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of a ship before its numbers are drawn: metres, and the flag's MID."""

    name: str
    mid: int
    kind: Type
    length: int
    beam: int
    draught: float


@dataclass(frozen=True, slots=True)
class Ship:
    """One ship. imo is 0 where there is none; class_b ships say less and less often."""

    mmsi: int
    imo: int
    call_sign: str
    model: Model
    class_b: bool
    itinerary: Itinerary

    @property
    def bow(self) -> int:
        """Metres from the antenna, which stands aft, to the bow."""
        return round(self.model.length * (0.5 if self.model.length < 60 else 0.82))

    @property
    def port(self) -> int:
        """Metres from the antenna to the port side."""
        return self.model.beam // 2


CALLERS = (
    Model("TRUONG SON STAR", 574, Type.CONTAINER, 171, 27, 8.6),
    Model("PEARL DELTA HOPE", 477, Type.CONTAINER, 209, 30, 9.4),
    Model("MERLION TRADER", 563, Type.CONTAINER, 222, 31, 9.8),
    Model("DONG BAC 26", 574, Type.CARGO, 98, 16, 5.9),
    Model("ISTHMUS GRACE", 352, Type.CARGO, 138, 22, 7.2),
    Model("PHUC THANH 68", 574, Type.CARGO, 79, 12, 4.8),
    Model("HALLA BREEZE", 440, Type.TANKER, 112, 18, 6.3),
    Model("WAN FENG 8", 413, Type.CONTAINER, 147, 23, 7.6),
)
WAITING = (
    Model("MONROVIA LIGHT", 636, Type.CARGO, 189, 32, 10.9),
    Model("BINH MINH 09", 574, Type.TANKER, 104, 17, 6.1),
    Model("CHAO PHRAYA PEARL", 567, Type.CARGO, 118, 20, 6.8),
    Model("THAI BINH STEEL", 574, Type.CARGO, 153, 26, 9.0),
)
SERVICE = (
    Model("HOA TIEU HP 05", 574, Type.PILOT, 17, 5, 1.4),
    Model("LAI DAT DINH VU 2", 574, Type.TUG, 29, 9, 3.8),
    Model("LAI DAT BACH DANG 1", 574, Type.TUG, 32, 10, 4.1),
    Model("CAT BA EXPRESS", 574, Type.HIGH_SPEED, 28, 7, 1.5),
)
FISHERS = (
    Model("HP-90412-TS", 574, Type.FISHING, 18, 5, 1.8),
    Model("HP-91375-TS", 574, Type.FISHING, 16, 5, 1.6),
    Model("ND-92208-TS", 574, Type.FISHING, 21, 6, 2.0),
)

PREFIXES = {574: "3W", 477: "VR", 563: "9V", 352: "3E", 440: "D7", 413: "BP", 636: "A8", 567: "HS"}
"""How call signs of a flag begin, by its MID."""


def draw_mmsi(dice: random.Random, mid: int, *, small: bool = False) -> int:
    """A maritime identity of nine digits; small craft get the upper part of their country's numbers."""
    return mid * 1_000_000 + (dice.randrange(900_000, 999_999) if small else dice.randrange(1_000, 899_999))


def draw_imo(dice: random.Random) -> int:
    """A ship number of seven digits whose last is the check digit (weights 7 to 2)."""
    digits = [9, *(dice.randrange(10) for _ in range(5))]
    check = sum(digit * weight for digit, weight in zip(digits, range(7, 1, -1), strict=True)) % 10
    return int("".join(map(str, [*digits, check])))


def draw_call_sign(dice: random.Random, mid: int) -> str:
    """Two letters of the flag, then letters and a digit."""
    letters = "".join(dice.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(2))
    return f"{PREFIXES[mid]}{letters}{dice.randrange(1, 10)}"
