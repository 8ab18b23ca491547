"""Modbus: client, frames of both sides, values, plans and writes."""
