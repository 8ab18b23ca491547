"""What a batch of readings means: ships for the picture, firings for the duty officer. No I/O."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.columns import Observation
from rules.evaluator import Evaluator
from telemetry import Change, Instant, Quality, Reading
from telemetry.times import NANOSECONDS
from vessels.decoding import Decoder
from vessels.messages import Message
from vessels.picture import Picture, Vessel, position_fields, static_fields

AHEAD_OF_US = 300 * NANOSECONDS
"""A reading from further in the future than this has a wrong clock behind it."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a batch turned out to say."""

    readings: Sequence[Reading]
    observations: Sequence[Observation]
    vessels: Sequence[Vessel]
    changes: Sequence[Change]


class Stream:
    """The traffic picture and the rules, fed batch by batch in the order the batches are taken."""

    def __init__(self, picture: Picture, evaluator: Evaluator) -> None:
        self.decoder = Decoder()
        self.picture = picture
        self.evaluator = evaluator

    def take(self, readings: Sequence[Reading], now: Instant) -> Meaning:
        """What these readings of one gateway say. Readings with an impossible time become uncertain."""
        believed = _believed(readings, now.utc + AHEAD_OF_US)
        observations: list[Observation] = []
        vessels: dict[int, Vessel] = {}
        for reading, message in self._messages(believed):
            self._hear(reading, message, now, observations, vessels)
        changes = self.evaluator.evaluate(believed, now)
        return Meaning(believed, observations, list(vessels.values()), changes)

    def _messages(self, readings: Iterable[Reading]) -> Iterator[tuple[Reading, Message]]:
        """The messages in these readings, each with the one that completed it."""
        heard = [reading for reading in readings if reading.kind == "ais"]
        by_station: dict[str, list[int]] = {}
        for place, reading in enumerate(heard):
            by_station.setdefault(reading.device, []).append(place)
        messages: dict[int, Message | None] = {}
        for station, places in by_station.items():
            lines = [str(heard[place].values.get("sentence", "")) for place in places]
            times = [heard[place].observed_at for place in places]
            messages |= zip(places, self.decoder.decode_batch(station, lines, times), strict=True)
        for place, reading in enumerate(heard):
            if (message := messages[place]) is not None:
                yield reading, message

    def _hear(
        self,
        reading: Reading,
        message: Message,
        now: Instant,
        observations: list[Observation],
        vessels: dict[int, Vessel],
    ) -> None:
        station, at = reading.device, reading.observed_at
        vessel = self.picture.apply(message, station, min(at, now.utc))
        if vessel is not None:
            vessels[vessel.mmsi] = vessel
        if position := position_fields(message):
            observations.append(Observation("vessel", message.mmsi, station, at, position))
        if static := static_fields(message):
            observations.append(Observation("vessel_static", message.mmsi, station, at, static))


def _believed(readings: Sequence[Reading], horizon: int) -> Sequence[Reading]:
    if max((reading.observed_at for reading in readings), default=0) <= horizon:
        return readings
    return [
        replace(reading, quality=Quality.UNCERTAIN)
        if reading.observed_at > horizon and reading.quality is Quality.GOOD
        else reading
        for reading in readings
    ]
