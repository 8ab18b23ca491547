"""Finding devices and looking at them from the terminal: scan, read, listen, registers."""
