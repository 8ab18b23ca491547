"""One threshold rule at work: which devices are beyond their limit, and since when."""

from rules.model import Rule, Threshold, number
from rules.sentences import decimal, seconds
from telemetry import Change, Clearing, Firing, Reading, Title
from telemetry.times import NANOSECONDS


class ThresholdWatch:
    """Durations count in the readings' own time. A reading that lies before the first one of a run of
    readings beyond the limit (its clock was set back) begins the run anew.
    """

    def __init__(self, rule: Rule, condition: Threshold) -> None:
        self.rule = rule
        self.condition = condition
        self.firing: set[str] = set()
        self._since: dict[str, int] = {}
        self._holds = round((condition.holds or 0.0) * NANOSECONDS)

    def evaluate(self, reading: Reading) -> Change | None:
        """What this reading changes."""
        value = number(reading.values.get(self.condition.metric))
        if value is None:
            return None
        if reading.device in self.firing:
            return self._clear(reading, value)
        if not self.condition.breaks(value):
            self._since.pop(reading.device, None)
            return None
        since = min(self._since.get(reading.device, reading.observed_at), reading.observed_at)
        if reading.observed_at - since < self._holds:
            self._since[reading.device] = since
            return None
        return self._fire(reading, value)

    def watches(self, device: str) -> bool:
        """Whether the rule is about this device."""
        return self.condition.device is None or device in self.condition.device

    def keep(self, devices: set[str]) -> set[str]:
        """Forgets every other device. Returns those of them that were firing."""
        gone = self.firing - devices
        self.firing -= gone
        self._since = {device: since for device, since in self._since.items() if device in devices}
        return gone

    def _fire(self, reading: Reading, value: float) -> Firing:
        self._since.pop(reading.device, None)
        self.firing.add(reading.device)
        return Firing(
            rule_id=self.rule.id,
            device=reading.device,
            at=reading.observed_at,
            value=value,
            severity=self.rule.severity,
            title=self.rule.title,
            detail=self._sentence(reading.device, value),
            notify=self.rule.notify,
        )

    def _clear(self, reading: Reading, value: float) -> Clearing | None:
        if not self.condition.clears(value):
            return None
        self.firing.discard(reading.device)
        return Clearing(self.rule.id, reading.device, reading.observed_at, value)

    def _sentence(self, device: str, value: float) -> Title:
        condition = self.condition
        limit = condition.above if condition.above is not None else condition.below
        side = ("above", "cao hơn") if condition.above is not None else ("below", "thấp hơn")
        is_, limit_is = decimal(value), decimal(limit or 0.0)
        lasting = seconds(condition.holds) if condition.holds else None
        return Title(
            en=f"{condition.metric} of {device} is {is_.en}, {side[0]} {limit_is.en}"
            + (f" for {lasting.en}." if lasting else "."),
            vi=f"{condition.metric} của {device} là {is_.vi}, {side[1]} {limit_is.vi}"
            + (f" trong {lasting.vi}." if lasting else "."),
        )
