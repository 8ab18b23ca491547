"""The links that drivers speak over, by the beginning of their URLs (docs/links.md).

Each protocol's module names its own as LINKS, the most usual first.
"""

from collections.abc import Mapping, Sequence

from telemetry import Device, ProfileError

PIPES = ("tcp", "serial", "udp", "tcp-listen", "udp-listen", "rfc2217")
"""Bytes, both ways."""
MQTT = ("mqtt", "mqtts")
ONVIF = ("onvif", "onvifs")
HEARD = (*PIPES, "file", *MQTT)
"""Where something that speaks by itself can be heard."""

EXAMPLES: Mapping[str, str] = {
    "tcp": "tcp://192.168.1.20:502",
    "serial": "serial:///dev/ttyUSB0?baudrate=9600",
    "udp": "udp://192.168.1.20:52381",
    "mqtt": "mqtt:site/device/#",
    "onvif": "onvif://192.168.1.20/",
}
"""How the usual ones are written."""


def check_link(device: Device, driver: str, links: Sequence[str]) -> None:
    """Raises ProfileError where the device's link is none of those that its driver speaks over."""
    scheme = device.link.partition(":")[0]
    if scheme not in links:
        raise ProfileError(
            f"device {device.id}: {driver} does not run over {scheme[:20]}: write its link like "
            f"{EXAMPLES[links[0]]}, or begin it with one of {', '.join(f'{link}:' for link in links)}"
        )
