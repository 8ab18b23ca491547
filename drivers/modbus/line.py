"""How Modbus travels on a device's link: its framing, and the silence between frames."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from drivers.modbus.replies import Framing
from drivers.schemes import check_link
from telemetry import Device, ProfileError

_FRAMINGS: Mapping[str, Framing] = {
    "tcp": "tcp",
    "tcp-listen": "tcp",
    "udp": "tcp",
    "udp-listen": "tcp",
    "serial": "rtu",
    "rfc2217": "rtu",
}
"""Link → the framing it has unless `?framing=` says otherwise."""
LINKS = tuple(_FRAMINGS)
_NAMES: Mapping[str, Framing] = {"rtu": "rtu", "tcp": "tcp", "ascii": "ascii"}
_BITS = 11
"""Of a character in RTU: start, eight data, parity, stop; two stop bits without parity."""
_SHORTEST_GAP = 0.00175


@dataclass(frozen=True, slots=True)
class Line:
    """gap: seconds of silence between two frames; 0 where frames mark their own ends."""

    framing: Framing
    gap: float

    @property
    def serial(self) -> bool:
        """Whether replies carry no transaction identifier, so that a late one looks like any other."""
        return self.framing != "tcp"


def line_of(device: Device, gap: float | None = None) -> Line:
    """What the device's link says. gap: the profile's own. Raises ProfileError where Modbus cannot run."""
    try:
        parts = urlsplit(device.link)
    except ValueError as error:
        raise ProfileError(f"device {device.id}: its link is not a URL: {error}") from error
    check_link(device, "modbus", LINKS)
    query = parse_qs(parts.query)
    asked = query.get("framing", [""])[0]
    framing = _NAMES.get(asked) if asked else _FRAMINGS[parts.scheme]
    if framing is None:
        raise ProfileError(
            f"device {device.id}: Modbus has no framing {asked!r}: use tcp://host:502, "
            "serial:///dev/ttyUSB0?baudrate=9600 or, through a converter, tcp://host:port?framing=rtu "
            "(framing is rtu, tcp or ascii)"
        )
    if framing != "rtu":
        return Line(framing, 0.0)
    return Line(framing, frame_gap(query.get("baudrate", ["9600"])[0]) if gap is None else gap)


def frame_gap(baudrate: str) -> float:
    """3.5 characters of 11 bits, and 1.75 ms above 19200 baud (Serial Line V1.02 §2.5.1.1)."""
    bauds = int(baudrate) if baudrate.isdecimal() and int(baudrate) else 9600
    return _SHORTEST_GAP if bauds > 19200 else 3.5 * _BITS / bauds
