"""What the tests of the simulated port share: an instant, and pyais as the ear."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyais

from firmware_sim.transponders import Transponders

NOON = 1_795_320_000.0
"""2026-11-22T04:00:00Z, late morning in Hai Phong."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as pyais reads it, and the second in which it was said."""

    at: float
    message: dict[str, Any]


def hear(transponders: Transponders, at: float) -> Iterator[Heard]:
    """What is due by this second."""
    for message in decoded(transponders.due(at)):
        yield Heard(at, message)


def decoded(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Messages of one receiver's sentences, parts joined in the order in which they come."""
    parts: list[str] = []
    for line in lines:
        parts.append(line)
        total, number = line.split(",")[1:3]
        if total == number:
            yield dict(pyais.decode(*parts, error_if_checksum_invalid=True).asdict())
            parts = []
