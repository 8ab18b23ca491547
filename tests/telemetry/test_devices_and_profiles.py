"""Ids, names, devices and profiles as they are written by people."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from telemetry import Device, Profile
from telemetry.devices import check_identifier
from telemetry.words import RESERVED_NAMES, check_name


def profile(**changes: Any) -> Profile:
    given: dict[str, Any] = {
        "id": "mast",
        "title": {"en": "Mast", "vi": "Cột"},
        "driver": "nmea",
        "kind": "weather",
    }
    return Profile.model_validate(given | changes)


def metric(name: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "title": {"en": name, "vi": name}} | changes


@given(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True))
def test_an_id_of_lower_case_letters_digits_and_inner_hyphens_is_kept(text: str) -> None:
    assert check_identifier(text) == text


@pytest.mark.parametrize(
    "text", ["", "-a", "a-", "A", "a b", "a/b", "a+", "#", "..", "a\n", "é", "x" * 64, "a_b", "²"]
)
def test_an_id_that_could_harm_a_topic_a_path_or_a_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an id: use 1 to 63"):
        check_identifier(text)


@given(st.text(max_size=70))
def test_every_accepted_id_is_safe_in_topics_paths_and_urls(text: str) -> None:
    try:
        accepted = check_identifier(text)
    except ValueError:
        return
    assert set(accepted) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


@pytest.mark.parametrize("name", ["", "1a", "Speed", "wind speed", "a" * 49, "a-b", *sorted(RESERVED_NAMES)])
def test_a_name_the_stores_could_not_carry_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a name here"):
        check_name(name)


@pytest.mark.parametrize("kind", ["vessel", "vessel_static", "haidang_watermark", "gateway", "Tank"])
def test_a_kind_that_is_a_measurement_of_the_platforms_own_is_refused(kind: str) -> None:
    with pytest.raises(ValidationError, match="cannot be a"):
        profile(kind=kind)


def test_a_devices_period_is_written_as_text_or_as_seconds() -> None:
    quarter = Device(id="quay-power", profile="meter", link="tcp://h:502", every="250ms")  # type: ignore[arg-type]
    assert quarter.every == pytest.approx(0.25)
    assert Device(id="quay-power", profile="meter", link="tcp://h:502", every=2).every == 2


@pytest.mark.parametrize("every", ["soon", "0s", 0, -1, float("nan"), float("inf"), "9" * 400 + "s"])
def test_a_period_that_cannot_be_waited_for_is_refused(every: object) -> None:
    with pytest.raises(ValidationError, match="every"):
        Device.model_validate({"id": "a", "profile": "p", "link": "tcp://h:1", "every": every})


@pytest.mark.parametrize(
    "wrong", [{"unit_id": 256}, {"unit_id": -1}, {"profile": ""}, {"link": ""}, {"x": 1}]
)
def test_a_device_with_a_wrong_or_unknown_key_is_refused_by_that_key(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Device.model_validate({"id": "a", "profile": "p", "link": "tcp://h:1"} | wrong)


def test_two_metrics_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="two are called wind_speed"):
        profile(metrics=[metric("wind_speed"), metric("wind_speed"), metric("depth")])


def test_a_unit_is_named_by_its_ucum_code() -> None:
    assert profile(metrics=[metric("t", unit="Cel")]).metrics[0].unit == "Cel"
    with pytest.raises(ValidationError, match="write its UCUM code"):
        profile(metrics=[metric("t", unit="°C")])


def test_a_title_needs_both_languages() -> None:
    with pytest.raises(ValidationError, match=r"title\.vi"):
        profile(title={"en": "Mast"})
