"""`haidang scan onvif`: the cameras that answer on the local network, with what to do next."""

from rich.console import Console

from drivers.onvif.discovery import GROUP, PORT
from gateways.onvif.discovery import Found, watch_cameras

PROFILE = "onvif-camera"


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
    called = " ".join(filter(None, (camera.name, camera.hardware))) or "a camera"
    out.print(f"{camera.address}: {called}", soft_wrap=True)
    link = camera.link.replace("://", "://USER:PASSWORD@", 1)
    out.print(f"  see it:  haidang read '{link}' --profile {PROFILE}", soft_wrap=True)
    out.print(f"  add it:  haidang add NAME --link '{link}' --profile {PROFILE}", soft_wrap=True)
