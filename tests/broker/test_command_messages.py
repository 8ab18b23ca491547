"""Commands, replies and packed statuses on the wire: as sent, so read; anything else is refused in words."""

import json
import math
import zlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker import statuses
from broker.commands import (
    LARGEST_COMMAND,
    LONGEST_LIFE,
    addressee,
    decode_command,
    decode_reply,
    encode_command,
    encode_reply,
)
from broker.statuses import COMPRESSED_FROM, decode_status, encode_status, merged
from broker.wire import DeviceStatus, GatewayStatus
from telemetry import Command, Reply, WireError

NOW = 1_795_000_000_000_000_000
VALUES = st.dictionaries(
    st.text(max_size=10),
    st.one_of(
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=10),
    ),
    max_size=5,
)
COMMAND = Command("c-1", "cam", "move", {"pan": -0.5}, NOW + 5)


def message(**changes: Any) -> bytes:
    return json.dumps({**json.loads(encode_command(COMMAND, NOW)), **changes}).encode()


@given(VALUES, st.integers(1, LONGEST_LIFE), st.booleans())
@settings(max_examples=50)
def test_a_command_is_read_as_it_was_sent(arguments: Any, life: int, repeated: bool) -> None:
    sent = Command("0a-9", "gate-cam-2", "preset_recall", arguments, NOW + life)
    read = decode_command(encode_command(sent, NOW, repeated=repeated))
    assert (read.command, read.asked_at, read.repeated) == (sent, NOW, repeated)


@given(VALUES, st.text(max_size=50))
@settings(max_examples=50)
def test_a_reply_is_read_as_it_was_sent(values: Any, detail: str) -> None:
    sent = Reply("c-1", "cam", "refused", detail, values)
    assert decode_reply(encode_reply(sent)).reply == sent


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": "../x"}, "matching regex"),
        ({"id": "x\n"}, "matching regex"),
        ({"id": "x" * 65}, "matching regex"),
        ({"device": "Cam"}, "not an id"),
        ({"action": "rm -rf"}, "cannot be a name"),
        ({"expires_at": NOW}, "must expire after it was asked"),
        ({"expires_at": NOW + LONGEST_LIFE + 1}, "must expire after it was asked, within 120 seconds"),
        ({"expires_at": 2**70}, "Expected"),
        ({"arguments": {"pan": [1]}}, "Expected"),
        ({"arguments": {"text": "x" * LARGEST_COMMAND}}, "at most"),
    ],
)
def test_a_command_that_cannot_be_is_refused_and_can_be_answered_where_its_id_is_one(
    changes: dict[str, Any], reason: str
) -> None:
    payload = message(**changes)
    with pytest.raises(WireError, match=reason):
        decode_command(payload)
    if len(payload) < LARGEST_COMMAND and changes.get("id") is None:
        assert addressee(payload) == ("c-1", changes.get("device", "cam"))
    else:
        with pytest.raises(WireError):
            addressee(payload)


@given(st.one_of(st.binary(max_size=200), st.integers(0, 150).map(lambda cut: message()[:cut])))
@settings(max_examples=200)
def test_no_bytes_do_more_than_a_refusal(payload: bytes) -> None:
    for read in (decode_command, decode_reply, decode_status, addressee):
        with suppress(WireError):
            read(payload)


@pytest.mark.parametrize("cut", range(0, len(message()), 7))
def test_half_a_command_is_none(cut: int) -> None:
    for read in (decode_command, decode_reply, decode_status, addressee):
        with pytest.raises(WireError):
            read(message()[:cut])


def test_what_json_cannot_carry_of_a_reply_is_left_out_and_the_rest_arrives() -> None:
    values = {"nan": math.nan, "inf": math.inf, "huge": 10**400, "pan": 1.5, "ok": True}
    assert decode_reply(encode_reply(Reply("c", "cam", values=values))).reply.values == {
        "pan": 1.5,
        "ok": True,
    }
    flood = {f"value_{number}": "x" * 200 for number in range(1_000)}
    assert decode_reply(encode_reply(Reply("c", "cam", detail="y" * 9_000, values=flood))).values == {}


def devices(number: int) -> list[DeviceStatus]:
    return [
        DeviceStatus(f"d-{one}", "p", "tcp://h:1", "file", state="ok", readings=one) for one in range(number)
    ]


@pytest.mark.parametrize("number", [0, 1, 5_000])
def test_a_status_is_read_as_it_was_sent_packed_or_not(number: int) -> None:
    status = GatewayStatus(True, devices=devices(number))
    payload = encode_status(status)
    assert payload.startswith(b"{") == (number < 100)
    assert len(payload) < 100_000
    assert decode_status(payload) == status


def test_a_status_that_unpacks_to_too_much_is_refused_without_unpacking_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statuses, "LARGEST_STATUS", 1 << 20)
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(b" " * (64 << 20)) + packer.flush()
    assert len(bomb) < 100_000
    with pytest.raises(WireError, match="unpacks to more than 1 MiB"):
        decode_status(bomb)


@given(st.integers(0, 3_000), st.binary(min_size=1, max_size=4))
@settings(max_examples=50)
def test_a_damaged_packed_status_is_refused(at: int, damage: bytes) -> None:
    payload = encode_status(GatewayStatus(True, devices=devices(2_000)))
    at %= len(payload) - 8
    damaged = payload[:at] + damage + payload[at + len(damage) :]
    if damaged[10:] != payload[10:]:  # a gzip header has bytes that mean nothing
        with pytest.raises(WireError):
            decode_status(damaged)
    with pytest.raises(WireError):
        decode_status(payload[: at + 2])


def test_what_a_status_leaves_out_is_as_it_was() -> None:
    whole = GatewayStatus(True, accepted=1, devices=devices(3))
    ill = DeviceStatus("d-1", "p", "tcp://h:1", "file", state="faulty")
    told = merged(whole, GatewayStatus(True, accepted=2, devices=[ill], partial=True))
    assert {one.id: one.state for one in told.devices} == {"d-0": "ok", "d-1": "faulty", "d-2": "ok"}
    assert told.accepted == 2
    will = merged(told, GatewayStatus(False))
    assert (will.online, [one.id for one in will.devices]) == (False, ["d-0", "d-1", "d-2"])
    assert merged(told, GatewayStatus(True, devices=devices(1))).devices == devices(1), (
        "a whole one stands alone"
    )
    alone = GatewayStatus(True, devices=[ill], partial=True)
    assert merged(None, alone) == alone
    assert COMPRESSED_FROM < 900_000
