"""The AIS messages of the traffic picture, each class the table of its own bits.

Source: ITU-R M.1371-5, annex 8, clause 3. The fields of a class stand in the order of the standard's
table, each annotated with the kind of bits it is (vessels/fields.py); `Spare` stands for the unused
bits in front of it, and what a layout's size leaves over behind the last field is spare too. From
these annotations vessels/layouts.py makes both the decoder and the encoder.

Positions are WGS-84 degrees, speeds knots, courses and headings degrees, lengths metres. None is
what a message says is not available, or says with a value the standard leaves undefined.
"""

from math import sqrt
from typing import Annotated, Literal, NamedTuple

from vessels.fields import Flag, Number, Spare, Text

Type = Annotated[int, Number(6, least=1, most=27)]
Repeat = Annotated[int, Number(2)]
Mmsi = Annotated[int, Number(30)]
NavStatus = Annotated[int, Number(4)]
"""Navigational status 0–15, see vessels/names.py; 15 is "undefined"."""
Turn = Annotated[int | None, Number(8, signed=True, absent=-128)]
Knots = Annotated[float | None, Number(10, per=10, most=1022, absent=1023)]
Longitude = Annotated[
    float | None,
    Number(28, per=600_000, signed=True, least=-108_000_000, most=108_000_000, absent=108_600_000),
]
Latitude = Annotated[
    float | None, Number(27, per=600_000, signed=True, least=-54_000_000, most=54_000_000, absent=54_600_000)
]
Course = Annotated[float | None, Number(12, per=10, most=3599, absent=3600)]
Heading = Annotated[int | None, Number(9, most=359, absent=511)]
Second = Annotated[int | None, Number(6, absent=60)]
"""UTC second of the fix; 61 manual input, 62 dead reckoning, 63 position system inoperative."""
Bit = Annotated[bool, Flag()]
Dte = Annotated[int, Number(1)]
"""Data terminal equipment: 0 ready, 1 not available."""
Epfd = Annotated[int, Number(4)]
"""Position fixing device: 0 undefined, 1 GPS, 2 GLONASS, 3 both … 15 internal GNSS."""
ShipType = Annotated[int | None, Number(8, least=1, absent=0)]
Long = Annotated[int, Number(9)]
Short = Annotated[int, Number(6)]
Month = Annotated[int | None, Number(4, least=1, most=12, absent=0)]
Day = Annotated[int | None, Number(5, least=1, most=31, absent=0)]
Hour = Annotated[int | None, Number(5, most=23, absent=24)]
Minute = Annotated[int | None, Number(6, most=59, absent=60)]
CallSign = Annotated[str | None, Text(7)]
Name = Annotated[str | None, Text(20)]
State = Annotated[int, Number(19)]
"""The communication state of the radio slot, as it is."""
SelectedState = Annotated[int, Number(20)]
"""The same behind its selector bit (0 SOTDMA, 1 ITDMA)."""

CARRIER_SENSE_STATE = 0xE0006
"""What a class B "CS" unit, which keeps no slots, sends in place of a communication state."""
_TURN_FACTOR = 4.733


def turn_indicator(rate: float | None) -> int | None:
    """ROT_AIS of a rate of turn in degrees a minute, positive to starboard (M.1371-5, table 48)."""
    if rate is None:
        return None
    indicator = min(126, round(_TURN_FACTOR * sqrt(abs(rate))))
    return indicator if rate >= 0 else -indicator


