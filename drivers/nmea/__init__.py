"""NMEA 0183: sentences of both sides, and instruments that speak them."""
