"""A simulated ONVIF camera."""
