"""Pelco-D and Pelco-P: the codec against recorded frames, and the driver against simulated cameras."""

import json
from collections.abc import Sequence
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.catalogue import load_catalogue
from drivers.contract import LastWord
from drivers.pelco.frames import (
    Aux,
    BadFrame,
    Dialect,
    Drive,
    FrameReader,
    GeneralReply,
    PelcoFrame,
    PelcoSaying,
    Position,
    Power,
    PresetAct,
    PresetCommand,
    Query,
    SetPosition,
    What,
    decode_saying,
    encode_saying,
)
from drivers.pelco.plan import PelcoPlan
from firmware_sim.pelco_camera import PelcoCamera
from telemetry import ProfileError, Quality
from tests.drivers.camera_wire import CameraWire, SharedLine, as_it_is, camera_driver, instant
from tests.drivers.listening import one_by_one, reasons
from tests.reference import reference

SERIAL = "serial:///dev/ttyUSB0?baudrate=2400"
PROFILES = load_catalogue().profiles
BOTH = pytest.mark.parametrize("dialect", ["d", "p"])

SAID: dict[str, PelcoSaying] = {
    "up max(turbo FF)": Drive(tilt=1, tilt_speed=0xFF),
    "down": Drive(tilt=-1, tilt_speed=0xFF),
    "left": Drive(pan=-1, pan_speed=0xFF),
    "right": Drive(pan=1, pan_speed=0xFF),
    "zoom tele": Drive(zoom=1),
    "zoom wide": Drive(zoom=-1),
    "focus far (README labels it near)": Drive(focus=1),
    "focus near (README labels it far)": Drive(focus=-1),
    "iris open": Drive(iris=1),
    "iris close": Drive(iris=-1),
    "aux1 on": Aux(1, True),
    "aux1 off": Aux(1, False),
    "goto preset 1": PresetCommand(PresetAct.RECALL, 1),
    "set preset 1": PresetCommand(PresetAct.STORE, 1),
    "clear preset 1": PresetCommand(PresetAct.CLEAR, 1),
    "stop": Drive(),
    "set pan 120.00 deg (computed from Mnux9 rule)": SetPosition(What.PAN, 12_000),
    "query pan/tilt/zoom opcodes 51/53/55 -> replies 59/5B/5D": Query(What.PAN),
}
"""What the recorded frames say."""


def test_every_recorded_pelco_d_frame_passes_both_ways() -> None:
    everything = json.loads(reference("camera/vectors.json").read_text())
    recorded = {one["name"]: bytes.fromhex(one["hex"]) for one in everything if one["p"] == "pelco-d"}
    assert recorded.keys() == SAID.keys()
    for name, data in recorded.items():
        (frame,) = FrameReader("d").feed(data)
        assert isinstance(frame, PelcoFrame), name
        assert (frame.address, decode_saying(frame.words, "d")) == (1, SAID[name]), name
        assert PelcoFrame(1, encode_saying(SAID[name], "d")).encode("d") == data, name
    for what, opcodes in zip(What, ((0x51, 0x59), (0x53, 0x5B), (0x55, 0x5D)), strict=True):
        said = encode_saying(Query(what), "d"), encode_saying(Position(what, 0x1234), "d")
        assert [words[1] for words in said] == list(opcodes)
        assert decode_saying(said[1], "d") == Position(what, 0x1234)


WAY = st.integers(-1, 1)
SPEED = st.integers(0, 0x3F)
SAYINGS = st.one_of(
    st.builds(Drive, WAY, WAY, SPEED, SPEED, WAY, WAY, WAY),
    st.builds(PresetCommand, st.sampled_from(list(PresetAct)), st.integers(0, 255)),
    st.builds(Aux, st.integers(0, 255), st.booleans()),
    st.builds(SetPosition, st.sampled_from(list(What)), st.integers(0, 0xFFFF)),
    st.builds(Position, st.sampled_from(list(What)), st.integers(0, 0xFFFF)),
    st.builds(Query, st.sampled_from(list(What))),
)


