"""Devices that publish JSON or text over MQTT."""
