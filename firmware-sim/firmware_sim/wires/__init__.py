"""Real wires for simulated devices: a pty, TCP both ways, UDP, MQTT. Each is an async context manager.

    async with on_pty(folder / "bus", unit_1, unit_2, baudrate=9600, half_duplex=True) as wire: wire.url
    async with on_tcp(camera) as wire: ...
    async with on_tcp(each=lambda: [Session(camera)]) as wire: ...
    async with dialling("127.0.0.1", 4001, instrument) as wire: ...
    async with on_udp(camera, spoiler=Spoiler([FaultRule("drop", rate=0.1)])) as wire: ...
    async with on_mqtt(sensor, broker=address, client_id="plug-1", topics=["cmnd/plug-1/#"]) as wire: ...

`wire.counts` and `wire.faults` say what happened on it.
"""

from firmware_sim.wires.mqtt import MqttWire, on_mqtt
from firmware_sim.wires.pty import PtyWire, on_pty
from firmware_sim.wires.sockets import TcpWire, UdpWire, dialling, on_tcp, on_udp
from firmware_sim.wires.wire import Conversation, Wire

__all__ = [
    "Conversation",
    "MqttWire",
    "PtyWire",
    "TcpWire",
    "UdpWire",
    "Wire",
    "dialling",
    "on_mqtt",
    "on_pty",
    "on_tcp",
    "on_udp",
]
