"""The topics of the MQTT road. Layout version 1 (docs/wire.md)."""

from telemetry.devices import check_identifier

ROOT = "haidang/1"
ALL_BATCHES = f"{ROOT}/gw/+/data"
ALL_STATUSES = f"{ROOT}/gw/+/status"
ALL_REPLIES = f"{ROOT}/gw/+/reply"
LIVE_READINGS = f"{ROOT}/live/readings"
LIVE_VESSELS = f"{ROOT}/live/vessels"
LIVE_INCIDENTS = f"{ROOT}/live/incidents"


def batches(gateway: str) -> str:
    """Where a gateway publishes its batches of readings."""
    return f"{ROOT}/gw/{gateway}/data"


def receipts(gateway: str) -> str:
    """Where the centre tells a gateway how far its batches are stored."""
    return f"{ROOT}/gw/{gateway}/receipt"


def status(gateway: str) -> str:
    """Where a gateway's retained status stands, and its will."""
    return f"{ROOT}/gw/{gateway}/status"


def configuration(gateway: str) -> str:
    """Where the retained configuration that the centre wants of a gateway stands."""
    return f"{ROOT}/gw/{gateway}/config"


def commands(gateway: str) -> str:
    """Where the centre tells a gateway what its devices are to do."""
    return f"{ROOT}/gw/{gateway}/command"


def replies(gateway: str) -> str:
    """Where a gateway says how each command ended."""
    return f"{ROOT}/gw/{gateway}/reply"


def gateway_of(topic: str) -> str:
    """The gateway a topic below `haidang/1/gw/` belongs to. Raises ValueError for any other topic."""
    parts = topic.split("/")
    if len(parts) != 5 or not topic.startswith(f"{ROOT}/gw/"):
        raise ValueError(f"{topic!r} is not a gateway's topic")
    return check_identifier(parts[3])