@BOTH
@settings(max_examples=100)
@given(said=SAYINGS, address=st.integers(1, 255), first=st.integers(0, 1))
def test_whatever_one_side_says_the_other_understands(
    dialect: Dialect, said: PelcoSaying, address: int, first: int
) -> None:
    data = PelcoFrame(address, encode_saying(said, dialect)).encode(dialect, first)
    (frame,) = FrameReader(dialect, first).feed(data)
    assert isinstance(frame, PelcoFrame)
    assert (frame.address, decode_saying(frame.words, dialect)) == (address, said)


def test_power_is_pelco_d_only() -> None:
    for on in (True, False):
        assert decode_saying(encode_saying(Power(on), "d"), "d") == Power(on)
    assert "power" not in {action.name for action in PelcoPlan(PROFILES["pelco-p"]).actions}


@BOTH
@settings(max_examples=100)
@given(
    chunks=st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.sampled_from([b"\xff\x01\x00\x59\x00\x01\x5b", b"\xff\x01\x00\x01\xff"]),
        ),
        max_size=10,
    )
)
def test_any_bytes_in_any_chunking_give_the_same_frames(dialect: Dialect, chunks: list[bytes]) -> None:
    data = b"".join(chunks)
    whole, pieces, single = (FrameReader(dialect) for _ in range(3))
    expected = list(whole.feed(data))
    assert list(chain.from_iterable(pieces.feed(chunk) for chunk in chunks)) == expected
    assert list(chain.from_iterable(single.feed(byte) for byte in one_by_one(data))) == expected
    assert len(single._pending) < 8
    for found in expected:
        if isinstance(found, PelcoFrame):
            decode_saying(found.words, dialect)


def test_a_frame_behind_rubbish_is_found_and_the_rubbish_told_once() -> None:
    good = PelcoFrame(1, encode_saying(Position(What.PAN, 100), "d")).encode("d")
    found = list(FrameReader("d").feed(b"\x00\x12" + b"\xff\x01\x02\x04" * 50 + good))
    assert isinstance(found[0], BadFrame)
    assert [type(one) for one in found[1:]] == [PelcoFrame]


def test_a_short_acknowledgement_between_frames_is_passed_over() -> None:
    good = PelcoFrame(1, encode_saying(Position(What.PAN, 100), "d")).encode("d")
    assert [type(one) for one in FrameReader("d").feed(b"\xff\x01\x00\x01" + good)] == [
        GeneralReply,
        PelcoFrame,
    ]


# --- The driver


def wire(profile: str = "pelco-d", unit_id: int = 1, **settings: object) -> tuple[CameraWire, PelcoCamera]:
    """One camera on one line, after the stops at the beginning."""
    camera = PelcoCamera(PROFILES[profile], unit_id)
    driver = camera_driver(profile, SERIAL, unit_id=unit_id, settings=settings)
    line = CameraWire(camera, {"dut": driver})
    line.run(5)
    return line, camera


def settle(line: CameraWire, camera: PelcoCamera) -> None:
    """Lets the camera's head know what time it is."""
    camera.pass_time(instant(line.now))


@pytest.mark.parametrize("profile", ["pelco-d", "pelco-p", "pelco-spectra", "pelco-d-position"])
def test_a_move_ends_by_itself_when_nobody_says_more(profile: str) -> None:
    line, camera = wire(profile, 5)
    move = line.command("move", pan=0.5, tilt=-0.2, hold=1.0)
    line.run(0.9)
    settle(line, camera)
    assert camera.head.pan.moving
    assert line.reply(move).done
    line.run(1)
    settle(line, camera)
    where = camera.head.position
    assert 35 < where[0] < 60
    assert not camera.head.moving
    line.run(30)
    settle(line, camera)
    assert camera.head.position == where


