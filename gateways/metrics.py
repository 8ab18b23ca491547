"""What Prometheus may ask of the gateways in this process; read when asked, nothing is counted twice."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from broker.wire import GatewayStatus

Snapshot = Callable[[], tuple[GatewayStatus, int]]
"""A gateway's status, and how many of its batches went out more than once."""


class _Gateways(Collector):
    def __init__(self) -> None:
        self.snapshots: dict[str, Snapshot] = {}

    def describe(self) -> Iterable[Metric]:
        return _families()

    def collect(self) -> Iterator[Metric]:
        families = _families()
        accepted, refused, backlog, backlog_bytes, resent, read, faults = families
        for gateway, snapshot in tuple(self.snapshots.items()):
            status, resent_batches = snapshot()
            accepted.add_metric([gateway], status.accepted)
            backlog.add_metric([gateway], status.backlog)
            backlog_bytes.add_metric([gateway], status.backlog_bytes)
            resent.add_metric([gateway], resent_batches)
            for reason, number in status.refused.items():
                refused.add_metric([gateway, reason], number)
            for device in status.devices:
                read.add_metric([gateway, device.id], device.readings)
                for reason, number in device.faults.items():
                    faults.add_metric([gateway, device.id, reason], number)
        yield from families


def _families() -> list[CounterMetricFamily | GaugeMetricFamily]:
    name = "haidang_gateway_"
    return [
        CounterMetricFamily(f"{name}accepted", "Readings on disk", labels=["gateway"]),
        CounterMetricFamily(f"{name}refused", "Readings not accepted", labels=["gateway", "reason"]),
        GaugeMetricFamily(f"{name}backlog_batches", "Batches without a receipt", labels=["gateway"]),
        GaugeMetricFamily(f"{name}backlog_bytes", "Their size", labels=["gateway"]),
        CounterMetricFamily(f"{name}resent_batches", "Batches sent more than once", labels=["gateway"]),
        CounterMetricFamily(f"{name}device_readings", "Readings of a device", labels=["gateway", "device"]),
        CounterMetricFamily(
            f"{name}device_faults", "Faults of a device", labels=["gateway", "device", "reason"]
        ),
    ]


_GATEWAYS = _Gateways()
REGISTRY.register(_GATEWAYS)


@contextmanager
def exposed(gateway: str, snapshot: Snapshot) -> Generator[None]:
    """This gateway's figures are there to be asked for while the block runs."""
    _GATEWAYS.snapshots[gateway] = snapshot
    try:
        yield
    finally:
        del _GATEWAYS.snapshots[gateway]
