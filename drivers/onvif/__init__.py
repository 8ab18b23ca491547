"""ONVIF cameras: what is asked and answered, without the SOAP."""
