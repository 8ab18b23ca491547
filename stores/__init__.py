"""Time series: the Store contract, the embedded store (DuckDB) and InfluxDB. `open_store` picks by URL."""
