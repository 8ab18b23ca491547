"""Payloads as Frigate's documentation gives them, read by the shipped profile of a Frigate camera."""

import json
from typing import Any

import pytest

from drivers.catalogue import load_catalogue
from telemetry import Device, Instant, Value, parse_utc
from tests.drivers.listening import faults, readings
from tests.reference import reference

CATALOGUE = load_catalogue()
NOW = Instant(parse_utc("2026-11-22T01:02:03Z"), 100.0)


def heard(name: str, topic: str, camera: str) -> list[tuple[int, dict[str, Value]]]:
    """Times and values of what a camera's driver makes of a documented payload."""
    device = Device(id="dut", profile="frigate-camera", link="mqtt:frigate/#", settings={"camera": camera})
    payload = reference(f"camera/frigate/{name}.json").read_bytes()
    events = CATALOGUE.open_driver(device).receive(payload, NOW, topic)
    assert faults(events) == []
    return [(one.observed_at, dict(one.values)) for one in readings(events)]


def document(name: str) -> Any:
    return json.loads(reference(f"camera/frigate/{name}.json").read_text())


def test_a_documented_event_is_one_reading_of_its_camera_at_the_time_of_its_frame() -> None:
    after = document("01_frigate_events")["after"]
    ((observed_at, values),) = heard("01_frigate_events", "frigate/events", "front_door")
    assert abs(observed_at - round(after["frame_time"] * 1e9)) < 1000
    assert values == {
        "event": "update",
        "event_id": after["id"],
        "label": "person",
        "score": after["score"],
        "zones": "yard,driveway",
        "stationary": False,
    }


def test_a_documented_event_is_nothing_to_another_camera() -> None:
    assert heard("01_frigate_events", "frigate/events", "gate") == []


def test_a_documented_licence_plate_is_a_reading_of_its_camera() -> None:
    told = document("04_license_plate_recognition_update")
    ((observed_at, values),) = heard(
        "04_license_plate_recognition_update", "frigate/tracked_object_update", "driveway_cam"
    )
    assert abs(observed_at - round(told["timestamp"] * 1e9)) < 1000
    assert values == {"plate": "123ABC", "plate_score": 0.95}


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("02_generative_ai_description_update", "frigate/tracked_object_update"),
        ("03_face_recognition_update", "frigate/tracked_object_update"),
        ("05_object_classification_update", "frigate/tracked_object_update"),
        ("06_object_classification_update", "frigate/tracked_object_update"),
        ("07_frigate_reviews", "frigate/reviews"),
        ("08_frigate_triggers", "frigate/triggers"),
    ],
)
def test_what_the_profile_does_not_list_passes_silently(name: str, topic: str) -> None:
    assert heard(name, topic, "front_door_cam") == []


def test_every_topic_the_profiles_name_is_documented() -> None:
    documented = reference("camera/frigate/topics.txt").read_text().split()
    known = {topic.replace("<camera_name>", "*").replace("<zone_name>", "*") for topic in documented}
    known = {topic.replace("<object_name>", "*") for topic in known}
    for profile_id in ("frigate-camera", "frigate-zone"):
        profile = CATALOGUE.profile(profile_id)
        for metric in profile.metrics:
            said = metric.read["topic"].format(base="frigate", camera="*", zone="*")
            levels = said.split("/")
            general = "/".join([*levels[:2], "*", *levels[3:]])
            assert said in known or general in known, f"{profile_id}: {metric.name}: {said}"
        for action in profile.actions:
            assert action.write["topic"].format(base="frigate", camera="*") in known
