"""A simulated Pelco-D or Pelco-P camera. It never speaks unless it is one that tells its position. No I/O."""

from collections.abc import Sequence
from dataclasses import replace

from drivers.contract import Outgoing
from drivers.pelco.frames import (
    FASTEST,
    TURBO,
    Aux,
    Drive,
    FrameReader,
    PelcoFrame,
    PelcoSaying,
    Position,
    Power,
    PresetAct,
    PresetCommand,
    Query,
    SetPosition,
    What,
    decode_saying,
    encode_saying,
)
from drivers.pelco.plan import ASKED, PelcoPlan
from firmware_sim.ptz_head import PtzHead
from telemetry import Instant, Profile


class PelcoCamera:
    """One camera of a profile.

    address: the one it listens to. gives_up: seconds after which it stops by itself when nobody says
    anything, 0 for never. heard: everything it was told.
    """

    wake_at: float | None = None

    def __init__(
        self, profile: Profile, address: int = 1, head: PtzHead | None = None, gives_up: float = 0.0
    ) -> None:
        self.address = address
        self.plan = PelcoPlan(profile)
        self.head = head or PtzHead()
        self.heard: list[PelcoSaying] = []
        self._gives_up = gives_up
        self._told_at = 0.0
        said = self.plan.settings
        self._reader = FrameReader(said.protocol, said.first_address)

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Outgoing]:
        """Frames in any chunking; others' are passed over."""
        self.pass_time(now)
        out: list[Outgoing] = []
        for found in self._reader.feed(chunk):
            if isinstance(found, PelcoFrame) and found.address == self.address:
                said = decode_saying(found.words, self.plan.settings.protocol)
                if said is not None:
                    self._told_at = now.monotonic
                    self.heard.append(said)
                    out += self._told(said)
        return out

    def wake(self, now: Instant) -> Sequence[Outgoing]:
        """It says nothing by itself."""
        return ()

    def pass_time(self, now: Instant) -> None:
        """Moves the head up to now."""
        if self._gives_up and now.monotonic - self._told_at > self._gives_up:
            self.head.pass_time(self._told_at + self._gives_up)
            self.head.stop()
        self.head.pass_time(now.monotonic)

    def _told(self, said: PelcoSaying) -> Sequence[Outgoing]:
        head = self.head
        match said:
            case Drive():
                self._drive(said)
            case PresetCommand():
                self._preset(said)
            case Aux(number, on):
                head.outputs[number] = on
            case Power(on):
                head.switch(on)
            case SetPosition(what, raw):
                axis = {What.PAN: head.pan, What.TILT: head.tilt, What.ZOOM: head.zoom}[what]
                axis.go(self.plan.value(what, raw))
            case Query(what) if self.plan.settings.replies:
                return (self._position(what),)
            case _:
                pass
        return ()

    def _drive(self, drive: Drive) -> None:
        speed = replace(drive, pan_speed=FASTEST if drive.pan_speed == TURBO else drive.pan_speed)
        self.head.pan.run(drive.pan * speed.pan_speed / FASTEST)
        self.head.tilt.run(drive.tilt * drive.tilt_speed / FASTEST)
        self.head.zoom.run(drive.zoom)
        self.head.focus.run(drive.focus)

    def _preset(self, said: PresetCommand) -> None:
        presets = self.head.presets
        if said.act is PresetAct.STORE:
            presets[said.number] = self.head.position
        elif said.act is PresetAct.CLEAR:
            presets.pop(said.number, None)
        elif said.number in presets:
            self.head.go(presets[said.number])
        elif said.number == self.plan.settings.home_preset:
            self.head.go((0.0, self.head.tilt.position, self.head.zoom.position))

    def _position(self, what: What) -> Outgoing:
        position = dict(zip(ASKED.values(), self.head.position, strict=True))[what]
        said = self.plan.settings
        words = encode_saying(Position(what, self.plan.raw(what, position)), said.protocol)
        return Outgoing(PelcoFrame(self.address, words).encode(said.protocol, said.first_address))