class PositionReport(NamedTuple):
    """Types 1, 2 and 3: a class A ship's position (3.1)."""

    type: Type
    repeat: Repeat
    mmsi: Mmsi
    nav_status: NavStatus = 15
    turn: Turn = None
    sog: Knots = None
    accurate: Bit = False
    lon: Longitude = None
    lat: Latitude = None
    cog: Course = None
    heading: Heading = None
    second: Second = None
    manoeuvre: Annotated[int, Number(2)] = 0
    raim: Annotated[bool, Flag(), Spare(3)] = False
    state: State = 0

    @property
    def rate_of_turn(self) -> float | None:
        """Degrees a minute, positive to starboard; 708 and more reads 708.7. None without an indicator."""
        if self.turn is None or abs(self.turn) == 127:
            return None
        rate = (self.turn / _TURN_FACTOR) ** 2
        return rate if self.turn >= 0 else -rate

    @property
    def turning(self) -> Literal["port", "starboard"] | None:
        """Where she turns with more than 5° in 30 s, when she has no turn indicator to say how fast."""
        if self.turn is None or abs(self.turn) != 127:
            return None
        return "starboard" if self.turn > 0 else "port"


class BaseStationReport(NamedTuple):
    """Type 4: a base station's position and clock; type 11: a ship's answer to the same (3.2).

    The clock is what the station says and is never used as time.
    """

    type: Type
    repeat: Repeat
    mmsi: Mmsi
    year: Annotated[int | None, Number(14, least=1, most=9999, absent=0)] = None
    month: Month = None
    day: Day = None
    hour: Hour = None
    minute: Minute = None
    second: Annotated[int | None, Number(6, most=59, absent=60)] = None
    accurate: Bit = False
    lon: Longitude = None
    lat: Latitude = None
    epfd: Epfd = 0
    long_range: Bit = False
    raim: Annotated[bool, Flag(), Spare(9)] = False
    state: State = 0


class StaticAndVoyage(NamedTuple):
    """Type 5: a class A ship's identity, dimensions and voyage (3.3)."""

    type: Type
    repeat: Repeat
    mmsi: Mmsi
    ais_version: Annotated[int, Number(2)] = 0
    imo: Annotated[int | None, Number(30, least=1, absent=0)] = None
    call_sign: CallSign = None
    name: Name = None
    ship_type: ShipType = None
    to_bow: Long = 0
    to_stern: Long = 0
    to_port: Short = 0
    to_starboard: Short = 0
    epfd: Epfd = 0
    eta_month: Month = None
    eta_day: Day = None
    eta_hour: Hour = None
    eta_minute: Minute = None
    draught: Annotated[float | None, Number(8, per=10, least=1, absent=0)] = None
    destination: Name = None
    dte: Dte = 0

    @property
    def eta(self) -> str | None:
        """`MM-DDThh:mmZ`, without a year as AIS has none; None unless all four parts are there."""
        month, day, hour, minute = self.eta_month, self.eta_day, self.eta_hour, self.eta_minute
        if month is None or day is None or hour is None or minute is None:
            return None
        return f"{month:02}-{day:02}T{hour:02}:{minute:02}Z"


class SarAircraftPosition(NamedTuple):
    """Type 9: a search and rescue aircraft's position; speed in whole knots, altitude in metres (3.7)."""

    type: Type
    repeat: Repeat
    mmsi: Mmsi
    altitude: Annotated[int | None, Number(12, absent=4095)] = None
    sog: Annotated[int | None, Number(10, most=1022, absent=1023)] = None
    accurate: Bit = False
    lon: Longitude = None
    lat: Latitude = None
    cog: Course = None
    second: Second = None
    barometric: Bit = False
    dte: Annotated[int, Number(1), Spare(7)] = 0
    assigned: Annotated[bool, Flag(), Spare(3)] = False
    raim: Bit = False
    state: SelectedState = 0


class ClassBPosition(NamedTuple):
    """Type 18: a class B ship's position (3.16). carrier_sense: "CS" unit, otherwise "SO"."""

    type: Type
    repeat: Repeat
    mmsi: Mmsi
    sog: Annotated[float | None, Number(10, per=10, most=1022, absent=1023), Spare(8)] = None
    accurate: Bit = False
    lon: Longitude = None
    lat: Latitude = None
    cog: Course = None
    heading: Heading = None
    second: Second = None
    carrier_sense: Annotated[bool, Flag(), Spare(2)] = True
    display: Bit = False
    dsc: Bit = False
    whole_band: Bit = False
    message_22: Bit = False
    assigned: Bit = False
    raim: Bit = False
    state: SelectedState = CARRIER_SENSE_STATE


