"""Recordings of others, decoded beside gpsd, pyais and libais; where they differ, M.1371 decides."""

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from pyais import AISSentence
from pyais.constants import ShipType
from pyais.exceptions import AISBaseException
from pyais.stream import IterMessages

from tests.reference import reference
from tests.vessels.oracles import NOT_IN_PYAIS, SUPPORTED, as_gpsd, decoded, from_pyais, scaled
from vessels.codec import encode
from vessels.messages import AidToNavigation, Message, PositionReport, StaticPartA, StaticPartB
from vessels.rejects import Reason

SHIP_TYPES_OF_PYAIS = frozenset(map(int, ShipType))
"""Codes that are reserved it shows as 0."""
SPARE = frozenset({"reserved", "regional"})
"""Bits that the fifth edition of M.1371 declares spare; in type 21 `regional` is the aid's status."""


def lines(name: str) -> list[str]:
    return reference(f"ais/{name}").read_text("latin-1").splitlines()


def gpsd(kind: str) -> list[dict[str, Any]]:
    objects = [json.loads(line) for line in lines(f"gpsd-sample.{kind}.jsonl")]
    return [shown for shown in objects if shown["type"] in SUPPORTED]


def paired(kind: str) -> Iterator[tuple[Sequence[Message], dict[str, Any]]]:
    """Our messages beside gpsd's; the halves of type 24 that gpsd put together stand together."""
    messages, _ = decoded(lines("gpsd-sample.aivdm"))
    ours: list[Sequence[Message]] = []
    halves: dict[int, StaticPartA] = {}
    for message in messages:
        if isinstance(message, StaticPartA):
            halves[message.mmsi] = message
        elif not isinstance(message, StaticPartB):
            ours.append([message])
        elif message.mmsi in halves:
            ours.append([halves.pop(message.mmsi), message])
    return zip(ours, gpsd(kind), strict=True)


