"""A gateway's status as bytes: JSON, and above a size gzip of it (RFC 1952), which brokers carry easily.

Thousands of devices make megabytes of JSON, which compress to a tenth. JSON never begins with gzip's two
magic bytes, so a reader knows which it has.
"""

import zlib

import msgspec

from broker.wire import DeviceStatus, GatewayStatus, decode, encode
from telemetry import WireError

COMPRESSED_FROM = 64_000  # bytes of JSON
LARGEST_STATUS = 32 << 20
"""Bytes of JSON that a reader unpacks at most: what claims to be more is no status."""
Key = tuple[str, str, bool]
"""A device within a status: its id, who declared it, and whether it is refused. An id alone may stand there
twice: a device pushed to the gateway is refused when the gateway's own file has its id."""
Condition = tuple[str, str]
"""A device's state and detail."""
_MAGIC = b"\x1f\x8b"
_GZIP = 16 + zlib.MAX_WBITS
_LEVEL = 1  # the quickest: a poll must not wait for it


def encode_status(status: GatewayStatus) -> bytes:
    """The payload of a status."""
    return compressed(encode(status))


def compressed(payload: bytes) -> bytes:
    """The JSON as it is where it is short, else packed."""
    if len(payload) < COMPRESSED_FROM:
        return payload
    packer = zlib.compressobj(_LEVEL, wbits=_GZIP)
    return packer.compress(payload) + packer.flush()


def decode_status(payload: bytes) -> GatewayStatus:
    """The status in a payload, packed or not. Raises WireError, also for one that unpacks to too much."""
    return decode(_unpacked(payload) if payload.startswith(_MAGIC) else payload, GatewayStatus)


def _unpacked(payload: bytes) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        content = unpacker.decompress(payload, LARGEST_STATUS)
    except zlib.error as error:
        raise WireError(f"not a status: its gzip is damaged ({error})") from error
    if not unpacker.eof:
        limit = f"{LARGEST_STATUS >> 20} MiB"
        raise WireError(f"not a status: its gzip is cut short, or unpacks to more than {limit}")
    return content


def key_of(device: DeviceStatus) -> Key:
    """What tells it from the others of its status."""
    return device.id, device.declared, device.state == "refused"


def merged(before: GatewayStatus | None, status: GatewayStatus) -> GatewayStatus:
    """What a gateway said, completed by what it said before where that still holds.

    A partial status names the devices that changed, and the will none; the others are as they were.
    """
    if before is None or not (status.partial or (not status.online and not status.devices)):
        return status
    devices = {key_of(device): device for device in before.devices}
    devices.update((key_of(device), device) for device in status.devices)
    return msgspec.structs.replace(status, devices=tuple(devices.values()))
