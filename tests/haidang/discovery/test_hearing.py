"""What speaks on a wire is guessed from its bytes, and chance is not taken for a device."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.catalogue import load_catalogue
from drivers.modbus.frames import Request, encode_request, wrap_rtu
from drivers.nmea.sentences import encode
from haidang.discovery.hearing import MAKERS, SENTENCES, describe, guess

WIND = encode("WI", "MWV", ["045", "R", "12.3", "N", "A"])
POSITION = encode(
    "GP", "GGA", ["010203", "2050.0", "N", "10646.0", "E", "1", "8", "1.0", "3", "M", "", "", "", ""]
)
SHIP = encode("AI", "VDM", ["1", "1", "", "A", "15RTgt0PAso;90TKcjM8h6g208CQ", "0"], start="!")
DUST = bytes.fromhex("424d001c0005000700080005000700080300010e0032000400020000") + b"\x97\x00\x01\x3d"


@pytest.mark.parametrize(
    ("heard", "protocol", "profile"),
    [
        (WIND * 3, "NMEA 0183", "nmea-weather"),
        (POSITION * 3 + WIND, "NMEA 0183", "nmea-gnss"),
        (SHIP * 4 + POSITION, "AIS", "ais-receiver"),
        (DUST * 4, "Plantower particle sensor", "plantower-pms5003"),
        (bytes.fromhex("FF01000800FF08") * 3, "Pelco-D", "pelco-d"),
        (bytes.fromhex("FE05 FF08FE05 FF08FF06 FF07F6FC FF"), "ultrasonic level sensor", "dfrobot-a02yyuw"),
        (bytes.fromhex("FF030002200025") * 3, "Pelco-D", "pelco-d"),
        (bytes.fromhex("9041FF9051FF90500102FF"), "VISCA", "visca-camera"),
    ],
)
def test_each_protocol_is_known_by_its_frames_and_a_model_is_proposed(
    heard: bytes, protocol: str, profile: str
) -> None:
    found = guess(heard)
    assert found is not None
    assert (found.protocol, found.profiles[0], found.certain) == (protocol, profile, True)


def test_every_model_that_may_be_proposed_is_shipped() -> None:
    proposed = {
        "ais-receiver",
        "visca-camera",
        "pelco-d",
        "dfrobot-a02yyuw",
        *SENTENCES,
        *(one for _, one in MAKERS.values()),
    }
    assert proposed <= load_catalogue().profiles.keys()


def test_a_bus_that_somebody_polls_already_is_told_with_its_units() -> None:
    asked = wrap_rtu(3, encode_request(Request(4, 0, 2)))
    answered = wrap_rtu(3, bytes([4, 4, 0x43, 0x66, 0x33, 0x34]))
    found = guess(b"\x00" + asked + answered + wrap_rtu(7, encode_request(Request(3, 0, 1))))
    assert found is not None
    assert found.protocol == "Modbus RTU"
    assert "units 3, 7" in found.evidence


def test_lines_of_numbers_are_text_and_one_of_them_is_shown() -> None:
    found = guess(b"LEVEL +003.412 M\r\nLEVEL +003.415 M\r\n")
    assert found is not None
    assert found.protocol == "text lines"
    assert "'LEVEL +003.415 M'" in found.evidence


def test_a_log_with_broken_checksums_is_not_certain() -> None:
    found = guess(WIND.replace(b"12.3", b"12.4") * 20 + WIND)
    assert found is None or not found.certain or found.protocol == "text lines"


def test_noise_of_a_wrong_baud_rate_is_hardly_ever_called_certain() -> None:
    chance = random.Random(7)
    heard = [bytes(chance.choices((0, 0x80, 0xF8, 0xFE, 0xC0, 0x78, 0x06), k=300)) for _ in range(200)]
    certain = [found for some in heard if (found := guess(some)) is not None and found.certain]
    assert len(certain) <= 4, certain


@given(st.binary(max_size=600))
def test_any_bytes_are_guessed_at_without_an_error(heard: bytes) -> None:
    guess(heard)
    assert describe(heard)


def test_silence_is_called_silence() -> None:
    assert guess(b"") is None
    assert describe(b"") == "silence"
