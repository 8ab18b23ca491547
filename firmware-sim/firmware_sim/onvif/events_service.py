"""The events service of a simulated ONVIF camera: real-time pull points (ONVIF Core, 9.2)."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.onvif.xml import escape, quoteattr
from firmware_sim.onvif.requests import SoapAnswer, SoapRequest, answered, at, fault
from telemetry import ConfigurationError, Instant
from telemetry.times import NANOSECONDS, parse_duration

MOST_SUBSCRIPTIONS = 8

_State = tuple[str, tuple[tuple[str, str], ...]]
"""What is told: a topic, and the items of its source."""


@dataclass(slots=True)
class Subscription:
    """ends: monotonic second."""

    ends: float
    messages: deque[str] = field(default_factory=lambda: deque[str](maxlen=100))


class EventService:
    """echoes: whether a subscription is told by a reference parameter that must be said back, as some
    makers do, instead of by its address. renews: whether subscriptions can be renewed. root: of the
    camera's own addresses.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self.echoes = False
        self.renews = True
        self.subscriptions: dict[str, Subscription] = {}
        self._states: dict[_State, dict[str, str]] = {}
        self._numbers = 0

    def answer(
        self, request: SoapRequest, now: Instant, camera_time: int, *, waited: bool
    ) -> SoapAnswer | None:
        """None for an operation of another service, and for a pull that nothing came for."""
        now = Instant(camera_time, now.monotonic)
        match request.operation:
            case "CreatePullPointSubscription":
                return self._subscribe(request, now)
            case "PullMessages":
                return self._pull(request, now, waited=waited)
            case "Renew":
                return self._renew(request, now)
            case "Unsubscribe":
                return self._unsubscribe(request)
            case _:
                return None

    def pass_time(self, now: Instant) -> None:
        """Ends subscriptions that nobody renewed."""
        for key in [key for key, one in self.subscriptions.items() if one.ends <= now.monotonic]:
            del self.subscriptions[key]

    def happen(self, topic: str, source: Mapping[str, str], items: Mapping[str, str], utc: int) -> None:
        """Something changed: every subscriber hears of it. utc: by the camera's clock."""
        state = (topic, tuple(sorted(source.items())))
        self._states[state] = dict(items)
        for subscription in self.subscriptions.values():
            subscription.messages.append(self._notification(state, "Changed", utc))

    def _notification(self, state: _State, operation: str, utc: int) -> str:
        topic, source = state
        return (
            "<wsnt:NotificationMessage><wsnt:Topic"
            ' Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">'
            f"{escape(topic)}</wsnt:Topic><wsnt:Message>"
            f'<tt:Message UtcTime="{at(utc)}" PropertyOperation="{operation}">'
            f"<tt:Source>{_items(dict(source))}</tt:Source><tt:Data>{_items(self._states[state])}</tt:Data>"
            "</tt:Message></wsnt:Message></wsnt:NotificationMessage>"
        )

    def _subscribe(self, request: SoapRequest, now: Instant) -> SoapAnswer:
        if len(self.subscriptions) >= MOST_SUBSCRIPTIONS:
            return fault("ter:MaximumSubscriptions", "no more subscriptions", 500)
        self._numbers += 1
        key = str(self._numbers)
        lifetime = _seconds(request.body.text_of("InitialTerminationTime"))
        subscription = self.subscriptions[key] = Subscription(now.monotonic + lifetime)
        subscription.messages.extend(
            self._notification(state, "Initialized", now.utc) for state in self._states
        )
        echo = (
            f'<wsa:ReferenceParameters><sim:Key xmlns:sim="urn:sim">{key}</sim:Key></wsa:ReferenceParameters>'
        )
        address = f"{self.root}/onvif/subscription" + ("" if self.echoes else f"?idx={key}")
        return answered(
            "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>"
            f"<wsa:Address>{escape(address)}</wsa:Address>{echo if self.echoes else ''}"
            f"</tev:SubscriptionReference>{self._times('wsnt', lifetime, now)}"
            "</tev:CreatePullPointSubscriptionResponse>"
        )

    def _pull(self, request: SoapRequest, now: Instant, *, waited: bool) -> SoapAnswer | None:
        subscription = self._of(request)
        if subscription is None:
            return fault("ter:InvalidArgVal", "unknown subscription", 500)
        limit = int(request.body.text_of("MessageLimit") or 1)
        messages = [subscription.messages.popleft() for _ in range(min(limit, len(subscription.messages)))]
        if not messages and not waited:
            return None
        times = self._times("tev", max(0.0, subscription.ends - now.monotonic), now)
        return answered(f"<tev:PullMessagesResponse>{times}{''.join(messages)}</tev:PullMessagesResponse>")

    def _renew(self, request: SoapRequest, now: Instant) -> SoapAnswer:
        subscription = self._of(request)
        if subscription is None or not self.renews:
            return fault("ter:InvalidArgVal", "unknown subscription, or renewing is not implemented", 500)
        lifetime = _seconds(request.body.text_of("TerminationTime"))
        subscription.ends = now.monotonic + lifetime
        return answered(
            f"<wsnt:RenewResponse>{self._times('wsnt', lifetime, now, ended_first=True)}</wsnt:RenewResponse>"
        )

    def _unsubscribe(self, request: SoapRequest) -> SoapAnswer:
        gone = self._of(request)
        self.subscriptions = {key: one for key, one in self.subscriptions.items() if one is not gone}
        return answered("<wsnt:UnsubscribeResponse/>")

    def _of(self, request: SoapRequest) -> Subscription | None:
        key = request.header.text_of("Key") if self.echoes else request.path.partition("idx=")[2]
        return self.subscriptions.get(key)

    def _times(self, space: str, lifetime: float, now: Instant, *, ended_first: bool = False) -> str:
        current = f"<{space}:CurrentTime>{at(now.utc)}</{space}:CurrentTime>"
        ends_at = at(now.utc + round(lifetime) * NANOSECONDS)
        end = f"<{space}:TerminationTime>{ends_at}</{space}:TerminationTime>"
        return end + current if ended_first else current + end


def _items(items: Mapping[str, str]) -> str:
    return "".join(
        f"<tt:SimpleItem Name={quoteattr(name)} Value={quoteattr(text)}/>" for name, text in items.items()
    )


def _seconds(text: str) -> float:
    """`PT60S`; what cannot be read is a minute."""
    try:
        return parse_duration(text.strip().removeprefix("PT").lower())
    except ConfigurationError:
        return 60.0
