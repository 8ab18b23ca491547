"""How gateways fare, as points of the measurement `gateway`, so that boards can show it over time."""

from broker.wire import GatewayStatus
from stores.contract import Points
from telemetry import Value
from telemetry.times import NANOSECONDS

MEASUREMENT = "gateway"
FAULTY = frozenset({"faulty", "silent", "refused"})
"""The states of a device (broker/wire.py) that someone has to look at."""


def health_points(gateway: str, status: GatewayStatus, received_at: int) -> Points:
    """One point, at the centre's time (UTC nanoseconds), since a gateway's clock is one of the things told.

    Tags: gateway, site. Fields: online (1 or 0) and, while it is, backlog (batches), backlog_bytes,
    accepted and refused_total (readings since it started), clock_offset (seconds ahead of the centre, less
    what the message took; none where the status names no time), devices_ok, devices_faulty, alerts.
    """
    fields: dict[str, list[Value | None]] = {"online": [float(status.online)]}
    if status.online:
        # An offline status may be the will, which knows none of this.
        fields |= {name: [value] for name, value in _counts(status).items()}
        fields["clock_offset"] = [(status.clock - received_at) / NANOSECONDS if status.clock else None]
    return Points(MEASUREMENT, [received_at], {"gateway": [gateway], "site": [status.site]}, dict(fields))


def _counts(status: GatewayStatus) -> dict[str, float]:
    states = [device.state for device in status.devices]
    return {
        "backlog": float(status.backlog),
        "backlog_bytes": float(status.backlog_bytes),
        "accepted": float(status.accepted),
        "refused_total": float(sum(status.refused.values())),
        "devices_ok": float(states.count("ok")),
        "devices_faulty": float(sum(state in FAULTY for state in states)),
        "alerts": float(len(status.alerts)),
    }