def compared(theirs: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be the same: all but gpsd's own words, and bits that are spare now."""
    ignored = {"class", "device", "scaled"} | (set() if theirs["type"] == 21 else SPARE)
    return {
        name: value for name, value in theirs.items() if name not in ignored and not name.endswith("_text")
    }


def test_every_bit_of_the_gpsd_sample_is_read_as_gpsd_reads_it() -> None:
    fields = 0
    for messages, shown in paired("unscaled"):
        theirs = compared(shown)
        ours = {name: value for message in messages for name, value in as_gpsd(message).items()}
        if "vendorid" in theirs:  # before the fourth edition all of it was one text
            theirs.pop("vendorid")
        if (ours["mmsi"], theirs.get("radio")) == (244740981, 1076):
            theirs["radio"] <<= 5  # this message lacks its last five bits
        if ours["mmsi"] == 972158237:  # 205° east, 109° north, year 10196
            assert (theirs["lon"], theirs["lat"]) == (123070132, 65599231)
            theirs |= {"lon": 108600000, "lat": 54600000, "timestamp": "0000-00-24T09:57:37Z"}
        assert {name: ours.get(name) for name in theirs} == theirs
        fields += len(theirs)
    assert fields > 350


def test_every_value_of_the_gpsd_sample_is_scaled_as_gpsd_scales_it() -> None:
    counts: Counter[int] = Counter()
    for messages, shown in paired("scaled"):
        ours = {name: value for message in messages for name, value in scaled(message).items()}
        counts[ours["type"]] += 1
        for name in {"speed", "lon", "lat", "course", "draught", "turn", "heading"} & ours.keys():
            if name == "turn":
                assert str(ours[name]) == shown[name].removesuffix(".00")
                continue
            assert ours[name] == pytest.approx(shown[name], abs=6e-5 if ours["type"] == 27 else 6e-8), name
    assert counts == {1: 4, 2: 1, 3: 1, 4: 4, 5: 3, 9: 2, 11: 1, 18: 3, 19: 1, 21: 2, 24: 2, 27: 2}


def test_what_the_gpsd_sample_calls_not_available_is_none() -> None:
    absent = {"lon": 181.0, "lat": 91.0, "speed": 102.3, "course": 360.0, "heading": 511, "draught": 0.0}
    seen: Counter[str] = Counter()
    for messages, shown in paired("scaled"):
        ours = {name: value for message in messages for name, value in scaled(message).items()}
        for name, value in absent.items():
            if shown.get(name) == value:
                assert name not in ours
                seen[name] += 1
    assert seen["heading"] > 5
    assert seen["lon"] == seen["lat"] > 0


RECORDINGS = {
    "norway-tagblocks.nm4": (877, 13_000),
    "denmark-stream.txt": (3_653, 56_000),
    "merrimac-ais-and-weather.log": (1_459, 22_000),
    "merrimac-nais300.log": (522, 8_000),
    "merrimac-nais400.log": (633, 9_000),
    "libais-types.nmea": (11, 150),
    "libais-tagblock.nmea": (4, 60),
    "gfw-multi-part.nmea": (10, 190),
}
"""Recording → messages of our types in it, and how many of their fields are compared at least."""


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_says_what_pyais_hears(name: str) -> None:
    ours, _ = decoded(lines(name))
    theirs = list(pyais(lines(name)))
    fields = 0
    for message, shown in zip(ours, theirs, strict=True):
        for field in set(message._fields) - NOT_IN_PYAIS:
            fields += agrees(message, field, shown)
    assert len(ours) == RECORDINGS[name][0]
    assert fields >= RECORDINGS[name][1]


def pyais(recording: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    sentences = [line.encode("latin-1") for line in recording if line.startswith(("!", "\\"))]
    for sentence in IterMessages(sentences):
        assert isinstance(sentence, AISSentence)
        try:
            message = sentence.decode()
        except AISBaseException:
            continue
        if message.msg_type in SUPPORTED:
            yield message.asdict()


def agrees(message: Message, field: str, shown: Mapping[str, Any]) -> bool:
    """True when the field was compared; fails when it differs."""
    ours, theirs = getattr(message, field), from_pyais(message, field, shown)
    if field == "ship_type" and ours not in SHIP_TYPES_OF_PYAIS:
        return False
    if field == "epfd" and isinstance(message, StaticPartB):
        return False  # pyais takes its bits for spare
    if field == "turn" and isinstance(message, PositionReport):
        rate = message.rate_of_turn
        ours, theirs = None if rate is None else round(rate), None if abs(theirs) > 126.9 else round(theirs)
        if message.turn is not None and abs(message.turn) > 49:
            return False  # above 107°/min pyais' number means an indicator or a rate
    assert ours == theirs or ours == pytest.approx(theirs, abs=1e-6), (message, field, theirs)
    return True


LIBAIS_FAULTS = frozenset({(9, "speed"), (27, "gnss")})
"""It gives tenths of knots for the whole knots of type 9, and turns the latency bit of type 27 around."""
LIBAIS_TEXT = {ord("_"): "-", ord("'"): "`"}
"""Two characters of table 47 that it has wrong."""


def test_libais_hears_the_same() -> None:
    ours, _ = decoded(lines("libais-types.nmea"))
    objects = [json.loads(line) for line in lines("libais-types.json")]
    supported = [shown for shown in objects if shown["type"] in SUPPORTED]
    fields = 0
    for message, shown in zip(ours, supported, strict=True):
        said = scaled(message)
        names = {name for name in said.keys() & shown.keys() if (message.type, name) not in LIBAIS_FAULTS}
        for name in names - {"turn"}:
            theirs = int(shown[name]) if name == "imo" else shown[name]
            if isinstance(theirs, str):
                assert said[name].translate(LIBAIS_TEXT) == theirs
            else:
                assert said[name] == pytest.approx(theirs, rel=1e-5), (message, name)
        fields += len(names)
    assert fields > 100


def test_the_counts_of_rejects_of_the_recordings() -> None:
    assert decoded(lines("denmark-stream.txt"))[1].rejects == {
        Reason.NOT_AIS: 4051,
        Reason.UNSUPPORTED_TYPE: 398,
    }
    assert decoded(lines("norway-tagblocks.nm4"))[1].rejects == {Reason.BAD_TAG_BLOCK: 246}
    assert decoded(lines("gfw-type1-bad-bitcount.nmea"))[1].rejects == {
        Reason.BAD_LENGTH: 12,
        Reason.NOT_AIS: 1,
    }
    assert decoded(lines("gfw-errors.nmea"))[1].rejects == {Reason.BAD_LENGTH: 2, Reason.BAD_CHECKSUM: 2}
    assert decoded(lines("gfw-bad-type5.nmea"))[1].rejects == {Reason.GLUED: 3, Reason.NOT_AIS: 4}


def test_a_broken_group_of_a_tag_block_does_not_lose_its_message() -> None:
    (message,), decoder = decoded(lines("gfw-bad-tagblock-group.nmea"))
    assert isinstance(message, AidToNavigation)
    assert message.name is not None
    assert decoder.rejects == {Reason.BAD_TAG_BLOCK: 2}


def test_every_mark_of_the_hai_phong_channel_survives_the_air() -> None:
    rows = list(csv.DictReader(lines("../haiphong/aids-to-navigation.csv")))
    for row in rows:
        mark = AidToNavigation(
            21, 0, int(row["mmsi"]), 14, row["name"], lon=float(row["lon"]), lat=float(row["lat"])
        )
        (heard,), _ = decoded(encode(mark))
        assert isinstance(heard, AidToNavigation)
        assert (heard.mmsi, heard.name) == (mark.mmsi, mark.name)
        assert heard.lon == pytest.approx(mark.lon, abs=1e-6)
        assert heard.lat == pytest.approx(mark.lat, abs=1e-6)
    assert len(rows) == 118