def test_what_ends_does_not_end_what_goes_on() -> None:
    line, camera = wire()
    line.command("zoom", speed=1, hold=5)
    line.command("move", pan=0.1, hold=0.5)
    line.run(1)
    settle(line, camera)
    assert camera.head.zoom.moving
    assert not camera.head.pan.moving
    stop = line.command("stop")
    line.run(2)
    settle(line, camera)
    assert not camera.head.moving
    assert line.reply(stop).done


def test_a_stop_of_a_camera_that_never_answers_is_said_three_times() -> None:
    line, camera = wire()
    camera.heard.clear()
    line.command("move", pan=0.1, hold=0.5)
    line.run(10)
    assert camera.heard[1:] == [Drive()] * 3


def test_two_stops_may_get_lost_and_the_camera_still_stands() -> None:
    line, camera = wire()
    line.command("move", pan=0.1, hold=0.5)
    line.run(0.4)
    lost = [2]

    def lose(frame: bytes, _: float) -> Sequence[bytes]:
        lost[0] -= 1
        return () if lost[0] >= 0 else (frame,)

    line.to_camera = lose
    line.run(5)
    settle(line, camera)
    assert not camera.head.moving


def test_a_link_that_breaks_in_the_middle_of_a_move_stops_the_camera_when_it_is_back() -> None:
    line, camera = wire()
    line.command("move", pan=0.1, hold=10.0)
    line.run(1)
    line.reopen()
    line.run(0.1)
    settle(line, camera)
    assert not camera.head.moving


def test_a_camera_that_cannot_answer_is_not_called_silent_and_nothing_is_made_up_about_it() -> None:
    line, _ = wire()
    line.run(120)
    assert len(line.readings) >= 5
    assert {reading.quality for reading in line.readings} == {Quality.UNCERTAIN}
    assert {tuple(reading.values) for reading in line.readings} == {("driven",)}
    assert line.faults == []


def test_each_beginning_and_end_of_a_motion_is_a_reading() -> None:
    line, _ = wire()
    before = len(line.readings)
    line.command("move", pan=1, hold=1)
    line.run(3)
    told = [reading.values["driven"] for reading in line.readings[before:]]
    assert told[:2] == [True, False]


def test_a_camera_that_tells_its_position_is_read_and_sent_somewhere() -> None:
    line, camera = wire("pelco-d-position", 3)
    go = line.command("move_to", pan=-120, tilt=-10)
    zoom = line.command("zoom_to", zoom=40)
    line.run(9)
    assert line.reply(go).done
    assert line.reply(zoom).done
    values = line.readings[-1].values
    assert values["pan"] == -120
    assert values["tilt"] == -10
    assert values["zoom"] == pytest.approx(40, abs=0.01)
    assert line.readings[-1].quality is Quality.GOOD
    position = line.command("position")
    line.run(1)
    assert dict(line.reply(position).values) == {key: values[key] for key in ("pan", "tilt", "zoom")}
    assert camera.head.position[0] == -120


def test_a_camera_that_should_answer_and_does_not_is_told_as_faults() -> None:
    line, _ = wire("pelco-d-position")
    line.to_gateway = lambda frame, _: ()
    before = len(line.readings)
    position = line.command("position")
    line.run(60)
    assert line.reply(position).reason == "timeout"
    assert len(line.readings) == before
    assert reasons(line.faults)["timeout"] >= 3
    line.to_gateway = as_it_is
    line.run(60)
    assert line.readings[-1].quality is Quality.GOOD


def test_a_late_position_is_not_taken_for_another() -> None:
    line, _ = wire("pelco-d-position")
    late = PelcoFrame(1, encode_saying(Position(What.TILT, 9_000), "d")).encode("d")

    def only_tilt(frame: bytes, _: float) -> Sequence[bytes]:
        return (late,)

    line.to_gateway = only_tilt
    position = line.command("position")
    line.run(3)
    assert line.reply(position).reason == "timeout"


