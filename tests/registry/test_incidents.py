"""Incidents: one for each rule and device however often it flaps, and who is told of it when."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry import (
    Cause,
    Conflict,
    Incident,
    IncidentPolicy,
    IncidentState,
    NotFound,
    NotificationState,
    Registry,
    open_registry,
)
from telemetry import Change, Clearing, Firing, RegistryError, Severity, Title

SECOND = 1_000_000_000
POLICY = IncidentPolicy(reopen_within=1800, tell_cleared_after=120)


class Clock:
    """The registry's time, moved by the test."""

    def __init__(self) -> None:
        self.now = 1_800_000_000 * SECOND

    def __call__(self) -> int:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += round(seconds * SECOND)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def registry(tmp_path: Path, clock: Clock) -> AsyncIterator[Registry]:
    async with open_registry(tmp_path / "registry.db", policy=POLICY, clock=clock) as opened:
        yield opened


def fires(
    at: int, rule: str = "high-wind", device: str = "mast", severity: Severity = Severity.CRITICAL
) -> Firing:
    return Firing(
        rule_id=rule,
        device=device,
        at=at,
        value=18.3,
        severity=severity,
        title=Title(en="Strong wind", vi="Gió mạnh"),
        detail=Title(en="wind_speed is 18.3", vi="wind_speed là 18,3"),
        notify=("duty", "harbour-master"),
    )


def clears(at: int, rule: str = "high-wind", device: str = "mast") -> Clearing:
    return Clearing(rule, device, at, 14.0)


async def only(registry: Registry) -> Incident:
    (found,) = await registry.incidents.list()
    return found


async def told(registry: Registry, incident_id: int) -> list[tuple[str, str, str]]:
    found = await registry.notifications.list(incident_id)
    return [(one.contact, one.cause.value, one.state.value) for one in found]


async def send_all(registry: Registry) -> list[tuple[str, str]]:
    taken = await registry.notifications.take(100)
    for notification in taken:
        await registry.notifications.sent(notification.id)
    return [(one.contact, one.cause.value) for one in taken]


async def test_a_firing_becomes_an_open_incident_and_a_notification_for_every_contact(
    registry: Registry, clock: Clock
) -> None:
    (changed,) = await registry.incidents.record([fires(clock.now)])
    found = await only(registry)
    assert found == changed
    assert (found.state, found.firings, found.opened_at) == (IncidentState.OPEN, 1, clock.now)
    assert (found.title.vi, found.severity) == ("Gió mạnh", Severity.CRITICAL)
    assert await told(registry, found.id) == [
        ("duty", "opened", "pending"),
        ("harbour-master", "opened", "pending"),
    ]


async def test_recording_the_same_changes_twice_changes_nothing_more(
    registry: Registry, clock: Clock
) -> None:
    await registry.incidents.record([fires(clock.now)])
    before = await only(registry)
    assert list(await registry.incidents.record([fires(clock.now)])) == []
    assert await only(registry) == before
    await registry.incidents.record([clears(clock.now + 1)])
    before = await only(registry)
    assert list(await registry.incidents.record([clears(clock.now + 1)])) == []
    assert await only(registry) == before


async def test_flapping_is_one_incident_and_one_message_each(registry: Registry, clock: Clock) -> None:
    for _ in range(50):
        await registry.incidents.record([fires(clock.now)])
        clock.pass_by(10)
        await registry.incidents.record([clears(clock.now)])
        clock.pass_by(10)
    found = await only(registry)
    assert (found.firings, found.state) == (50, IncidentState.CLEARED)
    assert await send_all(registry) == [("duty", "opened"), ("harbour-master", "opened")]
    clock.pass_by(120)
    assert await send_all(registry) == [("duty", "cleared"), ("harbour-master", "cleared")]


async def test_a_flap_within_one_recording_is_one_incident_too(registry: Registry, clock: Clock) -> None:
    at = clock.now
    await registry.incidents.record([fires(at), clears(at + 1), fires(at + 2), clears(at + 3), fires(at + 4)])
    found = await only(registry)
    assert (found.state, found.firings, found.last_fired_at) == (IncidentState.OPEN, 3, at + 4)
    assert await send_all(registry) == [("duty", "opened"), ("harbour-master", "opened")]


async def test_who_was_told_that_it_is_over_is_told_that_it_is_back(registry: Registry, clock: Clock) -> None:
    await registry.incidents.record([fires(clock.now), clears(clock.now + SECOND)])
    clock.pass_by(121)
    await send_all(registry)
    clock.pass_by(86_400)
    await registry.incidents.record([fires(clock.now)])
    assert (await only(registry)).state == IncidentState.OPEN, "nobody acknowledged it, so it is the same"
    assert await send_all(registry) == [("duty", "repeated"), ("harbour-master", "repeated")]


