"""Modbus function 43/14: who made a device, both sides; the standard's example."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.modbus.frames import RefusalError
from drivers.modbus.identity import (
    EXTENDED,
    SPECIFIC,
    Identity,
    IdentityRequest,
    decode_identity,
    decode_identity_request,
    encode_identity,
    encode_identity_request,
    identity_length,
)

EXAMPLE = {0: "Company identification", 1: "Product code XX", 2: "V2.11"}
REPLY = (
    bytes.fromhex("2B 0E 01 01 00 00 03 00 16")
    + b"Company identification"
    + bytes.fromhex("01 0F")
    + b"Product code XX"
    + bytes.fromhex("02 05")
    + b"V2.11"
)
"""V1.1b3 §6.21, the example of a basic device in one transaction; its lengths are put right here."""


def test_the_standard_s_example_holds_both_ways() -> None:
    request = bytes.fromhex("2B0E0100")
    assert encode_identity_request(IdentityRequest()) == request
    assert decode_identity_request(request) == IdentityRequest()
    assert decode_identity(REPLY) == Identity(EXAMPLE)
    assert encode_identity(IdentityRequest(), EXAMPLE) == REPLY[:3] + b"\x81" + REPLY[4:]


def test_objects_that_do_not_fit_one_frame_are_asked_for_in_turn() -> None:
    objects = {number: f"{number:03d}" + "x" * 97 for number in range(8)}
    told: dict[int, str] = {}
    first: int | None = 0
    turns = 0
    while first is not None:
        reply = decode_identity(encode_identity(IdentityRequest(EXTENDED, first), objects))
        told |= reply.objects
        first, turns = reply.more_from, turns + 1
    assert told == objects
    assert turns == 4


def test_a_specific_object_is_there_or_refused() -> None:
    reply = decode_identity(encode_identity(IdentityRequest(SPECIFIC, 2), EXAMPLE))
    assert reply.objects == {2: "V2.11"}
    with pytest.raises(RefusalError, match="illegal data address"):
        encode_identity(IdentityRequest(SPECIFIC, 9), EXAMPLE)


@pytest.mark.parametrize(("pdu", "code"), [("2B", 1), ("2B0D0100", 1), ("2B0E0900", 3), ("2B0E01", 3)])
def test_a_request_that_cannot_be_served_names_the_exception(pdu: str, code: int) -> None:
    with pytest.raises(RefusalError) as caught:
        decode_identity_request(bytes.fromhex(pdu))
    assert caught.value.code == code


@pytest.mark.parametrize(("pdu", "code"), [("AB01", 1), ("03020001", 0), (REPLY[:-1].hex(), 0), ("2B0E", 0)])
def test_a_reply_that_identifies_nothing_is_refused(pdu: str, code: int) -> None:
    with pytest.raises(RefusalError) as caught:
        decode_identity(bytes.fromhex(pdu))
    assert caught.value.code == code


def test_how_long_a_reply_is_can_be_told_from_its_beginning() -> None:
    whole = b"\x01" + REPLY
    assert identity_length(whole) == len(whole)
    assert identity_length(whole + b"crc") == len(whole)
    assert all(identity_length(whole[:end]) is None for end in (0, 5, 8, 12, 40))


@given(st.binary(max_size=80))
@settings(max_examples=100)
def test_any_bytes_are_an_identification_or_refused(pdu: bytes) -> None:
    for one in (pdu, REPLY[:7] + pdu):
        with suppress(RefusalError):
            decode_identity(one)
        with suppress(RefusalError):
            decode_identity_request(one)
        identity_length(one)
