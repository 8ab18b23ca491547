"""Sensors announced by Home Assistant's MQTT discovery."""
