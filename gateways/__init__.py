"""The edge daemon: links (byte pipes), pumps, the durable outbox, uplink and downlink."""
