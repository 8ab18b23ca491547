"""From an accepted reading to the centre's receipt: outbox and uplink."""
