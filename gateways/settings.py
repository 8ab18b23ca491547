"""What a gateway is told when it starts."""

from dataclasses import dataclass
from pathlib import Path

from broker.session import BrokerAddress
from telemetry import Device

OUTBOX_LIMIT = 2 << 30  # bytes


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """One gateway: who it is, what it reads, where it keeps what waits, and its broker.

    devices: those of the configuration file; others may be pushed to it later.
    folder: holds the outbox and the dead-letter file; made when missing, for its owner only.
    outbox_limit: bytes of sealed batches that may wait; beyond it the newest readings are refused.
    """

    id: str
    site: str
    devices: tuple[Device, ...]
    folder: Path
    broker: BrokerAddress
    outbox_limit: int = OUTBOX_LIMIT
    version: str = ""
