"""What of a gateway's status is worth telling now: all of it, what changed, or nothing. No I/O.

A status with thousands of devices costs wire and both ends' time, so it is told less often; in between only
the devices whose state changed are told.
"""

from typing import Any

import msgspec

from broker.wire import DeviceStatus, GatewayStatus

SAY_EVERY = 10.0  # seconds
ALL_AT_ONCE = 500
"""Up to so many devices, a status has all of them; beyond, it has all so many times less often."""

_State = tuple[str, str]


class Telling:
    """Remembers what was told last. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._rest: tuple[Any, ...] = ()
        self._states: dict[str, _State] = {}
        self._told_at = self._told_all_at = float("-inf")

    def next(self, status: GatewayStatus, now: float) -> GatewayStatus | None:
        """What to tell of this status; None while nothing is new and nobody waits."""
        states = {device.id: (device.state, device.detail) for device in status.devices}
        rest = (status.online, status.configuration, tuple(status.refused), tuple(status.alerts.items()))
        changed = [device for device in status.devices if self._is_news(device)]
        overdue = now - self._told_at >= SAY_EVERY
        if rest == self._rest and not changed and not overdue and states.keys() == self._states.keys():
            return None
        whole = rest != self._rest or states.keys() != self._states.keys() or self._is_due(status, now)
        self._rest, self._states, self._told_at = rest, states, now
        if not whole:
            return msgspec.structs.replace(status, devices=changed, partial=True)
        self._told_all_at = now
        return status

    def _is_news(self, device: DeviceStatus) -> bool:
        return self._states.get(device.id) != (device.state, device.detail)

    def _is_due(self, status: GatewayStatus, now: float) -> bool:
        number = len(status.devices)
        return number <= ALL_AT_ONCE or now - self._told_all_at >= SAY_EVERY * number / ALL_AT_ONCE
