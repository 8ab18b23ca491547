"""A ship as the API shows it; what is not available is null."""

from collections.abc import Sequence

import msgspec

from telemetry import format_utc
from vessels.picture import Vessel


class Ship(msgspec.Struct, frozen=True):
    """sog in knots; cog and heading in degrees from north; draught, length and beam in metres.

    ship_type and nav_status: the codes of ITU-R M.1371. eta: `MM-DDThh:mmZ`. stations: who heard it,
    the latest first.
    """

    mmsi: int
    name: str | None
    call_sign: str | None
    imo: int | None
    ship_type: int | None
    class_: str | None = msgspec.field(name="class")
    lat: float | None
    lon: float | None
    sog: float | None
    cog: float | None
    heading: float | None
    nav_status: int | None
    destination: str | None
    eta: str | None
    draught: float | None
    length: float | None
    beam: float | None
    stations: Sequence[str]
    last_seen: str


def ship_of(vessel: Vessel) -> Ship:
    """The ship of a vessel in the picture."""
    return Ship(
        mmsi=vessel.mmsi,
        name=vessel.name,
        call_sign=vessel.call_sign,
        imo=vessel.imo,
        ship_type=vessel.ship_type,
        class_=vessel.ship_class,
        lat=vessel.lat,
        lon=vessel.lon,
        sog=vessel.sog,
        cog=vessel.cog,
        heading=vessel.heading,
        nav_status=vessel.nav_status,
        destination=vessel.destination,
        eta=vessel.eta,
        draught=vessel.draught,
        length=vessel.length,
        beam=vessel.beam,
        stations=vessel.stations,
        last_seen=format_utc(vessel.last_seen),
    )
