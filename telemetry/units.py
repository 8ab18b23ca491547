"""Units by their UCUM code, with what a person reads on a screen.

Source: The Unified Code for Units of Measure (UCUM), case-sensitive codes.
"""

from difflib import get_close_matches

DISPLAY: dict[str, str] = {
    "1": "",
    "%": "%",
    "deg": "°",
    "Cel": "°C",
    "K": "K",
    "m": "m",
    "km": "km",
    "cm": "cm",
    "mm": "mm",
    "m/s": "m/s",
    "[kn_i]": "kn",
    "[nmi_i]": "nm",
    "km/h": "km/h",
    "mm/h": "mm/h",
    "deg/min": "°/min",
    "hPa": "hPa",
    "bar": "bar",
    "Pa": "Pa",
    "kPa": "kPa",
    "MPa": "MPa",
    "mbar": "mbar",
    "V": "V",
    "mV": "mV",
    "kV": "kV",
    "A": "A",
    "mA": "mA",
    "Ohm": "Ω",
    "W": "W",
    "kW": "kW",
    "MW": "MW",
    "V.A": "VA",
    "kV.A": "kVA",
    "var": "var",
    "kvar": "kvar",
    "W.h": "Wh",
    "kW.h": "kWh",
    "MW.h": "MWh",
    "V.A.h": "VAh",
    "kV.A.h": "kVAh",
    "var.h": "varh",
    "kvar.h": "kvarh",
    "A.h": "Ah",
    "Hz": "Hz",
    "kHz": "kHz",
    "MHz": "MHz",
    "/min": "rpm",
    "ms": "ms",
    "s": "s",
    "min": "min",
    "h": "h",
    "d": "d",
    "W/m2": "W/m²",
    "lx": "lx",
    "g/m3": "g/m³",
    "kJ/kg": "kJ/kg",
    "kg/m3": "kg/m³",
    "ug/m3": "µg/m³",
    "[ppm]": "ppm",
    "[ppth]": "‰",
    "N": "N",
    "kN": "kN",
    "N.m": "Nm",
    "m3": "m³",
    "l": "l",
    "m3/h": "m³/h",
    "m3/s": "m³/s",
    "l/s": "l/s",
    "l/min": "l/min",
    "l/h": "l/h",
    "kg": "kg",
    "t": "t",
    "t/h": "t/h",
    "mg/l": "mg/l",
    "[pH]": "pH",
    "uS/cm": "µS/cm",
    "mS/cm": "mS/cm",
    "dB": "dB",
    "uSv/h": "µSv/h",
}
"""Every unit a profile may name: UCUM code → text for people. `var` is not UCUM but IEC 80000-6."""


def check_unit(code: str) -> str:
    """The code unchanged; raises ValueError for one that is not in the table."""
    if code not in DISPLAY:
        shown = [known for known, text in DISPLAY.items() if text and text.lower() == code.lower()]
        near = shown or get_close_matches(code, DISPLAY, 2, 0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(sorted(DISPLAY))}"
        raise ValueError(f"unit {code!r} is not known: write its UCUM code; {hint}")
    return code


_LINEAR: dict[str, tuple[str, float, float]] = {
    "K": ("temperature", 1.0, 0.0),
    "Cel": ("temperature", 1.0, 273.15),
    "m": ("length", 1.0, 0.0),
    "km": ("length", 1000.0, 0.0),
    "cm": ("length", 0.01, 0.0),
    "mm": ("length", 0.001, 0.0),
    "[nmi_i]": ("length", 1852.0, 0.0),
    "m/s": ("speed", 1.0, 0.0),
    "[kn_i]": ("speed", 1852 / 3600, 0.0),
    "km/h": ("speed", 1 / 3.6, 0.0),
    "Pa": ("pressure", 1.0, 0.0),
    "hPa": ("pressure", 100.0, 0.0),
    "kPa": ("pressure", 1000.0, 0.0),
    "MPa": ("pressure", 1e6, 0.0),
    "mbar": ("pressure", 100.0, 0.0),
    "bar": ("pressure", 100_000.0, 0.0),
    "V": ("voltage", 1.0, 0.0),
    "mV": ("voltage", 0.001, 0.0),
    "kV": ("voltage", 1000.0, 0.0),
    "A": ("current", 1.0, 0.0),
    "mA": ("current", 0.001, 0.0),
    "1": ("ratio", 1.0, 0.0),
    "%": ("ratio", 0.01, 0.0),
    "ms": ("time", 0.001, 0.0),
    "s": ("time", 1.0, 0.0),
    "min": ("time", 60.0, 0.0),
    "h": ("time", 3600.0, 0.0),
    "d": ("time", 86400.0, 0.0),
    "mm/h": ("rain rate", 1.0, 0.0),
    "[degF]": ("temperature", 5 / 9, 459.67 * 5 / 9),
    "[in_i]": ("length", 0.0254, 0.0),
    "[ft_i]": ("length", 0.3048, 0.0),
    "[mi_i]/h": ("speed", 1609.344 / 3600, 0.0),
    "[ft_i]/min": ("speed", 0.3048 / 60, 0.0),
    "mm[Hg]": ("pressure", 133.322387415, 0.0),
    "[in_i'Hg]": ("pressure", 3386.38864034, 0.0),
    "[psi]": ("pressure", 6894.75729317, 0.0),
    "[in_i]/h": ("rain rate", 25.4, 0.0),
}
"""UCUM code → quantity, and the factor and offset to its SI unit; some are only converted from."""


def conversion(source: str, target: str) -> tuple[float, float] | None:
    """Factor and offset with which a value in `source` becomes one in `target`; None where none does."""
    if source == target:
        return 1.0, 0.0
    from_quantity, factor, offset = _LINEAR.get(source, ("", 1.0, 0.0))
    to_quantity, to_factor, to_offset = _LINEAR.get(target, ("?", 1.0, 0.0))
    if from_quantity != to_quantity:
        return None
    return factor / to_factor, (offset - to_offset) / to_factor


def display(code: str) -> str:
    """The unit as a person reads it; a code this table lacks is shown as it is."""
    return DISPLAY.get(code, code)
