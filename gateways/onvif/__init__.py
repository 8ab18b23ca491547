"""ONVIF cameras: the SOAP, and finding them on a network."""
