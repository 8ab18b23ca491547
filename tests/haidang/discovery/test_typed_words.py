"""What an administrator types for a scan is understood, or told with what to write."""

import pytest

from haidang.discovery.words import settings, units
from telemetry import ConfigurationError


def test_ranges_and_single_units_are_one_list_without_repeats() -> None:
    assert units("1,2,5-8, 7") == [1, 2, 5, 6, 7, 8]


@pytest.mark.parametrize("text", ["", "a", "9-3", "1-256", "-", "1,,2"])
def test_what_is_no_range_is_told(text: str) -> None:
    with pytest.raises(ConfigurationError, match="write such as 1-32"):
        units(text)


def test_settings_are_read_as_yaml_reads_them() -> None:
    read = settings(["timeout=300ms", "retries=0", "word_order=little", "checked=true", "topic=a=b"])
    assert read == {"timeout": "300ms", "retries": 0, "word_order": "little", "checked": True, "topic": "a=b"}


@pytest.mark.parametrize("pair", ["timeout", "=3", "a=[1", ""])
def test_what_is_no_setting_is_told(pair: str) -> None:
    with pytest.raises(ConfigurationError):
        settings([pair])
