"""VISCA cameras, on a serial chain and over IP."""
