"""Units by their UCUM code, with what a person reads on a screen.

Source: The Unified Code for Units of Measure (UCUM), case-sensitive codes.
"""

DISPLAY: dict[str, str] = {
    "1": "",
    "%": "%",
    "deg": "°",
    "Cel": "°C",
    "K": "K",
    "m": "m",
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
    "V": "V",
    "mV": "mV",
    "A": "A",
    "mA": "mA",
    "W": "W",
    "kW": "kW",
    "V.A": "VA",
    "kV.A": "kVA",
    "var": "var",
    "kvar": "kvar",
    "W.h": "Wh",
    "kW.h": "kWh",
    "V.A.h": "VAh",
    "kV.A.h": "kVAh",
    "var.h": "varh",
    "kvar.h": "kvarh",
    "A.h": "Ah",
    "Hz": "Hz",
    "s": "s",
    "min": "min",
    "h": "h",
    "d": "d",
    "W/m2": "W/m²",
    "lx": "lx",
    "g/m3": "g/m³",
    "kJ/kg": "kJ/kg",
    "kg/m3": "kg/m³",
}
"""Every unit a profile may name: UCUM code → text for people. `var` is not UCUM but IEC 80000-6."""


def display(code: str) -> str:
    """The unit as a person reads it; a code this table lacks is shown as it is."""
    return DISPLAY.get(code, code)