def test_two_cameras_share_a_line_and_each_hears_its_own() -> None:
    cameras = [PelcoCamera(PROFILES["pelco-d-position"], n) for n in (1, 2)]
    drivers = {f"dut{n}": camera_driver("pelco-d-position", SERIAL, id=f"dut{n}", unit_id=n) for n in (1, 2)}
    line = CameraWire(SharedLine(*cameras), drivers)
    line.run(5)
    line.command("move_to", device="dut2", pan=50, tilt=0)
    line.run(12)
    latest = {
        reading.device: reading.values.get("pan") for reading in line.readings if "pan" in reading.values
    }
    assert latest == {"dut1": 0, "dut2": 50}
    assert line.faults == []


def test_reserved_presets_are_refused_and_outputs_have_names() -> None:
    line, camera = wire("pelco-d", presets=[1, 99], reserved=[95], wiper=2, light=3, home_preset=34)
    menu = line.command("preset_recall", preset=95)
    line.run(1)
    wiper, light = line.command("wiper", on=True), line.command("light", on=False)
    home = line.command("home")
    line.run(2)
    assert line.reply(menu).reason == "refused"
    assert all(line.reply(one).done for one in (wiper, light, home))
    assert camera.head.outputs == {2: True, 3: False}
    assert PresetCommand(PresetAct.RECALL, 34) in camera.heard


def test_a_camera_that_gives_up_by_itself_is_moved_on_as_long_as_the_operator_says_so() -> None:
    camera = PelcoCamera(PROFILES["pelco-d"], gives_up=1.0)
    line = CameraWire(camera, {"dut": camera_driver("pelco-d", SERIAL)})
    line.run(5)
    for _ in range(4):
        line.command("move", pan=0.1, hold=1.0)
        line.run(0.5)
    settle(line, camera)
    assert camera.head.pan.moving


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unit_id": 0}, "addresses are 1 to 255"),
        ({"settings": {"protocol": "q"}}, "protocol"),
        ({"settings": {"without": ["home"]}}, "this driver offers"),
    ],
)
def test_a_device_that_cannot_be_spoken_to_says_what_to_write(
    changes: dict[str, object], message: str
) -> None:
    given: dict[str, object] = {"link": SERIAL} | changes
    link = str(given.pop("link"))
    with pytest.raises(ProfileError, match=message):
        camera_driver("pelco-d", link, **given)


def test_a_profile_that_asks_a_camera_which_never_answers_is_refused() -> None:
    with pytest.raises(ProfileError, match="replies: true"):
        camera_driver("pelco-d-position", SERIAL, settings={"replies": False})


def test_a_stop_that_is_repeated_does_not_end_a_journey_that_was_told_since() -> None:
    line, camera = wire("pelco-d-position")
    line.command("zoom", speed=1, hold=5)
    line.command("move", pan=0.2, hold=0.2)
    line.run(0.5)
    line.command("move_to", pan=120, tilt=40)
    line.run(20)
    settle(line, camera)
    assert camera.head.position[:2] == (120, 40)
    assert not camera.head.zoom.moving
    assert camera.head.zoom.position < 100


def test_a_stop_gets_its_reply_also_when_a_journey_follows_at_once() -> None:
    line, _ = wire("pelco-d-position")
    stop = line.command("stop")
    line.run(0.1)
    go = line.command("move_to", pan=10, tilt=0)
    line.run(1)
    assert line.reply(stop).done
    assert line.reply(go).done


def test_the_last_word_is_a_stop_where_something_moves_and_nothing_where_nothing_does() -> None:
    for profile in ("pelco-d", "visca-camera"):
        driver = camera_driver(profile, SERIAL)
        assert isinstance(driver, LastWord)
        driver.connected(instant(0))
        assert driver.last_word(instant(0))
    line, _ = wire()
    seat = line.bus.seat("dut")
    assert seat is not None
    assert isinstance(seat.driver, LastWord)
    assert seat.driver.last_word(instant(line.now)) == ()
    line.command("move", pan=1, hold=5)
    line.run(0.1)
    stops = [frame.payload for frame in seat.driver.last_word(instant(line.now))]
    assert stops == [bytes.fromhex("FF010000000001")] * 3
