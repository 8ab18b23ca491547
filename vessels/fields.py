"""The kinds of bit fields that AIS messages are made of; vessels/messages.py is written in them.

A kind turns the raw unsigned integer of its bits into a value and back. What says "not available" on
the air is None here, in both directions. The way in is source text, which vessels/layouts.py compiles.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Protocol

from vessels.rejects import MessageError
from vessels.sixbit import bits_of


class Field(Protocol):
    """One field of a message: so many bits, read and written as a value."""

    @property
    def width(self) -> int:
        """Number of bits."""
        ...

    def expression(self, raw: str) -> str:
        """The Python expression of the value, or None for "not available", around that of the raw bits."""
        ...

    def encode(self, value: object) -> int:
        """The raw bits of a value; raises MessageError for one the field cannot carry."""
        ...


@dataclass(frozen=True, slots=True)
class Spare:
    """So many unused bits in front of the field that it annotates; ignored, and sent as zero."""

    width: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number in steps of 1/`per`: int for per 1, float otherwise.

    least, most: the range of raw values that mean something (None: all that the bits can say).
    absent: the raw value sent for None; it and everything out of range reads as None.
    """

    width: int
    per: int = 1
    signed: bool = False
    least: int | None = None
    most: int | None = None
    absent: int | None = None

    def expression(self, raw: str) -> str:
        """The number, an int where per is 1; None outside least–most."""
        if self == Number(self.width):
            return raw
        sign = 1 << (self.width - 1)
        value = f"(({raw}) ^ {sign}) - {sign}" if self.signed else raw
        scaled = "value" if self.per == 1 else f"value / {self.per}"
        known = "" if self.absent is None else f" and value != {self.absent}"
        return f"({scaled} if {self.lowest} <= (value := {value}) <= {self.highest}{known} else None)"

    def encode(self, value: object) -> int:
        """The nearest step; raises MessageError outside least–most."""
        if value is None and self.absent is not None:
            return self.absent & ((1 << self.width) - 1)
        if not isinstance(value, int | float) or not isfinite(value):
            raise MessageError(f"{value!r} is not a number: give one, or None where the field allows it")
        raw = round(value * self.per)
        if not self.lowest <= raw <= self.highest:
            low, high = self.lowest / self.per, self.highest / self.per
            raise MessageError(f"{value!r} does not fit: this field carries {low:g} to {high:g}")
        return raw & ((1 << self.width) - 1)

    @property
    def lowest(self) -> int:
        """The least raw value that means something."""
        if self.least is not None:
            return self.least
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def highest(self) -> int:
        """The greatest raw value that means something."""
        if self.most is not None:
            return self.most
        return (1 << (self.width - self.signed)) - 1


@dataclass(frozen=True, slots=True)
class Flag:
    """One bit."""

    @property
    def width(self) -> int:
        """One."""
        return 1

    def expression(self, raw: str) -> str:
        """True for 1."""
        return f"({raw}) == 1"

    def encode(self, value: object) -> int:
        """1 for True; raises MessageError for anything but True and False."""
        if not isinstance(value, bool):
            raise MessageError(f"{value!r} is not a truth value: give True or False")
        return int(value)


@dataclass(frozen=True, slots=True)
class Text:
    """Six-bit text. It ends at the first @, spaces around it are dropped, empty text is None.

    extension: how many more characters may follow behind the message's last field (type 21).
    """

    characters: int
    extension: int = 0

    @property
    def width(self) -> int:
        """Number of bits, the extension left out."""
        return 6 * self.characters

    def expression(self, raw: str) -> str:
        """The text, with the `more` characters of `extension` where the field has one."""
        if self.extension:
            return f"text_of(({raw}) << 6 * more | extension, {self.characters} + more)"
        return f"text_of({raw}, {self.characters})"

    def encode(self, value: object) -> int:
        """The text without its extension, filled up with @; raises MessageError if it does not fit."""
        bits, more = self._bits(value)
        return bits >> 6 * more

    def encode_extension(self, value: object) -> tuple[int, int]:
        """The bits of what goes into the extension, and their number."""
        bits, more = self._bits(value)
        return bits & ((1 << 6 * more) - 1), 6 * more

    def _bits(self, value: object) -> tuple[int, int]:
        text = value or ""
        if not isinstance(text, str):
            raise MessageError(f"{value!r} is not text: give text, or None")
        more = max(0, min(len(text) - self.characters, self.extension))
        try:
            return bits_of(text, self.characters + more), more
        except ValueError as error:
            raise MessageError(
                f"{text!r} cannot be sent: an AIS text here has at most {self.characters + self.extension} "
                "characters, capital letters, digits and punctuation of ASCII"
            ) from error