async def test_an_acknowledged_incident_that_comes_back_soon_stays_acknowledged_and_silent(
    registry: Registry, clock: Clock
) -> None:
    await registry.incidents.record([fires(clock.now)])
    await send_all(registry)
    accepted = await registry.incidents.acknowledge(1, "Nguyễn Văn An", "cần cẩu đã dừng")
    assert (accepted.state, accepted.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "Nguyễn Văn An")
    await registry.incidents.record([clears(clock.now)])
    clock.pass_by(1700)
    await send_all(registry)
    await registry.incidents.record([fires(clock.now)])
    found = await only(registry)
    assert (found.state, found.firings, found.note) == (IncidentState.ACKNOWLEDGED, 2, "cần cẩu đã dừng")
    assert await send_all(registry) == []


async def test_an_acknowledged_incident_that_comes_back_late_is_a_new_one(
    registry: Registry, clock: Clock
) -> None:
    await registry.incidents.record([fires(clock.now)])
    await registry.incidents.acknowledge(1, "An")
    await registry.incidents.record([clears(clock.now)])
    clock.pass_by(1801)
    await registry.incidents.record([fires(clock.now)])
    new, old = await registry.incidents.list()
    assert (old.id, old.state) == (1, IncidentState.CLOSED)
    assert (new.id, new.state, new.acknowledged_by) == (2, IncidentState.OPEN, None)
    with pytest.raises(Conflict, match="incident 1 is closed"):
        await registry.incidents.acknowledge(1, "An")


async def test_what_was_acknowledged_and_stays_clear_is_closed(registry: Registry, clock: Clock) -> None:
    for rule in ("a", "b", "c"):
        await registry.incidents.record([fires(clock.now, rule)])
    await registry.incidents.acknowledge(1, "An")
    await registry.incidents.acknowledge(2, "An")
    await registry.incidents.record([clears(clock.now, "a"), clears(clock.now, "c")])
    clock.pass_by(1799)
    assert await registry.incidents.close_settled() == 0
    clock.pass_by(1)
    assert await registry.incidents.close_settled() == 1
    states = [found.state for found in await registry.incidents.list()]
    assert states == [IncidentState.CLEARED, IncidentState.ACKNOWLEDGED, IncidentState.CLOSED]


async def test_acknowledging_twice_keeps_the_first_name(registry: Registry, clock: Clock) -> None:
    await registry.incidents.record([fires(clock.now)])
    first = await registry.incidents.acknowledge(1, "An")
    clock.pass_by(60)
    second = await registry.incidents.acknowledge(1, "Bình", "đang xử lý")
    assert (second.acknowledged_by, second.acknowledged_at) == ("An", first.acknowledged_at)
    assert second.note == "đang xử lý"


async def test_an_acknowledgement_needs_a_name_and_an_incident(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="needs the name"):
        await registry.incidents.acknowledge(1, "  ")
    with pytest.raises(NotFound, match="no incident 1"):
        await registry.incidents.acknowledge(1, "An")


async def test_critical_incidents_are_repeated_until_acknowledged_each_time_by_the_next_channel(
    registry: Registry, clock: Clock
) -> None:
    await registry.incidents.record([fires(clock.now), fires(clock.now, "low", severity=Severity.WARNING)])
    await send_all(registry)
    assert await registry.incidents.remind(600) == 0
    for repeat in (1, 2):
        clock.pass_by(600)
        assert await registry.incidents.remind(600) == 1
        taken = await registry.notifications.take(10)
        assert {(one.incident.rule_id, one.cause, one.channel) for one in taken} == {
            ("high-wind", Cause.REPEATED, repeat)
        }
        for one in taken:
            await registry.notifications.sent(one.id)
    await registry.incidents.acknowledge(1, "An")
    clock.pass_by(6000)
    assert await registry.incidents.remind(600) == 0


async def test_a_contact_still_waiting_for_a_message_is_not_sent_a_second(
    registry: Registry, clock: Clock
) -> None:
    await registry.incidents.record([fires(clock.now)])
    duty, master = await registry.notifications.take(10)
    await registry.notifications.sent(master.id)
    await registry.notifications.retry(duty.id, "refused", after=300, channel=1)
    clock.pass_by(600)
    await registry.incidents.remind(600)
    assert await told(registry, 1) == [
        ("duty", "opened", "pending"),
        ("harbour-master", "opened", "sent"),
        ("harbour-master", "repeated", "pending"),
    ]


