"""How one device fares: its state, its counts, and what of its faults is worth a line in the log."""

from collections import Counter
from dataclasses import dataclass, field

import structlog

from broker.wire import DeviceStatus
from drivers.contract import Fault
from gateways.links.urls import shown
from telemetry import Device, Instant
from telemetry.secrets import shown_settings

LOG_EVERY = 60.0  # seconds between two log lines on the same fault of the same device
FAULTS_IN_A_ROW = 3
"""So many faults without a reading between them, and the device counts as faulty."""

log = structlog.get_logger()


@dataclass(slots=True)
class DeviceRecord:
    """One device of the gateway, however often its link is reopened.

    silence: seconds without a reading after which it counts as silent.
    """

    device: Device
    declared: str
    silence: float
    refusal: str = ""
    link_open: bool = False
    link_failure: str = ""
    bug: str = ""
    readings: int = 0
    faults: Counter[str] = field(default_factory=Counter[str])
    last_reading_at: int | None = None
    last_fault: str = ""
    _heard_at: float = 0.0
    _in_a_row: int = 0
    _logged: dict[str, tuple[float, int]] = field(default_factory=dict[str, tuple[float, int]])

    def link_opened(self, now: Instant) -> None:
        """Its link is open."""
        self.link_open, self.link_failure, self._heard_at = True, "", now.monotonic

    def link_failed(self, reason: str, now: Instant) -> None:
        """Its link could not be opened, or broke."""
        self.link_open, self.link_failure = False, reason
        self._count("link", reason, now)

    def read(self, number: int, observed_at: int, now: Instant) -> None:
        """So many readings came, the last observed at this UTC nanosecond."""
        self.readings += number
        self.last_reading_at, self._heard_at = observed_at, now.monotonic
        self.bug, self._in_a_row = "", 0

    def fault(self, fault: Fault, now: Instant) -> None:
        """The device or its wire did something wrong."""
        self._in_a_row += 1
        self._count(fault.reason, fault.detail, now, fault.frame)

    def failed(self, reason: str, now: Instant) -> None:
        """Its driver has a bug."""
        self.bug = reason
        self._count("bug", reason, now)

    def state(self, now: Instant) -> str:
        """`refused`, `faulty`, `connecting`, `silent` or `ok`."""
        if self.refusal:
            return "refused"
        if self.bug or self._in_a_row >= FAULTS_IN_A_ROW:
            return "faulty"
        if not self.link_open:
            return "connecting"
        if now.monotonic - self._heard_at > self.silence:
            return "silent"
        return "ok" if self.readings else "connecting"

    def condition(self, now: Instant) -> tuple[str, str]:
        """Its state, and a sentence where there is something to say of it."""
        state = self.state(now)
        if state == "faulty":
            return state, self.bug or self.last_fault
        if state == "connecting":
            return state, self.link_failure
        return state, self.refusal

    def status(self, now: Instant) -> DeviceStatus:
        """For the centre. The link is given without its password."""
        device = self.device
        state, detail = self.condition(now)
        return DeviceStatus(
            id=device.id,
            profile=device.profile,
            link=shown(device.link),
            declared=self.declared,
            name=device.name,
            every=device.every,
            unit_id=device.unit_id,
            state=state,
            detail=detail,
            readings=self.readings,
            faults=dict(self.faults),
            last_reading_at=self.last_reading_at,
            last_fault=self.last_fault,
            settings=shown_settings(device.settings),
        )

    def _count(self, reason: str, detail: str, now: Instant, frame: bytes = b"") -> None:
        self.faults[reason] += 1
        self.last_fault = detail
        logged_at, unsaid = self._logged.get(reason, (-LOG_EVERY, 0))
        if now.monotonic - logged_at < LOG_EVERY:
            self._logged[reason] = (logged_at, unsaid + 1)
            return
        self._logged[reason] = (now.monotonic, 0)
        log.warning(
            "device.fault",
            device=self.device.id,
            reason=reason,
            detail=detail,
            frame=frame[:64].hex(" "),
            unsaid=unsaid,
        )
