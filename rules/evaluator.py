"""All rules on the stream: readings and ticks in, firings and clearings out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from rules.model import Rule, Stale
from rules.silence import SilenceWatch
from rules.thresholds import ThresholdWatch
from telemetry import Change, Clearing, Firing, Instant, Quality, Reading


class Evaluator:
    """For each rule and device a firing and its clearing alternate; nothing fires twice in a row.

    What it returns is returned once: the caller records it before it lets go of the readings, and
    after a restart gives what still fires to `restore`. A duration that had begun then begins anew.
    """

    def __init__(self, rules: Iterable[Rule], now: Instant, grace: float = 60.0) -> None:
        """grace: seconds after the start in which nobody is silent who has yet to connect."""
        self._grace = grace
        self._thresholds: list[ThresholdWatch] = []
        self._silences: list[SilenceWatch] = []
        self._by_kind: dict[str, list[ThresholdWatch]] = defaultdict(list)
        self._by_device: dict[tuple[str, str], list[ThresholdWatch]] = defaultdict(list)
        self._kinds: set[str] = set()
        for rule in rules:
            self._add(rule, now)

    def evaluate(self, readings: Sequence[Reading], now: Instant) -> Sequence[Change]:
        """What these readings change, in their order. Readings of bad quality prove only that the
        device is there. `now` is when they arrived.
        """
        changes: list[Change] = []
        kinds = self._kinds
        for reading in readings:
            if reading.kind in kinds and reading.quality is not Quality.BAD:
                changes += self._evaluate(reading)
        if self._silences:
            devices = {reading.device for reading in readings}
            for silence in self._silences:
                changes += silence.hear(devices, now)
        return changes

    def tick(self, now: Instant) -> Sequence[Change]:
        """What time alone changes; call it about once a second."""
        return [firing for silence in self._silences for firing in silence.tick(now)]

    def forgive(self, seconds: float) -> None:
        """For so long the centre itself was deaf, its store or its broker away: that is no device's
        silence. Call it instead of `tick` then, with the time since the last call of either.
        """
        for silence in self._silences:
            silence.forgive(seconds)

    def expect(self, devices: Iterable[str], now: Instant) -> Sequence[Clearing]:
        """The devices there are, from now on: rules for `"*"` expect to hear them, others are forgotten.

        Clears what fires for a device that is gone.
        """
        known = set(devices)
        changes: list[Clearing] = []
        for watch in self._watches():
            changes += [Clearing(watch.rule.id, gone, now.utc, None) for gone in sorted(watch.keep(known))]
        for silence in self._silences:
            silence.expect(known, now.monotonic + self._grace)
        return changes

    def restore(self, firings: Iterable[Firing], now: Instant) -> Sequence[Clearing]:
        """Goes on from what fired when the last evaluator ended. Clears what no rule watches any more."""
        watches = {watch.rule.id: watch for watch in self._watches()}
        orphans: list[Clearing] = []
        for firing in firings:
            watch = watches.get(firing.rule_id)
            if watch is not None and watch.watches(firing.device):
                watch.firing.add(firing.device)
            else:
                orphans.append(Clearing(firing.rule_id, firing.device, now.utc, None))
        return orphans

    def _watches(self) -> Iterator[ThresholdWatch | SilenceWatch]:
        yield from self._thresholds
        yield from self._silences

    def _evaluate(self, reading: Reading) -> Iterator[Change]:
        named = self._by_device.get((reading.kind, reading.device), ())
        for watch in (*self._by_kind.get(reading.kind, ()), *named):
            change = watch.evaluate(reading)
            if change is not None:
                yield change

    def _add(self, rule: Rule, now: Instant) -> None:
        condition = rule.when
        if isinstance(condition, Stale):
            self._silences.append(SilenceWatch(rule, condition.stale, now.monotonic + self._grace))
            return
        watch = ThresholdWatch(rule, condition)
        self._thresholds.append(watch)
        self._kinds.add(condition.kind)
        if condition.device is None:
            self._by_kind[condition.kind].append(watch)
        for device in set(condition.device or ()):
            self._by_device[condition.kind, device].append(watch)