async def test_an_acknowledgement_takes_back_a_repeat_not_yet_sent(registry: Registry, clock: Clock) -> None:
    await registry.incidents.record([fires(clock.now)])
    await send_all(registry)
    clock.pass_by(600)
    await registry.incidents.remind(600)
    await registry.incidents.acknowledge(1, "An")
    assert await send_all(registry) == []


async def test_what_fires_is_what_an_evaluator_goes_on_from(registry: Registry, clock: Clock) -> None:
    firings: list[Change] = [fires(clock.now, "a"), fires(clock.now, "b"), fires(clock.now, "c")]
    await registry.incidents.record([*firings, clears(clock.now + 1, "c")])
    await registry.incidents.acknowledge(2, "An")
    assert await registry.incidents.firing() == firings[:2]


async def test_incidents_are_listed_newest_first_by_state_and_page(registry: Registry, clock: Clock) -> None:
    for number in range(5):
        await registry.incidents.record([fires(clock.now, f"rule-{number}")])
    await registry.incidents.record([clears(clock.now, "rule-4")])
    opened = await registry.incidents.list(states=[IncidentState.OPEN], limit=3)
    assert [found.id for found in opened] == [4, 3, 2]
    rest = await registry.incidents.list(states=[IncidentState.OPEN], limit=3, before=2)
    assert [found.id for found in rest] == [1]


async def test_a_notification_in_hand_is_taken_once_and_given_back_after_a_crash(
    registry: Registry, clock: Clock
) -> None:
    await registry.incidents.record([fires(clock.now)])
    first = await registry.notifications.take(1)
    second = await registry.notifications.take(10)
    assert [one.contact for one in (*first, *second)] == ["duty", "harbour-master"]
    assert list(await registry.notifications.take(10)) == []
    assert await registry.notifications.take_over() == 2
    assert [(one.contact, one.attempts) for one in await registry.notifications.take(10)] == [
        ("duty", 2),
        ("harbour-master", 2),
    ]


async def test_a_failed_notification_waits_and_keeps_the_reason(registry: Registry, clock: Clock) -> None:
    await registry.incidents.record([fires(clock.now)])
    duty, master = await registry.notifications.take(10)
    await registry.notifications.retry(duty.id, "error 500", after=5, channel=1)
    await registry.notifications.give_up(master.id, "no channel")
    assert list(await registry.notifications.take(10)) == []
    clock.pass_by(5)
    (again,) = await registry.notifications.take(10)
    assert (again.id, again.channel, again.last_error, again.attempts) == (duty.id, 1, "error 500", 2)
    states = {one.contact: one.state for one in await registry.notifications.list(1)}
    assert states["harbour-master"] == NotificationState.FAILED


async def test_a_clock_set_back_by_years_delays_no_notification(registry: Registry, clock: Clock) -> None:
    clock.pass_by(10 * 365 * 86_400)
    await registry.incidents.record([fires(clock.now)])
    clock.pass_by(-10 * 365 * 86_400)
    assert len(await registry.notifications.take(10)) == 2


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["fire", "clear", "acknowledge", "settle"]),
            st.integers(0, 1),
            st.integers(0, 2000),
        ),
        max_size=25,
    )
)
@settings(max_examples=25, deadline=None)
def test_whatever_happens_a_pair_has_one_unclosed_incident_and_it_fires_when_the_rule_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]
) -> None:
    asyncio.run(_live_through(tmp_path_factory.mktemp("registry") / "registry.db", steps))


async def _live_through(path: Path, steps: list[tuple[str, int, int]]) -> None:
    clock, firing, fired = Clock(), set[str](), 0
    async with open_registry(path, policy=POLICY, clock=clock) as registry:
        for what, number, wait in steps:
            clock.pass_by(wait)
            device = f"mast-{number}"
            if what == "fire":
                fired += device not in firing
                firing.add(device)
                await registry.incidents.record([fires(clock.now, device=device)])
            elif what == "clear":
                firing.discard(device)
                await registry.incidents.record([clears(clock.now, device=device)])
            elif what == "acknowledge":
                for found in await registry.incidents.list(states=[IncidentState.OPEN]):
                    await registry.incidents.acknowledge(found.id, "An")
            else:
                await registry.incidents.close_settled()
        incidents = await registry.incidents.list(limit=1000)
        assert {firing.device for firing in await registry.incidents.firing()} == firing
    assert sum(found.firings for found in incidents) == fired
    unclosed = [found.device for found in incidents if found.state != IncidentState.CLOSED]
    assert len(unclosed) == len(set(unclosed))
