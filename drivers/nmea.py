"""NMEA 0183 instruments (IEC 61162-1): weather, wind, depth, heading, current, position and clock.

The profile says which values of which sentences become its metrics: see `nmea_plan.Read` for its words
and `nmea_values.TABLE` for the values there are. Sentences that the profile does not name pass silently.
A sentence by which the instrument calls its own values invalid (status V, mode N, GGA quality 0) yields
a Fault and no reading, so that nothing computes with it and a rule on staleness notices.
"""

from collections.abc import Iterator, Sequence

from drivers.contract import Event, Fault, Listener
from drivers.lines import LineSplitter
from drivers.nmea_fields import FieldError, Fields
from drivers.nmea_plan import Plan, Settings, plan_of
from drivers.nmea_sentences import Frame, Reject, Sentence, frames, take_apart
from drivers.nmea_values import declared_invalid
from drivers.stamps import Stamps
from drivers.words import settings_of
from telemetry import Device, Instant, Profile, Reading


class Instrument(Listener):
    """Listens to one talker or to a whole NMEA bus. All values of one sentence are one Reading.

    Faults, by reason: those of `nmea_sentences.Reject`, `overlong`, `value` (a field that is no such
    value; the sentence's other values are read), `invalid` (declared so by the instrument).
    """

    def __init__(self, device: Device, profile: Profile, plan: Plan, *, checked: bool) -> None:
        self._device = device.id
        self._kind = profile.kind
        self._plan = plan
        self._checked = checked
        self._lines = LineSplitter()
        self._stamps = Stamps()
        self._joining = False

    def connected(self, now: Instant) -> None:
        """Forgets the unfinished line. The next may be joined in its middle, which is nobody's fault."""
        self._lines.clear()
        self._joining = True

    def receive(self, data: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        """Sentences completed by `data`; a whole message (a datagram) also ends its last line."""
        events: list[Event] = []
        for line in self._lines.feed(data + b"\n" if origin else data):
            for found in frames(line, checked=self._checked):
                if not (self._joining and isinstance(found, Reject)):
                    events.extend(self._take(found, now))
            self._joining = False
        for head in self._lines.dropped:
            detail = f"a line of more than {self._lines.limit} bytes was dropped; this is its beginning"
            events.append(Fault(self._device, "overlong", detail, head))
        return events

    def _take(self, found: Frame | Reject, now: Instant) -> Iterator[Event]:
        sentence = found if isinstance(found, Reject) else take_apart(found)
        if isinstance(sentence, Reject):
            yield Fault(self._device, sentence.reason, sentence.detail, sentence.raw)
        elif sentence.formatter in self._plan:
            yield from self._read(sentence, found.raw, now)

    def _read(self, sentence: Sentence, raw: bytes, now: Instant) -> Iterator[Event]:
        fields = Fields(sentence.fields, now.utc)
        if declared_invalid(sentence.formatter, fields):
            detail = f"{sentence.talker}{sentence.formatter} says its own values are not valid"
            yield Fault(self._device, "invalid", detail, raw)
            return
        values: dict[str, float] = {}
        for wanted in self._plan[sentence.formatter]:
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
            yield Reading(self._device, self._kind, self._stamps.next(now.utc), values)


def open_driver(device: Device, profile: Profile) -> Instrument:
    """A driver for one NMEA 0183 device. Raises ProfileError naming the metric and the remedy."""
    settings = settings_of(profile, Settings)
    return Instrument(device, profile, plan_of(profile), checked=settings.checksum == "required")
