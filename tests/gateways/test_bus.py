"""Arbitration on a shared link, without a link."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.contract import Driver, Event
from gateways.bus import ASIDE_TIME, Bus, Seat
from telemetry import Command, Instant
from tests.gateways.polling import EPOCH, LineListener, Poller


def at(seconds: float) -> Instant:
    return Instant(EPOCH + round(seconds * 1e9), seconds)


def seat(driver: Poller | LineListener) -> Seat:
    def again() -> Driver:
        return driver

    return Seat(driver.name, again, driver)


def bus_of(*drivers: Poller | LineListener) -> Bus:
    bus = Bus([seat(driver) for driver in drivers])
    bus.connected(at(0))
    return bus


def sent(bus: Bus) -> bytes:
    return b"".join(frame.payload for frame in bus.take_outgoing())


def kinds(events: list[tuple[str, Sequence[Event]]]) -> list[tuple[str, str]]:
    return [(device, getattr(event, "reason", "reading")) for device, some in events for event in some]


def test_only_one_driver_speaks_at_a_time_and_the_next_follows_the_answer() -> None:
    one, two = Poller("one", 1), Poller("two", 1)
    bus = bus_of(one, two)
    bus.advance(at(0))
    assert sent(bus) == b"one?\n"
    bus.advance(at(0.1))
    assert sent(bus) == b""
    bus.receive(b"one=1\n", at(0.2), "")
    bus.advance(at(0.2))
    assert sent(bus) == b"two?\n"
    bus.receive(b"two=2\n", at(0.3), "")
    assert kinds(bus.take_events()) == [("one", "reading"), ("two", "reading")]
    assert bus.take_events() == []
    assert (one.heard, two.heard) == ([b"one=1\n"], [b"two=2\n"])
    assert bus.wake_at == 1


def test_a_dead_unit_costs_its_own_time_out_and_no_more() -> None:
    dead, alive = Poller("dead", 1, timeout=0.3), Poller("alive", 1)
    bus = bus_of(dead, alive)
    bus.advance(at(0))
    assert sent(bus) == b"dead?\n"
    assert bus.wake_at == 0.3
    bus.advance(at(0.3))
    assert kinds(bus.take_events()) == [("dead", "timeout")]
    assert sent(bus) == b"alive?\n"


def test_bytes_between_exchanges_go_to_the_one_that_asked_last() -> None:
    one, two = Poller("one", 10), Poller("two", 10)
    bus = bus_of(one, two)
    for name in ("one", "two"):
        bus.advance(at(0))
        bus.receive(f"{name}=1\n".encode(), at(0), "")
    bus.receive(b"late", at(1), "")
    assert (one.heard, two.heard) == ([b"one=1\n"], [b"two=1\n", b"late"])


def test_listeners_hear_everything_also_beside_pollers() -> None:
    left, right, poller = LineListener("left"), LineListener("right"), Poller("poller", 1)
    bus = bus_of(left, right, poller)
    bus.receive(b"hello\n", at(0), "")
    assert kinds(bus.take_events()) == [("left", "reading"), ("right", "reading")]
    bus.advance(at(0))
    bus.receive(b"poller=1\n", at(0.1), "")
    assert kinds(bus.take_events()) == [("left", "reading"), ("right", "reading"), ("poller", "reading")]


def test_one_that_is_always_due_does_not_starve_the_others() -> None:
    greedy, modest = Poller("greedy", 0), Poller("modest", 5)
    bus = bus_of(greedy, modest)
    for tenth in range(100):
        bus.advance(at(tenth / 10))
        asked = sent(bus).decode().rstrip("?\n")
        bus.receive(f"{asked}=1\n".encode(), at(tenth / 10 + 0.05), "")
    assert len(modest.sent) == 2


def test_a_new_connection_forgets_the_exchange_under_way() -> None:
    one = Poller("one", 1)
    bus = bus_of(one)
    bus.advance(at(0))
    bus.connected(at(5))
    assert sent(bus) == b""
    bus.advance(at(5))
    assert sent(bus) == b"one?\n"


class Sturdy(LineListener):
    """Takes what is a bug to others."""

    def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
        return super().receive(chunk.replace(b"bug", b"well"), now, origin)


def test_a_driver_with_a_bug_is_left_out_and_comes_back_fresh() -> None:
    fresh = LineListener("listener")
    broken = LineListener("listener")
    bus = Bus([Seat("listener", lambda: fresh, broken), seat(LineListener("other")), seat(Sturdy("sturdy"))])
    bus.connected(at(0))
    bus.receive(b"bug\n", at(1), "")
    assert [(bug.device, type(bug.error)) for bug in bus.take_bugs()] == [
        ("listener", ZeroDivisionError),
        ("other", ZeroDivisionError),
    ]
    bus.connected(at(2))
    bus.receive(b"fine\n", at(3), "")
    assert kinds(bus.take_events()) == [("sturdy", "reading"), ("sturdy", "reading")]
    assert bus.wake_at == 1 + ASIDE_TIME
    bus.advance(at(1 + ASIDE_TIME))
    bus.receive(b"fine\n", at(70), "")
    assert kinds(bus.take_events()) == [("listener", "reading"), ("other", "reading"), ("sturdy", "reading")]
    assert fresh.connections == 1


def test_a_poller_with_a_bug_gives_the_line_free() -> None:
    class Broken(Poller):
        def receive(self, chunk: bytes, now: Instant, origin: str = "") -> Sequence[Event]:
            raise ZeroDivisionError

    broken, other = Broken("broken", 1), Poller("other", 1)
    bus = bus_of(broken, other)
    bus.advance(at(0))
    bus.receive(b"x", at(0.1), "")
    assert [bug.device for bug in bus.take_bugs()] == ["broken"]
    bus.connected(at(0.2))
    bus.advance(at(0.2))
    assert sent(bus) == b"other?\n"


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=6),
    st.lists(st.sampled_from(["wait", "answer", "garbage"]), max_size=200),
)
def test_whatever_happens_at_most_one_is_busy_and_everybody_gets_a_turn(
    periods: list[int], steps: list[str]
) -> None:
    pollers = [Poller(f"p{number}", every / 10, timeout=0.2) for number, every in enumerate(periods)]
    bus = bus_of(*pollers)
    now = 0.0
    for step in steps:
        now += 0.1
        bus.advance(at(now))
        assert sum(poller.busy for poller in pollers) <= 1
        bus.take_outgoing()
        owner = next((poller for poller in pollers if poller.busy), None)
        if owner is not None and step == "answer":
            bus.receive(f"{owner.name}=1\n".encode(), at(now), "")
        elif step == "garbage":
            bus.receive(b"\x00\xff", at(now), "")
    turns = [len(poller.sent) for poller in pollers]
    assert len(steps) < 20 * len(pollers) or min(turns) > 0


def order(name: str, number: int = 1) -> Command:
    return Command(f"{name}-{number}", name, "set", {"value": number}, EPOCH + 10**12)


def place(bus: Bus, name: str) -> Seat:
    found = bus.seat(name)
    assert found is not None
    return found


def test_a_command_waits_for_the_exchange_under_way_and_for_nothing_else() -> None:
    pollers = [Poller(name, 0) for name in ("a", "b", "c", "d")]
    bus = bus_of(*pollers)
    bus.advance(at(0))
    assert sent(bus) == b"a?\n"
    bus.command(place(bus, "d"), order("d"), at(0.01))
    bus.advance(at(0.01))
    assert sent(bus) == b""
    bus.receive(b"a=1\n", at(0.02))
    bus.advance(at(0.02))
    assert sent(bus) == b"d!1\n"
    bus.receive(b"d=1\n", at(0.03))
    bus.advance(at(0.03))
    assert sent(bus) == b"b?\n"
    assert kinds(bus.take_events()) == [("a", "reading"), ("d", "")]


def test_a_command_for_a_line_at_rest_goes_out_at_once() -> None:
    one = Poller("one", 1000)
    bus = bus_of(one, Poller("two", 1000))
    for name in ("one", "two"):
        bus.advance(at(0))
        bus.receive(f"{name}=1\n".encode(), at(0))
    bus.take_outgoing()
    bus.command(place(bus, "one"), order("one"), at(1))
    assert bus.wake_at == 1
    bus.advance(at(1))
    assert sent(bus) == b"one!1\n"


def test_a_poll_of_several_exchanges_competes_with_the_others_after_each() -> None:
    long, short = Poller("long", 0), Poller("short", 0.5)
    bus = bus_of(long, short)
    asked: list[str] = []
    for tenth in range(11):
        bus.advance(at(tenth / 10))
        asked.append(sent(bus).decode().rstrip("?\n"))
        bus.receive(f"{asked[-1]}=1\n".encode(), at(tenth / 10 + 0.05))
    assert asked[1] == "short"
    assert asked.count("short") == 2


class Timed(LineListener):
    """A listener that wants to be woken."""

    def connected(self, now: Instant) -> Sequence[Event]:
        self.wake_at = now.monotonic + 60
        return super().connected(now)


def test_a_listener_hears_everything_also_while_it_waits_for_a_moment() -> None:
    bus = bus_of(Timed("timed"), Poller("poller", 1))
    bus.advance(at(0))
    bus.receive(b"poller=1\n", at(0.1))
    assert kinds(bus.take_events()) == [("timed", "reading"), ("poller", "reading")]


def test_one_that_has_the_link_for_itself_hears_what_comes_before_it_asked() -> None:
    one = Poller("one", 1)
    bus = bus_of(one)
    bus.receive(b"hello\n", at(0))
    assert one.heard == [b"hello\n"]


def test_a_device_that_goes_ends_its_exchange_first_and_is_not_heard_of_again() -> None:
    gone, stays = Poller("gone", 1, timeout=0.5), Poller("stays", 1)
    bus = bus_of(gone, stays)
    bus.advance(at(0))
    bus.take_outgoing()
    bus.remove("gone")
    assert bus.seat("gone") is None
    bus.advance(at(0.1))
    assert sent(bus) == b""
    bus.receive(b"gone=1\n", at(0.2))
    bus.advance(at(0.2))
    assert sent(bus) == b"stays?\n"
    assert bus.take_events() == []
    assert [seat.device for seat in bus.seats] == ["stays"]


def test_a_device_that_goes_and_never_answers_costs_its_time_out() -> None:
    bus = bus_of(Poller("gone", 1, timeout=0.5), Poller("stays", 1))
    bus.advance(at(0))
    bus.take_outgoing()
    bus.remove("gone")
    assert bus.wake_at == 0.5
    bus.advance(at(0.5))
    assert sent(bus) == b"stays?\n"
    assert bus.take_events() == []


def test_a_device_that_goes_sends_nothing_more_also_when_its_driver_would_ask_again() -> None:
    class Insistent(Poller):
        def wake(self, now: Instant) -> Sequence[Event]:
            self.busy = False
            return super().wake(now)

    gone, stays = Insistent("gone", 1, timeout=0.5), Poller("stays", 1)
    bus = bus_of(gone, stays)
    bus.advance(at(0))
    assert sent(bus) == b"gone?\n"
    bus.remove("gone")
    bus.advance(at(0.5))
    assert sent(bus) == b"stays?\n"


def test_a_device_that_does_not_have_the_line_goes_at_once() -> None:
    bus = bus_of(Poller("one", 1), LineListener("two"))
    bus.remove("two")
    assert [seat.device for seat in bus.seats] == ["one"]


def test_a_device_that_comes_joins_without_disturbing_the_exchange_under_way() -> None:
    one, two = Poller("one", 1), LineListener("two")
    bus = bus_of(one)
    bus.advance(at(0))
    bus.take_outgoing()
    bus.add(seat(two), at(0.1))
    assert two.connections == 1
    bus.receive(b"one=1\n", at(0.2))
    assert kinds(bus.take_events()) == [("one", "reading"), ("two", "reading")]


def test_a_bug_while_a_command_is_taken_in_is_one_driver_s_bug() -> None:
    bus = bus_of(Poller("one", 1), Poller("two", 1))
    bus.command(place(bus, "two"), order("two", 13), at(0))
    assert [bug.device for bug in bus.take_bugs()] == ["two"]


def test_of_several_commands_for_several_devices_the_longest_due_goes_first() -> None:
    pollers = [Poller(name, 1) for name in ("a", "b", "c")]
    bus = bus_of(*pollers)
    bus.advance(at(0))
    bus.command(place(bus, "c"), order("c"), at(0.1))
    bus.command(place(bus, "b"), order("b"), at(0.2))
    said: list[bytes] = []
    for tenth in range(3, 6):
        bus.take_outgoing()
        owner = next(poller for poller in pollers if poller.busy)
        bus.receive(f"{owner.name}=1\n".encode(), at(tenth / 10))
        bus.advance(at(tenth / 10))
        said += [frame.payload for frame in bus.outgoing]
    assert said == [b"c!1\n", b"b!1\n", b"c?\n"]
