"""Protocols as state machines without I/O, one file or family each; profiles/*.yaml, one per device model."""
