"""What the simulated Modbus devices say of the world, by the names of their profiles' metrics."""

from collections.abc import Mapping

from firmware_sim.world import RADAR_HEIGHT, World
from telemetry import Value


def power_meter(world: World, at: float) -> Mapping[str, Value | None]:
    """The quay's feed as the profile eastron-sdm630 names it."""
    feed = world.power(at)
    values: dict[str, Value | None] = {
        "power": feed.power,
        "frequency": feed.frequency,
        "energy_import": feed.imported,
        "energy_export": feed.exported,
        "energy_total": feed.imported + feed.exported,
    }
    for number, phase in enumerate(feed.phases, 1):
        values[f"voltage_l{number}"] = phase.voltage
        values[f"current_l{number}"] = phase.current
        values[f"power_l{number}"] = phase.power
        values[f"energy_import_l{number}"] = phase.energy
    return values


def level_radar(world: World, at: float) -> Mapping[str, Value | None]:
    """The water under the quay as the profile dfrobot-sen0676 names it: metres above chart datum."""
    return {
        "distance": world.radar_distance(at),
        "water_level": world.water_level(at),
        "installation_height": RADAR_HEIGHT,
    }
