"""Whom a rule for silence may expect to hear."""

from broker.wire import DeviceStatus, GatewayStatus
from ingest.expected import ExpectedDevices


def status(*devices: str, online: bool = True) -> GatewayStatus:
    listed = [DeviceStatus(id=one, profile="p", link="l", declared="file") for one in devices]
    return GatewayStatus(online=online, devices=listed)


def test_devices_are_expected_once_a_gateway_lists_them() -> None:
    expected = ExpectedDevices(())
    assert expected.learn("quay", status("mast", "meter"))
    assert expected.learn("yard", status("gauge"))
    assert expected.ids == {"mast", "meter", "gauge"}
    assert not expected.learn("yard", status("gauge"))


def test_a_device_goes_only_when_its_gateway_no_longer_lists_it() -> None:
    expected = ExpectedDevices(())
    expected.learn("quay", status("mast", "meter"))
    expected.learn("yard", status("gauge"))
    assert expected.learn("quay", status("meter"))
    assert expected.ids == {"meter", "gauge"}


def test_a_gateway_that_vanished_takes_no_device_with_it() -> None:
    expected = ExpectedDevices(())
    expected.learn("quay", status("mast"))
    assert not expected.learn("quay", status(online=False))
    assert expected.ids == {"mast"}


def test_a_restart_forgets_no_device_with_an_open_incident() -> None:
    expected = ExpectedDevices(["mast"])
    expected.learn("yard", status("gauge"))
    assert expected.ids == {"mast", "gauge"}


def test_a_device_that_moved_to_another_gateway_stays_expected() -> None:
    expected = ExpectedDevices(())
    expected.learn("quay", status("mast"))
    assert not expected.learn("yard", status("mast"))
    assert not expected.learn("quay", status())
    assert expected.ids == {"mast"}


def test_a_gateway_whose_status_is_removed_takes_its_devices_with_it() -> None:
    expected = ExpectedDevices(())
    expected.learn("quay", status("mast", "meter"))
    expected.learn("yard", status("meter"))
    assert expected.forget("quay")
    assert expected.ids == {"meter"}
    assert not expected.forget("never-heard")
