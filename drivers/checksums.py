"""Checksums of instruments that are described in a profile: sums, exclusive or, and cyclic redundancy checks.

Source: the parameters of each CRC (width, polynomial, start value, reflection, final exclusive or) and its
check value of `123456789` as Greg Cook's Catalogue of parametrised CRC algorithms lists them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Literal

Kind = Literal[
    "sum8", "sum8_negated", "sum16", "xor8", "crc8", "crc8_maxim", "crc16_arc", "crc16_modbus",
    "crc16_ccitt", "crc16_xmodem", "crc16_kermit",
]  # fmt: skip
"""sum8_negated makes the whole sum 0 modulo 256; crc8 is that of SMBus; crc16_ccitt starts at 0xFFFF."""


@dataclass(frozen=True, slots=True)
class Crc:
    """A cyclic redundancy check; reflected: whether bytes are taken least significant bit first."""

    width: int
    polynomial: int
    start: int
    reflected: bool

    def __call__(self, covered: bytes) -> int:
        """The check of these bytes."""
        return self._reflected(covered) if self.reflected else self._straight(covered)

    def _straight(self, covered: bytes) -> int:
        top, mask, check = 1 << (self.width - 1), (1 << self.width) - 1, self.start
        for byte in covered:
            check ^= byte << (self.width - 8)
            for _ in range(8):
                check = (check << 1 ^ self.polynomial if check & top else check << 1) & mask
        return check

    def _reflected(self, covered: bytes) -> int:
        polynomial = int(f"{self.polynomial:0{self.width}b}"[::-1], 2)
        check = self.start
        for byte in covered:
            check ^= byte
            for _ in range(8):
                check = check >> 1 ^ polynomial if check & 1 else check >> 1
        return check


ALGORITHMS: Mapping[Kind, Callable[[bytes], int]] = {
    "sum8": lambda covered: sum(covered) & 0xFF,
    "sum8_negated": lambda covered: -sum(covered) & 0xFF,
    "sum16": lambda covered: sum(covered) & 0xFFFF,
    "xor8": lambda covered: reduce(xor, covered, 0),
    "crc8": Crc(8, 0x07, 0x00, reflected=False),
    "crc8_maxim": Crc(8, 0x31, 0x00, reflected=True),
    "crc16_arc": Crc(16, 0x8005, 0x0000, reflected=True),
    "crc16_modbus": Crc(16, 0x8005, 0xFFFF, reflected=True),
    "crc16_ccitt": Crc(16, 0x1021, 0xFFFF, reflected=False),
    "crc16_xmodem": Crc(16, 0x1021, 0x0000, reflected=False),
    "crc16_kermit": Crc(16, 0x1021, 0x0000, reflected=True),
}


def width(kind: Kind) -> int:
    """How many bytes the checksum has."""
    return 2 if "16" in kind else 1
