"""What drivers that listen to lines have in common: AIS receivers and NMEA 0183 instruments."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from drivers.contract import Event, Fault, Listener
from drivers.lines import LineSplitter
from drivers.nmea.sentences import Reject
from drivers.stamps import Stamps
from telemetry import Device, Instant, Profile, Reading, Value


class LineListener(Listener, ABC):
    """Cuts what comes into lines, and gives each to `_read_line`. A line too long to be kept is `overlong`.

    The first line after the link was opened may be joined in its middle, which is nobody's fault.
    """

    def __init__(self, device: Device, profile: Profile) -> None:
        self._device = device.id
        self._kind = profile.kind
        self._lines = LineSplitter()
        self._stamps = Stamps()
        self._joining = False

    def connected(self, now: Instant) -> Sequence[Event]:
        """Forgets the unfinished line."""
        self._lines.clear()
        self._joining = True
        return ()

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        """Sentences completed by `chunk`; a whole message (a datagram) also ends its last line."""
        events: list[Event] = []
        for line in self._lines.feed(chunk + b"\n" if origin else chunk):
            events.extend(self._read_line(line, now))
            self._joining = False
        for head in self._lines.dropped:
            detail = f"a line of more than {self._lines.limit} bytes was dropped; this is its beginning"
            events.append(Fault(self._device, "overlong", detail, head))
        return events

    @abstractmethod
    def _read_line(self, line: bytes, now: Instant) -> Sequence[Event] | Iterator[Event]:
        """What a whole line says."""

    def _fault(self, reject: Reject) -> Sequence[Fault]:
        """The fault of bytes that are no sentence; none while the line may have been joined in its middle."""
        return () if self._joining else (Fault(self._device, reject.reason, reject.detail, reject.raw),)

    def _reading(self, values: dict[str, Value], now: Instant) -> Reading:
        return Reading(self._device, self._kind, self._stamps.next(now.utc), values)
