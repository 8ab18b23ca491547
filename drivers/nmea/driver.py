"""NMEA 0183 instruments (IEC 61162-1): weather, wind, depth, heading, current, position and clock.

The profile says which values of which sentences become its metrics: see `Read` in drivers/nmea/plan.py for
its words and `TABLE` in drivers/nmea/values.py for the values there are. Sentences that the profile does not
name pass silently.
A sentence by which the instrument calls its own values invalid (status V, mode N, GGA quality 0) yields
a Fault and no reading, so that nothing computes with it and a rule on staleness notices.
"""

from collections.abc import Iterator

from drivers.contract import Event, Fault
from drivers.line_listener import LineListener
from drivers.nmea.fields import FieldError, Fields
from drivers.nmea.plan import Plan, Read, Settings, plan_of
from drivers.nmea.sentences import Frame, Reject, Sentence, frames, take_apart
from drivers.nmea.values import declared_invalid
from drivers.schemes import HEARD
from drivers.words import Vocabulary, settings_of
from telemetry import Device, Instant, Profile, Value

VOCABULARY = Vocabulary(Settings, Read)
LINKS = HEARD


class Instrument(LineListener):
    """Listens to one talker or to a whole NMEA bus. All values of one sentence are one Reading.

    Faults, by reason: those of `Reject`, `overlong`, `value` (a field that is no such
    value; the sentence's other values are read), `invalid` (declared so by the instrument).
    """

    def __init__(self, device: Device, profile: Profile, plan: Plan, settings: Settings) -> None:
        super().__init__(device, profile)
        self._plan = plan
        self._talkers = frozenset(settings.talkers)
        self._checked = settings.checksum == "required"

    def _read_line(self, line: bytes, now: Instant) -> Iterator[Event]:
        for found in frames(line, checked=self._checked):
            if isinstance(found, Reject):
                yield from self._fault(found)
            else:
                yield from self._take(found, now)

    def _take(self, found: Frame, now: Instant) -> Iterator[Event]:
        sentence = take_apart(found)
        if isinstance(sentence, Reject):
            yield from self._fault(sentence)
            return
        proprietary = sentence.talker == "P"
        formatter = f"P{sentence.formatter}" if proprietary else sentence.formatter
        if formatter in self._plan and (not self._talkers or sentence.talker in self._talkers):
            yield from self._read(formatter, sentence, found.raw, now)

    def _read(self, formatter: str, sentence: Sentence, raw: bytes, now: Instant) -> Iterator[Event]:
        fields = Fields(sentence.fields, now.utc)
        if declared_invalid(formatter, fields):
            detail = f"{sentence.talker}{sentence.formatter} says its own values are not valid"
            yield Fault(self._device, "invalid", detail, raw)
            return
        values: dict[str, Value] = {}
        for wanted in self._plan[formatter]:
            if wanted.talker not in {"", sentence.talker}:
                continue
            try:
                value = wanted.read(fields)
            except FieldError as error:
                yield Fault(self._device, "value", f"{wanted.metric}: {error}", raw)
                continue
            if value is not None:
                values[wanted.metric] = value
        if values:
            yield self._reading(values, now)


def open_driver(device: Device, profile: Profile) -> Instrument:
    """A driver for one NMEA 0183 device. Raises ProfileError naming the metric and the remedy."""
    return Instrument(device, profile, plan_of(profile), settings_of(profile, Settings))
