"""A simulated VISCA camera: what it does when told, what it answers, and how real ones fall short. No I/O.

`ViscaChain` puts one or several on a serial line or behind a TCP port, `ViscaIpCamera` puts one behind
a UDP port.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from drivers.contract import Outgoing
from drivers.visca.commands import (
    AddressSet,
    Cancel,
    Clear,
    Focus,
    FocusMode,
    Home,
    Inquiry,
    Memory,
    PanTilt,
    PanTiltTo,
    Power,
    Preset,
    ViscaCommand,
    Zoom,
    ZoomTo,
    decode_command,
    nibbles,
)
from drivers.visca.frames import (
    BROADCAST,
    BUFFER_FULL,
    CANCELLED,
    NO_SOCKET,
    NOT_EXECUTABLE,
    RESET,
    SYNTAX,
    Ack,
    AddressReply,
    Answer,
    Completion,
    Damage,
    Datagram,
    NetworkChange,
    Packet,
    PacketReader,
    Payload,
    Refusal,
    decode_datagrams,
    encode_answer,
    encode_control_fault,
    to_controller,
)
from drivers.visca.plan import ViscaSettings
from firmware_sim.ptz_head import Axis, PtzHead
from telemetry import Instant

TICK = 0.02
"""Seconds between two looks whether a motion has ended."""


@dataclass(frozen=True, slots=True)
class Quirks:
    """How a camera differs from the book.

    source: the address it answers under, whatever its own. glue: ACK and completion in one frame.
    acknowledges, completes: whether it sends ACK and completion at all. mute: hears nothing.
    sequence: over IP, whether its answers repeat our numbers, or are all 0 or 1. resets: whether it
    answers RESET. counts: whether it refuses a number that it had already.
    """

    source: int | None = None
    glue: bool = False
    acknowledges: bool = True
    completes: bool = True
    mute: bool = False
    sequence: Literal["echo", "zero", "one"] = "echo"
    resets: bool = True
    counts: bool = True


BY_THE_BOOK = Quirks()


class ViscaCamera:
    """One camera: a head and two sockets.

    settings: the units in which its profile describes it. heard: every command it carried out.
    """

    def __init__(
        self,
        settings: ViscaSettings | None = None,
        head: PtzHead | None = None,
        quirks: Quirks = BY_THE_BOOK,
        sockets: int = 2,
    ) -> None:
        self.settings = settings or ViscaSettings()
        said = self.settings
        self.head = head or PtzHead(Axis(*said.pan, 80), Axis(*said.tilt, 60))
        self.quirks = quirks
        self.heard: list[ViscaCommand] = []
        self._sockets = sockets
        self._running: dict[int, Sequence[Axis]] = {}

    @property
    def running(self) -> bool:
        """Whether a command that takes time is under way."""
        return bool(self._running)

    def told(self, body: bytes, now: Instant) -> tuple[Sequence[Answer], int | None]:
        """Its answers to a packet, and the socket whose completion follows later, if one does."""
        self.head.pass_time(now.monotonic)
        if self.quirks.mute:
            return (), None
        asked = decode_command(body)
        answers: Sequence[Answer] = ()
        match asked:
            case None:
                answers = (Refusal(0, SYNTAX),)
            case Inquiry():
                answers = (self._answer(asked),)
            case Clear():
                self._running.clear()
                answers = (Completion(0),)
            case Cancel(socket):
                answers = (self._cancel(socket),)
            case AddressSet():
                pass
            case _:
                return self._run(asked)
        return answers, None

    def finished(self, now: Instant) -> Sequence[int]:
        """The sockets whose commands have come to their end since."""
        self.head.pass_time(now.monotonic)
        ended = [socket for socket, axes in self._running.items() if not any(axis.moving for axis in axes)]
        for socket in ended:
            del self._running[socket]
        return ended if self.quirks.completes else ()

    def _run(self, command: ViscaCommand) -> tuple[Sequence[Answer], int | None]:
        socket = next((one for one in range(1, self._sockets + 1) if one not in self._running), None)
        if socket is None:
            return (Refusal(0, BUFFER_FULL),), None
        if not self._can(command):
            return (Refusal(socket, NOT_EXECUTABLE),), None
        self.heard.append(command)
        axes = self._carry_out(command)
        answers: list[Answer] = [Ack(socket)] if self.quirks.acknowledges else []
        if any(axis.moving for axis in axes):
            self._running[socket] = axes
            return answers, socket
        if self.quirks.completes:
            answers.append(Completion(socket))
        return answers, None

    def _can(self, command: ViscaCommand) -> bool:
        if isinstance(command, Memory) and command.what is Preset.RECALL:
            return self.head.power and command.number in self.head.presets
        if isinstance(command, Focus):
            return self.head.power and not self.head.autofocus
        return self.head.power or isinstance(command, Power)

    def _carry_out(self, command: ViscaCommand) -> Sequence[Axis]:
        """Does it; the motors whose arrival ends it."""
        head, said = self.head, self.settings
        match command:
            case PanTilt(pan_speed, tilt_speed, pan, tilt):
                head.pan.run(pan * pan_speed / said.pan_speeds[1])
                head.tilt.run(tilt * tilt_speed / said.tilt_speeds[1])
                return ()
            case PanTiltTo(_, _, pan, tilt):
                head.pan.go(pan / said.pan_steps)
                head.tilt.go(tilt / said.tilt_steps)
                return (head.pan, head.tilt)
            case ZoomTo(position):
                head.zoom.go(100 * position / said.zoom_steps)
                return (head.zoom,)
            case Zoom(direction, speed):
                head.zoom.run(direction * (7 if speed is None else speed + 1) / 8)
            case Focus(direction, speed):
                head.focus.run(direction * (7 if speed is None else speed + 1) / 8)
            case Home():
                head.pan.go(0)
                head.tilt.go(0)
                return (head.pan, head.tilt)
            case Memory(what, number):
                return self._remember(what, number)
            case Power(on):
                head.switch(on)
            case FocusMode(auto):
                head.autofocus = auto
            case _:
                pass
        return ()

    def _remember(self, what: Preset, number: int) -> Sequence[Axis]:
        if what is Preset.STORE:
            self.head.presets[number] = self.head.position
        elif what is Preset.CLEAR:
            self.head.presets.pop(number, None)
        else:
            self.head.go(self.head.presets[number])
            return self.head.axes
        return ()

    def _cancel(self, socket: int) -> Answer:
        axes = self._running.pop(socket, None)
        for axis in axes or ():
            axis.run(0)
        return Refusal(socket, NO_SOCKET if axes is None else CANCELLED)

    def _answer(self, inquiry: Inquiry) -> Answer:
        head, said = self.head, self.settings
        if not head.power and inquiry not in (Inquiry.POWER, Inquiry.VERSION):
            return Refusal(0, NOT_EXECUTABLE)
        payloads = {
            Inquiry.POWER: bytes((2 if head.power else 3,)),
            Inquiry.ZOOM: nibbles(round(head.zoom.position * said.zoom_steps / 100), 4),
            Inquiry.FOCUS: nibbles(0x1000 + round(head.focus.position * 0xB0) * 4, 4),
            Inquiry.FOCUS_MODE: bytes((2 if head.autofocus else 3,)),
            Inquiry.PAN_TILT: nibbles(round(head.pan.position * said.pan_steps), said.pan_digits)
            + nibbles(round(head.tilt.position * said.tilt_steps), 4),
            Inquiry.VERSION: bytes((0, 1, 4, 2, 1, 0, self._sockets)),
        }
        return Completion(0, payloads[inquiry])


class ViscaChain:
    """Cameras one behind the other on a serial line, or one behind a TCP port.

    addressed: whether they have their addresses 1, 2, 3 … already; else they listen to AddressSet only.
    """

    def __init__(self, *cameras: ViscaCamera, addressed: bool = False) -> None:
        self.cameras = cameras
        self.addressed = addressed
        self._reader = PacketReader()
        self._wake_at: float | None = None
        self._changed = False

    @property
    def wake_at(self) -> float | None:
        """While a motion is to be reported."""
        return self._wake_at

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """Packets in any chunking."""
        out: list[Outgoing] = []
        for found in self._reader.feed(chunk):
            if not isinstance(found, Damage):
                out += self._told(found, now)
        self._arm(now)
        return out

    def wake(self, now: Instant) -> Sequence[Outgoing]:
        """Completions, and what a camera that was switched on says."""
        out: list[Outgoing] = []
        if self._changed:
            self._changed = False
            out.append(Outgoing(to_controller(0, encode_answer(NetworkChange()))))
        for address, camera in enumerate(self.cameras, 1):
            for socket in camera.finished(now):
                out += _frames(address, camera, [Completion(socket)])
        self._arm(now)
        return out

    def power_cycle(self, now: Instant) -> None:
        """A camera was switched on: nobody has an address any more."""
        self.addressed, self._changed = False, True
        self._wake_at = now.monotonic

    def _told(self, packet: Packet, now: Instant) -> Sequence[Outgoing]:
        if packet.destination == BROADCAST:
            command = decode_command(packet.body)
            if isinstance(command, AddressSet):
                self.addressed = True
                reply = encode_answer(AddressReply(command.first + len(self.cameras)))
                return [Outgoing(Packet(0, BROADCAST, reply).encode())]
            return [Outgoing(packet.encode())]
        if not self.addressed or not 1 <= packet.destination <= len(self.cameras):
            return ()
        camera = self.cameras[packet.destination - 1]
        answers, _ = camera.told(packet.body, now)
        return _frames(packet.destination, camera, answers)

    def _arm(self, now: Instant) -> None:
        waits = self._changed or any(camera.running for camera in self.cameras)
        self._wake_at = now.monotonic + TICK if waits else None


class ViscaIpCamera:
    """One camera behind a UDP port. duplicates: packets it had already and did not carry out again."""

    def __init__(self, camera: ViscaCamera) -> None:
        self.camera = camera
        self.duplicates = 0
        self.last: int | None = None
        self._waiting: dict[int, tuple[int, str]] = {}
        self._wake_at: float | None = None

    @property
    def wake_at(self) -> float | None:
        """While a motion is to be reported."""
        return self._wake_at

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """One datagram."""
        out: list[Outgoing] = []
        for found in decode_datagrams(chunk):
            if isinstance(found, Damage) or self.camera.quirks.mute:
                continue
            out += [Outgoing(frame, origin) for frame in self._told(found, now, origin)]
        self._arm(now)
        return out

    def wake(self, now: Instant) -> Sequence[Outgoing]:
        """Completions."""
        out: list[Outgoing] = []
        for socket in self.camera.finished(now):
            sequence, origin = self._waiting.pop(socket, (0, ""))
            frames = _frames(1, self.camera, [Completion(socket)])
            out += [Outgoing(self._wrap(frame.payload, sequence), origin) for frame in frames]
        self._arm(now)
        return out

    def _told(self, datagram: Datagram, now: Instant, origin: str) -> Sequence[bytes]:
        if datagram.kind is Payload.CONTROL:
            if datagram.payload != RESET or not self.camera.quirks.resets:
                return ()
            self.last = 0
            return (Datagram(Payload.CONTROL_REPLY, datagram.sequence, RESET).encode(),)
        if datagram.kind not in (Payload.COMMAND, Payload.INQUIRY):
            return (encode_control_fault("message type", datagram.sequence),)
        if self.camera.quirks.counts and (self.last is None or datagram.sequence <= self.last):
            self.duplicates += 1
            return (encode_control_fault("sequence", datagram.sequence),)
        self.last = datagram.sequence
        packets = [one for one in PacketReader().feed(datagram.payload) if isinstance(one, Packet)]
        answers, socket = self.camera.told(packets[0].body, now) if packets else ((), None)
        if socket is not None:
            self._waiting[socket] = (datagram.sequence, origin)
        frames = _frames(1, self.camera, answers)
        return [self._wrap(frame.payload, datagram.sequence) for frame in frames]

    def _wrap(self, packet: bytes, sequence: int) -> bytes:
        said = {"echo": sequence, "zero": 0, "one": 1}[self.camera.quirks.sequence]
        return Datagram(Payload.REPLY, said, packet).encode()

    def _arm(self, now: Instant) -> None:
        self._wake_at = now.monotonic + TICK if self.camera.running else None


def _frames(address: int, camera: ViscaCamera, answers: Sequence[Answer]) -> Sequence[Outgoing]:
    source = address if camera.quirks.source is None else camera.quirks.source
    frames = [to_controller(source, encode_answer(answer)) for answer in answers]
    return [Outgoing(frame) for frame in ([b"".join(frames)] if camera.quirks.glue and frames else frames)]
