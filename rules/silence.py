"""One staleness rule at work: when each device was last heard, and which are silent."""

from collections.abc import Iterable, Iterator, Set

from rules.model import Rule, Silence
from rules.sentences import seconds
from telemetry import Clearing, Firing, Instant, Title


class SilenceWatch:
    """All times are the centre's monotonic ones, for a device's clock says nothing about its silence."""

    def __init__(self, rule: Rule, condition: Silence, first_due: float) -> None:
        """first_due: until then (monotonic seconds) a device that has yet to speak is not counted silent."""
        self.rule = rule
        self.condition = condition
        self.firing: set[str] = set()
        self._named = frozenset(condition.device or ())
        self._heard = dict.fromkeys(self._named, first_due)

    def hear(self, devices: Set[str], now: Instant) -> Iterator[Clearing]:
        """These devices spoke just now."""
        concerned = devices if self.condition.device is None else self._named & devices
        self._heard.update(dict.fromkeys(concerned, now.monotonic))
        for device in sorted(self.firing & devices):
            self.firing.discard(device)
            yield Clearing(self.rule.id, device, now.utc, 0.0)

    def tick(self, now: Instant) -> Iterator[Firing]:
        """The devices that have become silent by now."""
        limit = now.monotonic - self.condition.after
        for device, heard in self._heard.items():
            if heard < limit and device not in self.firing:
                self.firing.add(device)
                yield self._fire(device, now, now.monotonic - heard)

    def forgive(self, seconds: float) -> None:
        """So long nobody could be heard: it counts as no one's silence."""
        self._heard = {device: heard + seconds for device, heard in self._heard.items()}

    def watches(self, device: str) -> bool:
        """Whether the rule is about this device."""
        return self.condition.device is None or device in self._named

    def expect(self, devices: Iterable[str], first_due: float) -> None:
        """These devices exist; those of them never heard of are silent once `first_due` is long ago."""
        if self.condition.device is None:
            for device in devices:
                self._heard.setdefault(device, first_due)

    def keep(self, devices: set[str]) -> set[str]:
        """Forgets every other device the rule does not name. Returns those of them that were firing."""
        kept = devices | self._named
        gone = self.firing - kept
        self.firing -= gone
        self._heard = {device: heard for device, heard in self._heard.items() if device in kept}
        return gone

    def _fire(self, device: str, now: Instant, silent: float) -> Firing:
        after = seconds(self.condition.after)
        return Firing(
            rule_id=self.rule.id,
            device=device,
            at=now.utc,
            value=round(silent, 3),
            severity=self.rule.severity,
            title=self.rule.title,
            detail=Title(
                en=f"Nothing has come from {device} for more than {after.en}.",
                vi=f"Không nhận được dữ liệu từ {device} hơn {after.vi}.",
            ),
            notify=self.rule.notify,
        )
