"""Devices: what is to be read, how it fares, its newest values and its readings over time."""
