"""The words of a scenario file: wires, the devices on them, their values, their faults.

docs/simulator.md is its manual.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from drivers.modbus.identity import OBJECTS
from firmware_sim.courses import Course
from firmware_sim.modbus_server import Framing
from firmware_sim.speaker import Checksum, Speech
from firmware_sim.wires.faults import FaultRule
from telemetry import Profile, Value
from telemetry.devices import Duration, Identifier

Kind = Literal["pty", "tcp", "tcp-client", "udp", "mqtt", "onvif"]


class _Words(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FaultWords(_Words):
    """A fault: its kind, and when (firmware-sim/firmware_sim/wires/faults.py)."""

    fault: str
    rate: float = Field(default=0.0, ge=0, le=1)
    nth: int = Field(default=0, ge=0)
    start: Duration | None = None
    lasting: Duration | None = None
    again: Duration | None = None
    seconds: Duration = 2.0

    def rule(self) -> FaultRule:
        """As the wire applies it."""
        lasting, again = self.lasting or math.inf, self.again or math.inf
        return FaultRule(self.fault, self.rate, self.nth, self.start or 0.0, lasting, again, self.seconds)


class SpeechWords(_Words):
    """Something an instrument says: every so often, or as the answer to a question (speaker.py)."""

    text: str
    every: Duration | None = None
    to: str = ""
    when: str = ""
    sets: dict[str, bool | int | float | str] = {}
    checksum: Checksum = "none"
    end: str = "\r\n"
    topic: str = ""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.every is None) == (not self.to):
            raise ValueError("say every for what it says by itself, or to for what it answers")
        return self

    def speech(self) -> Speech:
        """As the speaker says it."""
        sets = tuple(self.sets.items())
        return Speech(self.text, self.every, self.to, self.when, sets, self.checksum, self.end, self.topic)


class DeviceWords(_Words):
    """A device on a wire.

    dead: it is in the gateway's configuration, and nobody answers. link: what the gateway is to read
    where it is not the wire's own. values: metric → how its value goes; the rest go as usual for their
    unit. says: of an instrument that speaks texts. turnaround, memory, identity: of Modbus.
    """

    id: Identifier
    profile: str
    name: str = ""
    unit_id: int = Field(default=1, ge=0, le=255)
    every: Duration | None = None
    dead: bool = False
    link: str = ""
    settings: dict[str, Any] = {}
    values: dict[str, Any] = {}
    says: tuple[SpeechWords, ...] = ()
    turnaround: Duration | None = None
    memory: dict[Literal["coil", "discrete", "holding", "input"], dict[int, int]] = {}
    identity: dict[str, str] = {}

    @model_validator(mode="after")
    def _identity_is_known(self) -> Self:
        if unknown := self.identity.keys() - set(OBJECTS.values()):
            raise ValueError(f"identity has no {', '.join(unknown)}: there are {', '.join(OBJECTS.values())}")
        return self


class WireWords(_Words):
    """A wire and what hangs on it.

    name: of the port, in the folder of the run. baudrate: the true pace, 0 for none; bits: of a
    character; half_duplex: RS-485; strict: another baud rate is not understood. host, port: of tcp, udp
    and tcp-client, 0 for a free one. broker: of mqtt, unless the command names one. subscribe, retain:
    topic filters. framing: of Modbus.
    """

    wire: Kind
    name: Identifier | None = None
    baudrate: int = Field(default=0, ge=0, le=4_000_000)
    bits: Annotated[int, Field(ge=7, le=12)] = 10
    half_duplex: bool = False
    strict: bool = False
    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65_535)
    broker: str = ""
    subscribe: tuple[str, ...] = ()
    retain: tuple[str, ...] = ()
    framing: Framing | None = None
    devices: tuple[DeviceWords, ...] = Field(min_length=1)
    faults: tuple[FaultWords, ...] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        serial = {"baudrate", "bits", "half_duplex", "strict"}
        if self.wire != "pty" and (given := serial & self.model_fields_set):
            raise ValueError(f"{', '.join(sorted(given))} are of a pty, not of {self.wire}")
        if self.wire == "tcp-client" and not self.port:
            raise ValueError("a tcp-client needs the port of the gateway that it dials")
        if self.wire == "onvif" and (self.faults or len(self.devices) > 1):
            raise ValueError("an onvif wire has one camera and no faults")
        return self


class ScenarioWords(_Words):
    """The whole file. seed: of values and faults."""

    title: str
    gateway: Identifier = "simulated"
    seed: int = 1
    wires: tuple[WireWords, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class SimulatedModel:
    """A device of a scenario with its profile, and its values at so many seconds' age."""

    words: DeviceWords
    profile: Profile
    courses: Mapping[str, Course]

    def values(self, age: float) -> Mapping[str, Value | None]:
        """Every value then."""
        return {name: course(age) for name, course in self.courses.items()}
