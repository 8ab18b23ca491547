"""Instruments that speak lines of text, described in their profile."""
