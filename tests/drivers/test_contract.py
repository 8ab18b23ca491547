"""What drivers/contract.py asks of every driver, held against each driver that takes commands."""

import pytest

from drivers.contract import Driver, Event
from telemetry import Action, Command, Device, Instant, Reply, Value
from telemetry.commands import Argument, Kind
from tests.drivers.listening import CATALOGUE, NOW, usual_link

_SETTINGS = {"sparkplug": {"group": "harbour"}}
_ALL = [
    (profile.id, action.name)
    for profile in CATALOGUE.profiles.values()
    for action in CATALOGUE.open_driver(
        Device(id="dut", profile=profile.id, link=usual_link(profile))
    ).actions
]
ONE_OF_EACH = list({(CATALOGUE.profile(id_).driver, name): (id_, name) for id_, name in _ALL}.values())
"""A profile and an action for each action of each driver."""


def _driver(profile_id: str) -> Driver:
    profile = CATALOGUE.profile(profile_id)
    settings = _SETTINGS.get(profile.driver, {})
    return CATALOGUE.open_driver(
        Device(id="dut", profile=profile_id, link=usual_link(profile), settings=settings)
    )


def _given(argument: Argument) -> Value:
    if argument.kind is Kind.FLAG:
        return True
    if argument.kind is Kind.TEXT:
        return "on"
    return argument.choices[0] if argument.choices else argument.minimum or argument.maximum or 1


def _command(actions: tuple[Action, ...], name: str) -> Command:
    action = next(action for action in actions if action.name == name)
    given = action.check({argument.name: _given(argument) for argument in action.arguments})
    return Command("c-1", "dut", name, given, NOW.utc + 10**15)


def _later(seconds: float) -> Instant:
    return Instant(NOW.utc + round(seconds * 1e9), NOW.monotonic + seconds)


def _left_alone(driver: Driver, since: float) -> tuple[list[Event], list[bytes]]:
    """What a driver says and sends that is woken whenever it wants for two minutes, and never answered."""
    events: list[Event] = []
    sent: list[bytes] = []
    for _ in range(400):
        if driver.wake_at is None or driver.wake_at > NOW.monotonic + since + 120:
            break
        events += driver.wake(_later(max(since, driver.wake_at - NOW.monotonic)))
        sent += [frame.payload for frame in driver.outgoing()]
    return events, sent


@pytest.mark.parametrize(("profile_id", "name"), ONE_OF_EACH)
def test_a_command_that_waited_when_the_link_broke_has_one_reply_and_is_never_sent(
    profile_id: str, name: str
) -> None:
    told, untold = _driver(profile_id), _driver(profile_id)
    events: list[Event] = []
    for driver in (told, untold):
        driver.connected(NOW)
    command = _command(tuple(told.actions), name)
    events += told.command(command, NOW)
    for driver in (told, untold):
        events += driver.connected(_later(1))
    assert [type(event) for event in events] == [Reply]
    later, sent = _left_alone(told, 1)
    assert not [event for event in later if isinstance(event, Reply)]
    assert sent == _left_alone(untold, 1)[1]


@pytest.mark.parametrize(("profile_id", "name"), ONE_OF_EACH)
def test_a_command_that_nobody_answers_has_exactly_one_reply(profile_id: str, name: str) -> None:
    driver = _driver(profile_id)
    driver.connected(NOW)
    events = [*driver.command(_command(tuple(driver.actions), name), NOW)]
    events += _left_alone(driver, 0)[0]
    events += driver.connected(_later(200))
    assert len([event for event in events if isinstance(event, Reply)]) == 1
