"""`haidang scan onvif`: the cameras that answer on the local network, with what to do next."""

from rich.console import Console

from drivers.onvif.discovery import GROUP, PORT
from gateways.onvif.discovery import Found, watch_cameras
from haidang.discovery.values import harmless

ANY = "onvif-camera"
MAKERS = {maker: f"onvif-{maker}" for maker in ("hikvision", "dahua", "axis")}
"""A maker's name in what a camera says of itself → the model that knows its events."""
LONGEST = 60  # characters of a name


async def scan_cameras(
    seconds: float, interface: str, out: Console, group: tuple[str, int] = (GROUP, PORT)
) -> int:
    """Prints each camera as it answers; how many did. Raises LinkError."""
    count = 0
    async for camera in watch_cameras(seconds, interface, group):
        count += 1
        _tell(camera, out)
    if not count:
        out.print(
            f"no camera answered within {seconds:g} s: is ONVIF switched on in the camera, and is it on this "
            "network? --interface names the network card that leads to it"
        )
    return count


def _tell(camera: Found, out: Console) -> None:
    out.print(f"{camera.address}: {_called(camera)}", soft_wrap=True)
    link = camera.link.replace("://", "://USER:PASSWORD@", 1)
    said = " ".join((camera.name, camera.hardware, *camera.scopes)).lower()
    profile = next((model for maker, model in MAKERS.items() if maker in said), ANY)
    out.print(f"  see it:  haidang read '{link}' --profile {profile}", soft_wrap=True)
    out.print(f"  add it:  haidang add NAME --link '{link}' --profile {profile}", soft_wrap=True)


def _called(camera: Found) -> str:
    """As it calls itself, without what could steer a terminal: anybody on the network may answer."""
    words = " ".join(filter(None, (camera.name, camera.hardware)))
    return harmless(words)[:LONGEST] or "a camera"
