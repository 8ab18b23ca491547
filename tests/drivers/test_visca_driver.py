"""The VISCA driver against simulated cameras in simulated time: motion, sockets, chains, bad wires."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.contract import Fault
from drivers.ptz.orders import LIMIT
from drivers.visca.commands import Inquiry, PanTilt, Zoom, encode_command
from drivers.visca.frames import Datagram, Payload, encode_control_fault, to_camera
from firmware_sim.ptz_head import Axis, PtzHead
from firmware_sim.visca_camera import Quirks, ViscaCamera, ViscaChain, ViscaIpCamera
from telemetry import ProfileError, Quality
from tests.drivers.camera_wire import CameraWire, Spoil, as_it_is, camera_driver, instant
from tests.drivers.listening import one_by_one, reasons

SERIAL = "serial:///dev/ttyUSB0?baudrate=9600"
TCP = "tcp://10.0.0.5:5678"
UDP = "udp://10.0.0.5:52381"
ROADS = pytest.mark.parametrize("link", [SERIAL, TCP, UDP])


def wire(link: str, camera: ViscaCamera | None = None, **settings: object) -> tuple[CameraWire, ViscaCamera]:
    """One camera on one line, after its first poll."""
    camera = camera or ViscaCamera()
    simulated = ViscaIpCamera(camera) if link == UDP else ViscaChain(camera, addressed=link == TCP)
    line = CameraWire(simulated, {"dut": camera_driver("visca-camera", link, settings=settings)})
    line.run(12)
    return line, camera


def chain_of(count: int) -> tuple[CameraWire, list[ViscaCamera]]:
    """So many cameras on one chain, called dut1, dut2 …, after their first polls."""
    cameras = [ViscaCamera() for _ in range(count)]
    drivers = {
        f"dut{n}": camera_driver("visca-camera", SERIAL, id=f"dut{n}", unit_id=n) for n in range(1, count + 1)
    }
    line = CameraWire(ViscaChain(*cameras), drivers)
    line.run(14)
    return line, cameras


def says(frame: bytes, what: bytes) -> bool:
    """Whether a frame, numbered or not, carries this body."""
    return frame.endswith(what + b"\xff")


# --- The operator vanishes


@ROADS
def test_a_move_ends_by_itself_when_nobody_says_more(link: str) -> None:
    line, camera = wire(link)
    move = line.command("move", pan=0.5, hold=1.0)
    line.run(0.9)
    assert camera.head.pan.moving
    line.run(0.4)
    assert line.reply(move).done
    assert not camera.head.moving
    where = camera.head.position
    assert 35 < where[0] < 60  # one second at half of 80 degrees a second, and no more
    line.run(30)
    assert camera.head.position == where


@ROADS
def test_the_position_is_reported_where_the_camera_came_to_rest(link: str) -> None:
    line, camera = wire(link)
    line.command("move", pan=-1, tilt=1, hold=0.5)
    line.command("zoom", speed=1, hold=1)
    line.run(8)
    values = line.readings[-1].values
    pan, tilt, zoom = camera.head.position
    assert values["pan"] == pytest.approx(pan, abs=0.1)
    assert values["tilt"] == pytest.approx(tilt, abs=0.1)
    assert values["zoom"] == pytest.approx(zoom, abs=0.1)
    assert line.readings[-1].quality is Quality.GOOD
    assert pan < 0 < tilt
    assert not camera.head.moving


def test_an_operator_who_goes_on_moving_is_not_interrupted() -> None:
    line, camera = wire(SERIAL)
    line.sent.clear()
    for _ in range(5):
        line.command("move", pan=0.1, hold=1.0)
        line.run(0.5)
    stops = [at for at, frame in line.sent if says(frame, encode_command(PanTilt(1, 1, 0, 0)))]
    assert stops == []
    line.run(1.5)
    assert not camera.head.moving


def test_a_link_that_breaks_in_the_middle_of_a_move_stops_the_camera_when_it_is_back() -> None:
    line, camera = wire(SERIAL)
    line.command("move", pan=0.1, hold=10.0)
    line.run(1)
    assert camera.head.moving
    line.reopen()
    line.run(0.1)
    assert not camera.head.moving


def test_a_gateway_that_is_started_anew_stops_what_the_one_before_left_running() -> None:
    camera = ViscaCamera()
    camera.told(encode_command(PanTilt(2, 1, 1, 0)), instant(0))
    camera.told(encode_command(Zoom(1, 0)), instant(0))
    assert camera.head.moving
    wire(TCP, camera)
    assert not camera.head.moving


@ROADS
def test_a_stop_that_gets_lost_is_said_until_the_camera_has_heard_it(link: str) -> None:
    line, camera = wire(link)
    lost = Counter[str]()

    def lose_stops(frame: bytes, _: float) -> Sequence[bytes]:
        if says(frame, encode_command(PanTilt(1, 1, 0, 0))) and lost["stop"] < 6:
            lost["stop"] += 1
            return ()
        return (frame,)

    line.to_camera = lose_stops
    line.command("move", pan=0.1, hold=0.5)
    line.run(1)
    assert camera.head.moving
    line.run(30)
    assert lost["stop"] == 6
    assert not camera.head.moving


def test_a_stop_whose_answers_get_lost_is_repeated_and_does_no_harm() -> None:
    line, camera = wire(SERIAL)
    line.to_gateway = lambda frame, _: ()
    line.command("move", pan=0.1, hold=0.5)
    line.run(5)
    assert not camera.head.moving
    line.to_gateway = as_it_is
    line.run(40)
    assert line.readings[-1].quality is Quality.GOOD


def test_a_stop_that_was_never_confirmed_does_not_end_a_journey_that_was_told_since() -> None:
    line, camera = wire(SERIAL)
    line.to_gateway = lambda frame, _: ()
    line.command("move", pan=0.1, hold=0.2)
    line.run(1.5)
    line.to_gateway = as_it_is
    go = line.command("move_to", pan=-150, tilt=80)
    line.run(15)
    assert line.reply(go).done
    assert camera.head.position[:2] == (-150, 80)


# --- Stop, and which command wins


@ROADS
def test_a_stop_ends_everything_and_is_answered_when_it_has(link: str) -> None:
    line, camera = wire(link)
    line.command("move", pan=0.2, hold=10)
    line.command("zoom", speed=0.2, hold=10)
    line.run(0.5)
    assert camera.head.pan.moving
    assert camera.head.zoom.moving
    stop = line.command("stop")
    line.run(0.5)
    assert line.reply(stop).done
    assert not camera.head.moving


@ROADS
def test_a_stop_ends_a_preset_under_way_and_says_so(link: str) -> None:
    camera = ViscaCamera()
    camera.head.presets[7] = (160.0, 0.0, 0.0)
    line, _ = wire(link, camera)
    recall = line.command("preset_recall", preset=7)
    line.run(0.5)
    assert camera.head.moving
    stop = line.command("stop")
    line.run(0.5)
    assert line.reply(recall).reason == "refused"
    assert "stopped" in line.reply(recall).detail
    assert line.reply(stop).done
    assert camera.head.position[0] < 60


def test_a_stop_goes_out_before_commands_that_wait_and_those_it_makes_pointless_are_told() -> None:
    line, camera = wire(SERIAL)
    waiting = [line.command("preset_store", preset=n) for n in range(3)]
    move = line.command("move", pan=1)
    line.sent.clear()
    stop = line.command("stop")
    line.run(1)
    assert says(line.sent[0][1], encode_command(PanTilt(1, 1, 0, 0)))
    assert line.reply(move).reason == "unsent"
    assert all(line.reply(one).done for one in (*waiting, stop))
    assert camera.head.travelled == 0


def test_a_burst_of_stops_cancels_what_runs_once() -> None:
    line, camera = wire(SERIAL)
    camera.head.presets[7] = (160.0, 0.0, 0.0)
    line.command("preset_recall", preset=7)
    line.run(0.5)
    line.sent.clear()
    stops = [line.command("stop") for _ in range(50)]
    line.run(5)
    cancels = [frame for _, frame in line.sent if any(says(frame, bytes((0x20 | n,))) for n in (1, 2))]
    assert len(cancels) == 1
    assert {line.reply(stop).reason for stop in stops} == {"", "unsent"}


def test_a_stop_gets_through_when_both_sockets_are_taken() -> None:
    head = PtzHead(Axis(-170, 170, 1), Axis(-30, 90, 1), Axis(0, 100, 1))
    line, _ = wire(SERIAL, ViscaCamera(head=head))
    turn, zoom = line.command("move_to", pan=100, tilt=50), line.command("zoom_to", zoom=90)
    line.run(1)
    assert head.pan.moving
    assert head.zoom.moving
    stop = line.command("stop")
    line.run(1)
    assert not head.moving
    assert line.reply(stop).done
    assert {line.reply(turn).reason, line.reply(zoom).reason} == {"refused"}


def test_a_command_for_which_there_is_no_room_waits_until_there_is() -> None:
    head = PtzHead(Axis(-170, 170, 20), Axis(-30, 90, 20), Axis(0, 100, 50))
    line, _ = wire(SERIAL, ViscaCamera(head=head))
    line.command("move_to", pan=40, tilt=0)
    line.command("zoom_to", zoom=100)
    store = line.command("preset_store", preset=1)
    line.run(5)
    assert line.reply(store).done
    assert head.presets[1][0] > 0


def test_a_full_queue_is_refused_and_every_command_has_exactly_one_reply() -> None:
    line, _ = wire(SERIAL)
    told = [line.command("preset_store", preset=n % 9) for n in range(LIMIT + 4)]
    line.run(5)
    assert sorted(reply.command for reply in line.replies) == sorted(told)
    assert Counter(reply.reason for reply in line.replies) == {"": LIMIT, "refused": 4}


def test_a_command_that_expired_in_the_queue_is_never_sent() -> None:
    line, camera = wire(SERIAL, ViscaCamera(quirks=Quirks(mute=True)))
    home = line.command("home", expires=0.2)
    line.run(3)
    assert line.reply(home).reason in ("expired", "timeout")
    late = line.command("home", expires=-1)
    line.run(3)
    assert line.reply(late).reason == "expired"
    assert camera.heard == []


# --- What cameras answer


def test_what_cannot_be_done_now_is_refused_with_a_reason() -> None:
    line, camera = wire(SERIAL)
    focus = line.command("focus", speed=1)
    line.run(0.5)
    assert line.reply(focus).reason == "refused"
    assert "focus_mode manual" in line.reply(focus).detail
    line.command("focus_mode", mode="manual")
    again = line.command("focus", speed=1, hold=0.2)
    line.run(1)
    assert line.reply(again).done
    assert not camera.head.autofocus
    assert not camera.head.moving


def test_a_camera_in_standby_still_says_so() -> None:
    line, camera = wire(SERIAL)
    off = line.command("power", on=False)
    line.run(8)
    assert line.reply(off).done
    assert dict(line.readings[-1].values) == {"power": False}
    assert line.readings[-1].quality is Quality.GOOD
    assert line.faults == []
    on = line.command("power", on=True)
    line.run(8)
    assert line.reply(on).done
    assert set(line.readings[-1].values) == {"power", "pan", "tilt", "zoom", "focus_auto"}
    assert camera.head.power


def test_a_completion_that_never_comes_ends_in_a_timeout_and_blocks_nobody() -> None:
    line, _ = wire(TCP, ViscaCamera(quirks=Quirks(completes=False)), completion=3.0)
    move = line.command("move_to", pan=10, tilt=0)
    line.run(0.5)
    assert not line.replies
    position = line.command("position")
    line.run(0.5)
    assert line.reply(position).done
    line.run(3)
    assert line.reply(move).reason == "timeout"
    assert "accepted" in line.reply(move).detail


@pytest.mark.parametrize(
    "quirks", [Quirks(glue=True), Quirks(source=2), Quirks(acknowledges=False), Quirks(glue=True, source=3)]
)
@pytest.mark.parametrize("link", [TCP, UDP])
def test_cameras_that_are_not_by_the_book_are_understood(link: str, quirks: Quirks) -> None:
    line, camera = wire(link, ViscaCamera(quirks=quirks))
    commands = [line.command("move_to", pan=20, tilt=5), line.command("position"), line.command("stop")]
    line.run(3)
    commands.append(line.command("move_to", pan=-20, tilt=0))
    line.run(3)
    assert line.reply(commands[1]).done
    assert line.reply(commands[-1]).done
    assert camera.head.position == (-20, 0, 0)
    assert len(line.readings) >= 2
    assert line.faults == []


def test_on_a_chain_an_answer_in_another_s_name_is_not_believed() -> None:
    line, _ = wire(SERIAL, ViscaCamera(quirks=Quirks(source=2)))
    assert line.readings == []
    assert reasons(line.faults)["timeout"] >= 1


def test_a_silent_camera_is_told_as_faults_and_polled_ever_less_often() -> None:
    line, _ = wire(SERIAL, ViscaCamera(quirks=Quirks(mute=True)))
    line.run(300)
    assert line.readings == []
    faults = [at for at, event in line.events if isinstance(event, Fault)]
    assert set(reasons(line.faults)) == {"timeout"}
    assert len(faults) < 25
    pauses = [later - earlier for earlier, later in pairwise(faults[-4:])]
    assert all(20 < pause < 35 for pause in pauses)


def test_a_camera_that_was_silent_is_polled_as_before_once_it_answers() -> None:
    line, _ = wire(SERIAL)
    line.to_camera = lambda frame, _: ()
    line.run(120)
    line.to_camera = as_it_is
    line.run(60)
    before = len(line.readings)
    line.run(20)
    assert len(line.readings) - before == 4


# --- Serial lines: late answers, chains, addresses


def test_a_late_answer_never_becomes_the_answer_to_another_question() -> None:
    head = PtzHead()
    head.zoom.position = 50.0
    line, _ = wire(SERIAL, ViscaCamera(head=head))
    kept: list[bytes] = []

    def keep_zoom(frame: bytes, _: float) -> Sequence[bytes]:
        if says(frame, encode_command(Inquiry.ZOOM)) and not kept:
            kept.append(frame)
            return ()
        return (frame,)

    line.to_camera = keep_zoom
    line.run(5.2)
    assert kept
    head.zoom.position = 80.0
    line.inject(bytes.fromhex("90 50 02 00 00 00 FF"))  # 50 %, asked for long ago
    line.run(10)
    assert line.readings[-1].values["zoom"] == 80.0
    assert 50.0 not in [reading.values.get("zoom") for reading in line.readings[-2:]]


def test_after_an_answer_that_did_not_come_the_doubt_is_ended_before_anything_else_is_believed() -> None:
    line, _ = wire(SERIAL)
    line.to_gateway = lambda frame, _: ()
    line.run(5)
    line.to_gateway = as_it_is
    line.sent.clear()
    line.command("home")
    line.run(1)
    bodies = [frame[1:-1] for _, frame in line.sent]
    assert bodies.index(Inquiry.VERSION.value) < bodies.index(bytes.fromhex("010604"))


def test_cameras_of_one_chain_answer_for_themselves_and_complete_while_another_has_the_line() -> None:
    line, cameras = chain_of(3)
    told = [line.command("move_to", device=f"dut{n}", pan=n * 30.0, tilt=0) for n in (1, 2, 3)]
    line.run(0.4)
    assert all(camera.head.moving for camera in cameras)
    line.run(6)
    assert [line.reply(one).done for one in told] == [True] * 3
    assert [camera.head.position[0] for camera in cameras] == [30.0, 60.0, 90.0]
    latest = {reading.device: reading.values["pan"] for reading in line.readings}
    assert latest == {"dut1": 30.0, "dut2": 60.0, "dut3": 90.0}
    assert line.faults == []


def test_seven_cameras_share_a_chain_and_a_stop_waits_for_one_exchange_at_most() -> None:
    line, cameras = chain_of(7)
    line.command("move", device="dut7", pan=0.1, hold=5)
    line.run(1)
    assert cameras[6].head.moving
    at = line.now
    for n in range(1, 7):
        line.command("preset_store", device=f"dut{n}", preset=1)
    line.command("stop", device="dut7")
    line.run(1)
    stop = encode_command(PanTilt(1, 1, 0, 0))
    sent = next(when for when, frame in line.sent if when >= at and frame == to_camera(7, stop))
    assert sent - at < 0.2
    assert not cameras[6].head.moving


def test_a_dead_camera_on_the_chain_does_not_silence_the_others() -> None:
    cameras = [ViscaCamera(), ViscaCamera(quirks=Quirks(mute=True)), ViscaCamera()]
    drivers = {f"dut{n}": camera_driver("visca-camera", SERIAL, id=f"dut{n}", unit_id=n) for n in (1, 2, 3)}
    line = CameraWire(ViscaChain(*cameras), drivers)
    line.run(120)
    read = Counter(reading.device for reading in line.readings)
    assert read["dut1"] >= 20
    assert read["dut3"] >= 20
    assert read["dut2"] == 0
    assert {fault.device for fault in line.faults} == {"dut2"}


def test_a_camera_that_was_switched_on_gets_its_address_again() -> None:
    line, _ = wire(SERIAL)
    chain = line.camera
    assert isinstance(chain, ViscaChain)
    chain.power_cycle(instant(line.now))
    line.run(1)
    assert chain.addressed
    assert reasons(line.faults) == {"restart": 1}
    before = len(line.readings)
    line.run(11)
    assert len(line.readings) >= before + 2


def test_an_address_beyond_the_end_of_the_chain_is_told() -> None:
    drivers = {"dut": camera_driver("visca-camera", SERIAL, unit_id=4)}
    line = CameraWire(ViscaChain(ViscaCamera()), drivers)
    line.run(5)
    fault = next(fault for fault in line.faults if fault.reason == "address")
    assert "1 cameras" in fault.detail
    assert "address 4" in fault.detail


# --- Over IP: numbers


def test_a_lost_answer_over_ip_is_asked_for_with_the_same_number_and_nothing_is_done_twice() -> None:
    line, camera = wire(UDP)
    lost = Counter[str]()

    def lose_first_ack(frame: bytes, _: float) -> Sequence[bytes]:
        if frame.endswith(b"\x90\x41\xff") and not lost["ack"]:
            lost["ack"] += 1
            return ()
        return (frame,)

    line.to_gateway = lose_first_ack
    camera.heard.clear()
    store = line.command("preset_store", preset=3)
    line.run(2)
    assert line.reply(store).done
    assert len(camera.heard) == 1


def test_every_second_datagram_may_get_lost_and_commands_are_still_done_once() -> None:
    line, camera = wire(UDP)
    counts = Counter[str]()

    def lose(way: str) -> Spoil:
        def spoil(frame: bytes, _: float) -> Sequence[bytes]:
            counts[way] += 1
            return () if counts[way] % 2 else (frame,)

        return spoil

    line.to_camera, line.to_gateway = lose("out"), lose("in")
    camera.heard.clear()
    for number in range(6):
        line.command("preset_store", preset=number)
        line.run(6)
    line.run(30)
    stored = [command for command in camera.heard if encode_command(command).startswith(b"\x01\x04\x3f\x01")]
    assert len(stored) == len(set(stored))
    done = [reply for reply in line.replies if reply.done]
    assert len(done) <= len(stored)
    assert len(line.replies) == 6


def test_a_camera_that_was_restarted_over_ip_is_made_to_count_anew() -> None:
    line, _ = wire(UDP)
    camera = line.camera
    assert isinstance(camera, ViscaIpCamera)
    camera.last = 10_000  # it has another's numbers in mind
    home = line.command("home")
    line.run(1)
    assert line.reply(home).done
    assert reasons(line.faults) == {"sequence": 1}
    before = len(line.readings)
    line.run(10)
    assert len(line.readings) == before + 2


@pytest.mark.parametrize("sequence", ["zero", "one"])
def test_wrong_numbers_over_ip_are_told_with_the_remedy_and_the_remedy_works(sequence: str) -> None:
    quirks = Quirks(sequence="zero" if sequence == "zero" else "one")
    line, _ = wire(UDP, ViscaCamera(quirks=quirks))
    assert any("sequence: loose" in fault.detail for fault in line.faults)
    cured, camera = wire(UDP, ViscaCamera(quirks=quirks), sequence="loose")
    move = cured.command("move", pan=1, hold=0.5)
    cured.run(10)
    assert cured.reply(move).done
    assert not camera.head.moving
    assert len(cured.readings) >= 2
    assert cured.faults == []


def test_a_camera_that_knows_no_reset_is_spoken_to_all_the_same() -> None:
    line, _ = wire(UDP, ViscaCamera(quirks=Quirks(resets=False, counts=False)))
    line.run(10)
    assert len(line.readings) >= 2


# --- Anything at all


@settings(max_examples=40)
@given(
    st.lists(
        st.one_of(st.binary(max_size=30), st.sampled_from([b"\x90\x41\xff", b"\x90\x51\xff"])), max_size=8
    )
)
def test_any_bytes_raise_nothing_and_byte_by_byte_gives_the_same(chunks: list[bytes]) -> None:
    for link in (SERIAL, TCP):
        drivers = [camera_driver("visca-camera", link) for _ in range(2)]
        for driver in drivers:
            driver.connected(instant(0))
            driver.wake(instant(0))
        data = b"".join(chunks)
        whole = list(drivers[0].receive(data, instant(0.1)))
        pieces = [event for byte in one_by_one(data) for event in drivers[1].receive(byte, instant(0.1))]
        assert reasons(whole) == reasons(pieces)
        assert drivers[0].wake_at == drivers[1].wake_at


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.binary(max_size=8).map(
                lambda body: Datagram(Payload.REPLY, 1, b"\x90" + body + b"\xff").encode()
            ),
            st.integers(0, 9).map(lambda number: encode_control_fault("sequence", number)),
            st.integers(0, 9).map(lambda number: encode_control_fault("message type", number)),
        ),
        max_size=8,
    )
)
def test_any_datagrams_raise_nothing_and_the_camera_is_read_as_before(datagrams: list[bytes]) -> None:
    line, _ = wire(UDP)
    line.command("home")
    for datagram in datagrams:
        line.inject(datagram)
        line.run(0.3)
    before = len(line.readings)
    line.run(20)
    assert len(line.readings) >= before + 3
    assert len(line.replies) == 1


@settings(max_examples=40)
@given(
    st.integers(0, 2**31),
    st.lists(st.sampled_from(["move", "stop", "home", "position", "wait"]), max_size=10),
)
def test_on_a_wire_that_garbles_everything_each_command_has_one_reply_and_the_camera_ends_still(
    seed: int, actions: list[str]
) -> None:
    line, camera = wire(SERIAL)
    state = [seed]

    def garble(frame: bytes, _: float) -> Sequence[bytes]:
        state[0] = (state[0] * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        kind = state[0] >> 16 & 7
        spoiled: dict[int, Sequence[bytes]] = {
            0: (),
            1: (frame[: len(frame) // 2],),
            2: (frame, frame),
            3: (b"\xff\x00" + frame,),
        }
        return spoiled.get(kind, (frame,))

    line.to_camera = line.to_gateway = garble
    told = list[str]()
    for action in actions:
        if action == "wait":
            line.run(1)
        else:
            told.append(line.command("move", pan=0.3) if action == "move" else line.command(action))
    line.to_camera = line.to_gateway = as_it_is
    line.run(90)
    assert sorted(reply.command for reply in line.replies) == sorted(told)
    assert not camera.head.moving


# --- Profiles


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"link": "udp://10.0.0.5:52381?framing=pelco"}, "VISCA has no framing 'pelco'"),
        ({"link": "tcp://[::1:5678"}, "is not a URL"),
        ({"link": SERIAL, "unit_id": 0}, "addresses are 1 to 7"),
        ({"link": SERIAL, "unit_id": 8}, "addresses are 1 to 7"),
        ({"link": SERIAL, "settings": {"without": ["wipe"]}}, "this driver offers"),
        ({"link": SERIAL, "settings": {"pan_stepz": 3}}, "pan_stepz"),
    ],
)
def test_a_device_that_cannot_be_spoken_to_says_what_to_write(
    changes: dict[str, object], message: str
) -> None:
    given: dict[str, object] = dict(changes)
    link = str(given.pop("link"))
    with pytest.raises(ProfileError, match=message):
        camera_driver("visca-camera", link, **given)


@pytest.mark.parametrize(
    ("link", "numbered"),
    [
        ("rfc2217://10.0.0.5:4001?baudrate=9600", False),
        ("tcp-listen://:5678", False),
        ("tcp://10.0.0.5:5678?framing=visca-ip", True),
        ("udp://10.0.0.5:1259?framing=visca", False),
        ("udp://10.0.0.5:52381", True),
    ],
)
def test_the_link_s_kind_decides_the_framing_unless_it_says_otherwise(link: str, numbered: bool) -> None:
    camera = ViscaCamera()
    simulated = ViscaIpCamera(camera) if numbered else ViscaChain(camera, addressed=True)
    line = CameraWire(simulated, {"dut": camera_driver("visca-camera", link)})
    line.run(12)
    assert len(line.readings) >= 2
    assert line.sent[0][1].startswith(b"\x02\x00" if numbered else b"\x81\x01")


def test_a_model_without_a_lens_motor_offers_no_lens_commands() -> None:
    driver = camera_driver("visca-camera", SERIAL, settings={"without": ["focus", "focus_mode", "zoom"]})
    names = {action.name for action in driver.actions}
    assert not names & {"focus", "focus_mode", "zoom"}
    assert {"move", "stop", "position", "power"} <= names
