"""MQTT → checked readings → store, traffic picture, rules → receipt. `Ingest` runs it all."""
