"""A simulated ONVIF camera with its services, as a state machine without I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from drivers.onvif.discovery import Match
from drivers.onvif.xml import escape
from firmware_sim.onvif.events_service import EventService
from firmware_sim.onvif.ptz_service import PtzService
from firmware_sim.onvif.requests import Doorkeeper, SoapAnswer, SoapRequest, answered, fault
from telemetry import Instant
from telemetry.times import NANOSECONDS

_OPEN_TO_ALL = frozenset({"GetSystemDateAndTime", "GetServices", "GetCapabilities"})


@dataclass(slots=True)
class OnvifCamera:
    """A camera with one media profile, `profile_1`.

    ptz, events: None for one without. clock_offset: seconds its clock is ahead. root: of its addresses.
    spoil: by operation, or `*` for any, what goes wrong with it (firmware-sim/firmware_sim/onvif/server.py).
    http_digest: whether a signature stands in HTTP, as Profile T wants it, instead of in SOAP.
    lacks: operations it does not know. asked: the operations of the last requests.
    """

    ptz: PtzService | None = None
    events: EventService | None = None
    user: str = "operator"
    password: str = "quay-7"  # noqa: S105 - of a camera that does not exist
    clock_offset: float = 0.0
    root: str = "http://192.0.2.1:80"
    http_digest: bool = False
    lacks: frozenset[str] = frozenset()
    spoil: dict[str, str] = field(default_factory=dict[str, str])
    asked: list[str] = field(default_factory=list[str])
    _doorkeeper: Doorkeeper | None = None

    @property
    def match(self) -> Match:
        """How it answers a WS-Discovery probe."""
        scopes = ("Profile/Streaming", "Profile/T", "type/ptz", "hardware/SIM-PTZ", "name/Quay%20camera")
        return Match(
            "urn:uuid:5f5a69c2-e0ae-504f-829b-00afa538aa17",
            (f"{self.root}/onvif/device_service",),
            ("dn:NetworkVideoTransmitter", "tds:Device"),
            tuple(f"onvif://www.onvif.org/{scope}" for scope in scopes),
        )

    def admits(self, request: SoapRequest, now: Instant) -> SoapAnswer | None:
        """None when the request may be carried out, else the refusal."""
        self.asked = [*self.asked[-999:], request.operation]
        if self._doorkeeper is None or self._doorkeeper.password != self.password:
            self._doorkeeper = Doorkeeper(self.user, self.password)
        if request.operation in _OPEN_TO_ALL:
            return None
        if self.http_digest:
            right = self._doorkeeper.admits_http(request.authorization, request.path)
            return None if right else SoapAnswer(401)
        right = self._doorkeeper.admits(request, self._time(now))
        return None if right else fault("ter:NotAuthorized", "Sender not Authorized")

    def carry_out(self, request: SoapRequest, now: Instant, *, waited: bool = True) -> SoapAnswer | None:
        """The answer. None for a pull that nothing came for: ask again when something did, or `waited`."""
        self.pass_time(now)
        time, operation = self._time(now), request.operation
        if operation in self.lacks:
            return fault("ter:ActionNotSupported", f"{operation} is not implemented", 500)
        if (answer := self._own(operation, time)) is not None:
            return answer
        if self.ptz is not None and (answer := self.ptz.answer(request, now, time)) is not None:
            return answer
        if self.events is not None:
            answer = self.events.answer(request, now, time, waited=waited)
            if answer is not None or operation == "PullMessages":
                return answer
        return fault("ter:ActionNotSupported", f"{operation} is not implemented", 500)

    def pass_time(self, now: Instant) -> None:
        """Moves what moves, and ends what is over."""
        if self.ptz is not None:
            self.ptz.pass_time(now)
        if self.events is not None:
            self.events.pass_time(now)

    def happen(self, topic: str, source: Mapping[str, str], items: Mapping[str, str], now: Instant) -> None:
        """Something changed: every subscriber hears of it."""
        if self.events is not None:
            self.events.happen(topic, source, items, self._time(now))

    def reboot(self) -> None:
        """Power was off for a moment: whatever was only in memory is gone."""
        if self.events is not None:
            self.events.subscriptions.clear()
        if self.ptz is not None:
            self.ptz.stop()

    def _time(self, now: Instant) -> int:
        return now.utc + round(self.clock_offset * NANOSECONDS)

    def _own(self, operation: str, time: int) -> SoapAnswer | None:
        match operation:
            case "GetSystemDateAndTime":
                return _clock(time)
            case "GetServices":
                return self._services()
            case "GetCapabilities":
                return self._capabilities()
            case "GetDeviceInformation":
                return _information()
            case "GetProfiles":
                return self._profiles()
            case _:
                return None

    def _services(self) -> SoapAnswer:
        paths = {"ver10/device": "device_service", "ver10/media": "media"}
        paths |= {"ver20/ptz": "ptz"} if self.ptz is not None else {}
        paths |= {"ver10/events": "events"} if self.events is not None else {}
        services = "".join(
            f"<tds:Service><tds:Namespace>http://www.onvif.org/{space}/wsdl</tds:Namespace>"
            f"<tds:XAddr>{escape(self.root)}/onvif/{path}</tds:XAddr>"
            "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
            for space, path in paths.items()
        )
        return answered(f"<tds:GetServicesResponse>{services}</tds:GetServicesResponse>")

    def _capabilities(self) -> SoapAnswer:
        """As old devices tell their services."""
        events = (
            f"<tt:Events><tt:XAddr>{escape(self.root)}/onvif/events</tt:XAddr>"
            "<tt:WSSubscriptionPolicySupport>false</tt:WSSubscriptionPolicySupport>"
            "<tt:WSPullPointSupport>true</tt:WSPullPointSupport>"
            "<tt:WSPausableSubscriptionManagerInterfaceSupport>false"
            "</tt:WSPausableSubscriptionManagerInterfaceSupport></tt:Events>"
        )
        media = f"<tt:Media><tt:XAddr>{escape(self.root)}/onvif/media</tt:XAddr></tt:Media>"
        ptz = f"<tt:PTZ><tt:XAddr>{escape(self.root)}/onvif/ptz</tt:XAddr></tt:PTZ>"
        body = (events if self.events is not None else "") + media + (ptz if self.ptz is not None else "")
        return answered(
            "<tds:GetCapabilitiesResponse><tds:Capabilities>"
            f"{body}</tds:Capabilities></tds:GetCapabilitiesResponse>"
        )

    def _profiles(self) -> SoapAnswer:
        ptz = (
            '<tt:PTZConfiguration token="ptz_1"><tt:Name>PTZ</tt:Name><tt:UseCount>1</tt:UseCount>'
            "<tt:NodeToken>node_1</tt:NodeToken></tt:PTZConfiguration>"
        )
        return answered(
            '<trt:GetProfilesResponse><trt:Profiles token="profile_1" fixed="true"><tt:Name>main</tt:Name>'
            f"{ptz if self.ptz is not None else ''}</trt:Profiles></trt:GetProfilesResponse>"
        )


def _clock(time: int) -> SoapAnswer:
    clock = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time // NANOSECONDS)
    return answered(
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>"
        "<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime><tt:Time>"
        f"<tt:Hour>{clock.hour}</tt:Hour><tt:Minute>{clock.minute}</tt:Minute>"
        f"<tt:Second>{clock.second}</tt:Second></tt:Time><tt:Date><tt:Year>{clock.year}</tt:Year>"
        f"<tt:Month>{clock.month}</tt:Month><tt:Day>{clock.day}</tt:Day></tt:Date></tt:UTCDateTime>"
        "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def _information() -> SoapAnswer:
    return answered(
        "<tds:GetDeviceInformationResponse><tds:Manufacturer>Firmware Sim</tds:Manufacturer>"
        "<tds:Model>SIM-PTZ</tds:Model><tds:FirmwareVersion>1.2.3</tds:FirmwareVersion>"
        "<tds:SerialNumber>S-0042</tds:SerialNumber><tds:HardwareId>1</tds:HardwareId>"
        "</tds:GetDeviceInformationResponse>"
    )
