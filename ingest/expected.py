"""Which devices there are, from what the gateways say: rules for silence need to know whom to expect."""

from collections.abc import Iterable

from broker.wire import GatewayStatus


class ExpectedDevices:
    """Grows with what gateways list. A device goes only when the gateway that listed it, online, no
    longer does, or is removed; one that vanished takes none with it, since their silence is what matters.
    """

    def __init__(self, firing: Iterable[str]) -> None:
        """firing: devices with an open incident, which a restart must not forget."""
        self.ids = set(firing)
        self._by_gateway: dict[str, set[str]] = {}

    def learn(self, gateway: str, status: GatewayStatus) -> bool:
        """Takes a gateway's status; returns whether the devices changed."""
        if not status.online:
            return False
        return self._list(gateway, {device.id for device in status.devices})

    def forget(self, gateway: str) -> bool:
        """The gateway's retained status was removed: it is no more. Returns whether the devices changed."""
        changed = self._list(gateway, set())
        del self._by_gateway[gateway]
        return changed

    def _list(self, gateway: str, listed: set[str]) -> bool:
        gone = self._by_gateway.get(gateway, set()) - listed
        self._by_gateway[gateway] = listed
        known = (self.ids - gone).union(*self._by_gateway.values())
        changed = known != self.ids
        self.ids = known
        return changed