class ExtendedClassBPosition(NamedTuple):
    """Type 19: a class B ship's position and identity (3.17)."""

    type: Type
    repeat: Repeat
    mmsi: Mmsi
    sog: Annotated[float | None, Number(10, per=10, most=1022, absent=1023), Spare(8)] = None
    accurate: Bit = False
    lon: Longitude = None
    lat: Latitude = None
    cog: Course = None
    heading: Heading = None
    second: Second = None
    name: Annotated[str | None, Text(20), Spare(4)] = None
    ship_type: ShipType = None
    to_bow: Long = 0
    to_stern: Long = 0
    to_port: Short = 0
    to_starboard: Short = 0
    epfd: Epfd = 0
    raim: Bit = False
    dte: Dte = 0
    assigned: Bit = False


class AidToNavigation(NamedTuple):
    """Type 21: a buoy, beacon or light (3.19). off_position counts only where second is 0–59."""

    type: Type
    repeat: Repeat
    mmsi: Mmsi
    aid_type: Annotated[int, Number(5)] = 0
    name: Annotated[str | None, Text(20, extension=14)] = None
    accurate: Bit = False
    lon: Longitude = None
    lat: Latitude = None
    to_bow: Long = 0
    to_stern: Long = 0
    to_port: Short = 0
    to_starboard: Short = 0
    epfd: Epfd = 0
    second: Second = None
    off_position: Bit = False
    aid_status: Annotated[int, Number(8)] = 0
    raim: Bit = False
    virtual: Bit = False
    assigned: Bit = False


class StaticPartA(NamedTuple):
    """Type 24, part A: a class B ship's name (3.22)."""

    type: Type
    repeat: Repeat
    mmsi: Mmsi
    part: Annotated[int, Number(2, most=0)] = 0
    name: Name = None


class StaticPartB(NamedTuple):
    """Type 24, part B: a class B ship's type, call sign and dimensions (3.22).

    The tender of a ship (MMSI 98…) sends her mother ship's MMSI in the bits of the dimensions.
    """

    type: Type
    repeat: Repeat
    mmsi: Mmsi
    part: Annotated[int, Number(2, least=1, most=1)] = 1
    ship_type: ShipType = None
    vendor: Annotated[str | None, Text(3)] = None
    model: Annotated[int, Number(4)] = 0
    serial: Annotated[int, Number(20)] = 0
    call_sign: CallSign = None
    to_bow: Long = 0
    to_stern: Long = 0
    to_port: Short = 0
    to_starboard: Short = 0
    epfd: Epfd = 0

    @property
    def mother_ship(self) -> int | None:
        """MMSI of the ship this craft belongs to; None where the bits are dimensions."""
        if self.mmsi // 10_000_000 != 98:
            return None
        return self.to_bow << 21 | self.to_stern << 12 | self.to_port << 6 | self.to_starboard


class LongRangePosition(NamedTuple):
    """Type 27: a position for satellites, to a tenth of a minute and a whole knot and degree (3.25)."""

    type: Type
    repeat: Repeat
    mmsi: Mmsi
    accurate: Bit = False
    raim: Bit = False
    nav_status: NavStatus = 15
    lon: Annotated[
        float | None, Number(18, per=600, signed=True, least=-108_000, most=108_000, absent=108_600)
    ] = None
    lat: Annotated[
        float | None, Number(17, per=600, signed=True, least=-54_000, most=54_000, absent=54_600)
    ] = None
    sog: Annotated[int | None, Number(6, most=62, absent=63)] = None
    cog: Annotated[int | None, Number(9, most=359, absent=511)] = None
    late: Bit = False


Message = (
    PositionReport
    | BaseStationReport
    | StaticAndVoyage
    | SarAircraftPosition
    | ClassBPosition
    | ExtendedClassBPosition
    | AidToNavigation
    | StaticPartA
    | StaticPartB
    | LongRangePosition
)
"""Any decoded message."""
