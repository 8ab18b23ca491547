"""What the API takes and shows of gateways."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from api.answers import encode
from api.current import Heard, Item, Topic
from api.shapes import Declared, Given, Shown, time_or_none
from broker.wire import DeviceStatus
from telemetry.devices import Identifier
from telemetry.times import NANOSECONDS

Name = Field(default="", max_length=200, description="For people.", examples=["Bến Đình Vũ"])
Site = Field(default="", max_length=200, description="Where it stands.", examples=["VNHPH"])


class NewGateway(Given):
    """A gateway to be."""

    id: Identifier = Field(examples=["dinh-vu"])
    name: str = Name
    site: str = Site


class GatewayChange(Given):
    """What is given is changed."""

    name: str | None = Field(default=None, max_length=200)
    site: str | None = Field(default=None, max_length=200)


class Versions(Shown):
    """The configuration the API wants the gateway to have, and the one it says it has applied."""

    wanted: int
    applied: int | None


class DeviceState(Shown):
    """How a gateway says that a device fares; counts are since the gateway started."""

    id: str
    state: str = Field(description="connecting, ok, silent, faulty, refused; unknown without its gateway.")
    detail: str
    readings: int
    faults: Mapping[str, int] = Field(description="Faults by reason.")
    last_reading_at: str | None
    last_fault: str


class ReportedGateway(Shown):
    """What a gateway says of itself.

    online: null for one never heard. backlog: batches and bytes that wait for their receipt.
    refused: readings not accepted, by reason. alerts: what is wrong with it, a sentence by a fixed word.
    clock_skew: seconds its clock is ahead of the centre's.
    last_status_at: when it last said so; null when only the broker remembers.
    """

    id: str
    online: bool | None
    version: str
    backlog: int
    backlog_bytes: int
    accepted: int
    refused: Mapping[str, int]
    alerts: Mapping[str, str]
    clock_skew: float | None
    last_status_at: str | None


class LiveGateway(ReportedGateway):
    """A gateway in the live stream, with the state of its devices."""

    devices: list[DeviceState]


class Gateway(ReportedGateway):
    """A gateway. Times are null for one that only reports itself."""

    name: str
    site: str
    declared: Declared
    configuration: Versions
    created_at: str | None
    changed_at: str | None


def reported(gateway: str, heard: Heard | None) -> ReportedGateway:
    """What a gateway says of itself, with empty values for one never heard."""
    if heard is None:
        return ReportedGateway(
            id=gateway,
            online=None,
            version="",
            backlog=0,
            backlog_bytes=0,
            accepted=0,
            refused={},
            alerts={},
            clock_skew=None,
            last_status_at=None,
        )
    status = heard.status
    return ReportedGateway(
        id=gateway,
        online=status.online,
        version=status.version,
        backlog=status.backlog,
        backlog_bytes=status.backlog_bytes,
        accepted=status.accepted,
        refused=status.refused,
        alerts=status.alerts,
        clock_skew=_skew(heard),
        last_status_at=time_or_none(heard.at),
    )


def device_state(status: DeviceStatus | None, device: str, *, online: bool) -> DeviceState:
    """How a device fares; its state is unknown while its gateway is away."""
    return DeviceState.model_validate(_state_fields(status, device, online=online))


def reported_item(gateway: str, heard: Heard) -> Item:
    """The gateway in the live stream: a LiveGateway, written by msgspec since devices may be thousands."""
    status = heard.status
    devices = [_state_fields(device, device.id, online=status.online) for device in status.devices]
    return Item(Topic.GATEWAYS, gateway, encode(dict(reported(gateway, heard)) | {"devices": devices}))


def _state_fields(status: DeviceStatus | None, device: str, *, online: bool) -> dict[str, Any]:
    said = status or DeviceStatus(id=device, profile="", link="", declared="", state="unknown")
    return {
        "id": device,
        "state": said.state if online else "unknown",
        "detail": said.detail,
        "readings": said.readings,
        "faults": said.faults,
        "last_reading_at": time_or_none(said.last_reading_at),
        "last_fault": said.last_fault,
    }


def _skew(heard: Heard) -> float | None:
    if heard.at is None or not heard.status.online or not heard.status.clock:
        return None
    return round((heard.status.clock - heard.at) / NANOSECONDS, 3)
