"""A simulated port: a small seeded world of Hai Phong, and devices that speak of it on real wires."""
