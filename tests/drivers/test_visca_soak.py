"""A soak of the VISCA driver: random operators on random bad wires, on serial, TCP and IP alike."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from firmware_sim.visca_camera import Quirks, ViscaCamera, ViscaChain, ViscaIpCamera
from telemetry import Quality, Value
from tests.drivers.camera_wire import CameraWire, Spoil, as_it_is, camera_driver

LINKS = {"serial": "serial:///dev/ttyUSB0", "tcp": "tcp://10.0.0.5:5678", "udp": "udp://10.0.0.5:52381"}
RUNS = 60
ARGUMENTS: dict[str, dict[str, Value]] = {
    "move": {"pan": 0.2, "hold": 1.0},
    "zoom": {"speed": 0.3},
    "zoom_to": {"zoom": 30},
    "move_to": {"pan": -70, "tilt": 4},
    "preset_store": {"preset": 3},
}


def spoil(dice: random.Random) -> Spoil:
    """Loses, cuts, doubles, changes and precedes frames with rubbish; two of three pass."""

    def spoiled(frame: bytes, _: float) -> Sequence[bytes]:
        chance, place = dice.random(), dice.randrange(len(frame))
        changed = frame[:place] + bytes((dice.randrange(256),)) + frame[place + 1 :]
        cases = [(0.15, ()), (0.2, (frame[:place],)), (0.25, (frame, frame)), (0.3, (changed,))]
        for limit, result in cases:
            if chance < limit:
                return result
        return (dice.randbytes(9), frame) if chance < 0.33 else (frame,)

    return spoiled


def operate(line: CameraWire, dice: random.Random) -> list[str]:
    """Up to two dozen things an operator or a bad cable does; the ids of the commands among them."""
    told: list[str] = []
    for _ in range(dice.randrange(25)):
        action = dice.choice([*ARGUMENTS, "stop", "home", "position", "wait", "wait", "reopen"])
        if action == "wait":
            line.run(dice.random() * 2)
        elif action == "reopen":
            line.reopen()
        else:
            told.append(line.tell(action, ARGUMENTS.get(action, {})))
    return told


@pytest.mark.parametrize("kind", list(LINKS))
def test_each_command_has_one_reply_every_camera_ends_still_and_is_read_right_again(kind: str) -> None:
    replies = Counter[str]()
    for seed in range(RUNS):
        dice = random.Random(seed)
        quirks = Quirks(
            glue=dice.random() < 0.2, acknowledges=dice.random() > 0.1, completes=dice.random() > 0.1
        )
        camera = ViscaCamera(quirks=quirks)
        simulated = ViscaIpCamera(camera) if kind == "udp" else ViscaChain(camera, addressed=kind == "tcp")
        line = CameraWire(simulated, {"dut": camera_driver("visca-camera", LINKS[kind])})
        line.to_camera, line.to_gateway = spoil(dice), spoil(dice)
        told = operate(line, dice)
        line.run(12)
        line.to_camera = line.to_gateway = as_it_is
        line.run(100)
        assert Counter(reply.command for reply in line.replies) == Counter(told), seed
        assert not camera.head.moving, seed
        assert line.readings[-1].quality is Quality.GOOD, seed
        assert line.readings[-1].values["pan"] == pytest.approx(camera.head.pan.position, abs=0.1), seed
        replies.update(reply.reason or "done" for reply in line.replies)
    print(f"{kind}: {RUNS} runs, {replies.total()} commands, {dict(replies)}")
