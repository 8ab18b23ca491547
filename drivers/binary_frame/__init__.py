"""Instruments that speak binary frames, described in their profile."""
