"""Instruments that speak lines of text, described in their profile by regular expressions.

Each line is held against the profile's patterns; named groups become metrics, and all values of one line
are one Reading. An instrument that speaks only when asked is asked on a fixed grid, one line after another,
on a line that others may share. See `Settings` and `Read` in drivers/ascii_line/plan.py for the words.

A pattern has a time limit for each line (5 ms of processor time unless the profile says otherwise): a line
of a few dozen characters takes a thousandth of it, and a pattern that backtracks without end would hold up
every device of the gateway. One that runs out of time three times in a row rests for a minute.
"""

from collections.abc import Iterator, Sequence

from drivers.ascii_line.plan import LONGEST_LINE, LineError, LinePattern, Plan, Read, Settings, plan_of
from drivers.contract import Event, Fault
from drivers.lines import LineSplitter
from drivers.polling import Asker
from drivers.schemes import HEARD
from drivers.stamps import Stamps
from drivers.timed_patterns import Groups, SlowPatternError
from drivers.words import Vocabulary, settings_of
from telemetry import Device, Instant, Profile, Reading, Value

VOCABULARY = Vocabulary(Settings, Read)
LINKS = HEARD
_EVIDENCE = 256


class LineInstrument(Asker):
    """One instrument that speaks lines.

    Faults, by reason: `overlong`, `unmatched` (no pattern fits the line), `checksum`, `value` (a group that
    is no such value; the line's others are read), `slow_pattern`, `timeout` (no answer to a question).
    """

    def __init__(self, device: Device, profile: Profile, plan: Plan) -> None:
        super().__init__(device, profile, plan.ask, plan.settings.timeout)
        self._plan = plan
        self._lines = LineSplitter(LONGEST_LINE, end=plan.settings.line_end.encode("latin-1", "replace"))
        self._stamps = Stamps()
        self._joining = False
        self._answers = 0

    def _forget(self, *, joining: bool) -> None:
        self._lines.clear()
        self._joining, self._answers = joining, 0

    def _read(self, chunk: bytes, now: Instant, *, whole: bool) -> Sequence[Event]:
        events: list[Event] = []
        for line in self._lines.feed(chunk + (self._lines.end or b"\n") if whole else chunk):
            if self._expects:
                events.extend(self._read_line(line, now))
            self._joining = False
        for head in self._lines.dropped:
            detail = f"a line of more than {LONGEST_LINE} bytes was dropped; this is its beginning"
            events.append(Fault(self._device, "overlong", detail, head))
        return events

    def _read_line(self, line: bytes, now: Instant) -> Iterator[Event]:
        text = line.decode("latin-1")
        slow = any(one.pattern.rests(now) for one in self._plan.patterns)
        for pattern in self._plan.patterns:
            try:
                groups = pattern.pattern.match(text, now)
            except SlowPatternError as error:
                slow = True
                if not error.told:
                    yield Fault(self._device, "slow_pattern", str(error), line[:_EVIDENCE])
                continue
            if groups is not None:
                yield from self._matched(pattern, groups, line, now)
                return
        echo = self._ask.strip()
        if echo and line.startswith(echo):  # a two-wire adapter hears itself
            if rest := line.replace(echo, b"").strip():
                yield from self._read_line(rest, now)
        elif not slow and not self._joining and not self._ignored(text, now):
            detail = "no pattern of the profile fits this line; add one, or name it under ignore"
            yield Fault(self._device, "unmatched", detail, line[:_EVIDENCE])

    def _ignored(self, text: str, now: Instant) -> bool:
        try:
            return any(pattern.match(text, now) is not None for pattern in self._plan.ignore)
        except SlowPatternError:
            return True

    def _matched(self, pattern: LinePattern, groups: Groups, line: bytes, now: Instant) -> Iterator[Event]:
        checksum = self._plan.settings.checksum
        if checksum is not None and not checksum.is_right(groups):
            detail = "the line's checksum is not that of its text"
            yield Fault(self._device, "checksum", detail, line[:_EVIDENCE])
            return
        values: dict[str, Value] = {}
        for metric, take in pattern.takes.items():
            try:
                value = take(groups)
            except LineError as error:
                yield Fault(self._device, "value", f"{metric}: {error}", line[:_EVIDENCE])
                continue
            if value is not None:
                values[metric] = value
        if values:
            yield Reading(self._device, self._kind, self._stamps.next(now.utc), values)
        self._answers += 1
        if self._answers >= self._plan.settings.answers:
            self._answered()


def open_driver(device: Device, profile: Profile) -> LineInstrument:
    """A driver for one instrument. Raises ProfileError naming setting or metric, and the remedy."""
    return LineInstrument(device, profile, plan_of(device, profile, settings_of(profile, Settings)))
