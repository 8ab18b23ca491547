"""Gateways: what the registry and the configuration file say of them, and what they say themselves."""
