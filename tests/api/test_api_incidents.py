"""`/incidents` and `/rules`."""

from dataclasses import replace
from pathlib import Path

import pytest

from api.current import Topic
from broker import topics
from registry import IncidentState
from rules.loading import parse_rules
from telemetry import Clearing, Firing, Severity, Title
from tests.api.running import NOW, Running, ids, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
INCIDENTS = "/api/v1/incidents"
RULES = """
rules:
  - id: strong-wind
    title: {en: Strong wind, vi: Gió mạnh}
    severity: critical
    when: {kind: weather, metric: wind_speed, above: 17.2, clear_below: 15, for: 1m}
    notify: [duty]
  - id: mute
    title: {en: Silent, vi: Mất tín hiệu}
    when: {stale: {device: "*", after: 5m}}
"""


def firing(rule: str, device: str = "mast") -> Firing:
    """A rule that came true."""
    detail = Title(en="18 m/s", vi="18 m/giây")
    return Firing(rule, device, NOW, 18.0, Severity.CRITICAL, Title(en="Wind", vi="Gió"), detail)


async def fire(api: Running, *rules: str) -> list[int]:
    """Incidents in the registry, as ingest makes them; their numbers."""
    made = await api.parts.registry.incidents.record([firing(rule) for rule in rules])
    return [incident.id for incident in made]


async def test_incidents_are_listed_newest_first_and_by_state_page_by_page(api: Running) -> None:
    numbers = await fire(api, *(f"listed-{n}" for n in range(5)))
    await api.parts.registry.incidents.record([Clearing("listed-0", "mast", NOW, 3.0)])
    pages = await api.pages(INCIDENTS, limit=2)
    listed = [one for page in pages for one in ids(page)]
    assert [number for number in listed if number in numbers] == numbers[::-1]
    cleared = await api.get(INCIDENTS, state="cleared")
    assert ids(cleared["items"]) == numbers[:1]
    both = await api.get(INCIDENTS, state=["cleared", "open"], limit=1000)
    assert set(numbers) <= set(ids(both["items"]))
    await api.get(INCIDENTS, 422, state="terrible")


async def test_an_incident_is_acknowledged_with_a_name_and_a_note(api: Running) -> None:
    (number,) = await fire(api, "acknowledged")
    before = await api.get(f"{INCIDENTS}/{number}")
    assert (before["state"], before["severity"], before["title"]) == (
        "open",
        "critical",
        {"en": "Wind", "vi": "Gió"},
    )
    told = {"by": "Trực ban An", "note": "đã gọi cảng vụ"}
    after = await api.send("POST", f"{INCIDENTS}/{number}/acknowledge", told)
    assert (after["state"], after["acknowledged_by"], after["note"]) == (
        "acknowledged",
        told["by"],
        told["note"],
    )
    second = await api.send("POST", f"{INCIDENTS}/{number}/acknowledge", {"by": "Someone else"})
    assert second["acknowledged_by"] == told["by"]
    assert await api.get(f"{INCIDENTS}/{number}") == second


async def test_an_acknowledgement_needs_a_name_and_an_incident(api: Running) -> None:
    (number,) = await fire(api, "unnamed")
    for content in ({}, {"by": ""}, {"by": "  "}, {"by": "x" * 101}):
        refused = await api.send("POST", f"{INCIDENTS}/{number}/acknowledge", content, 422)
        assert refused["errors"][0]["where"] == "body/by"
    await api.send("POST", f"{INCIDENTS}/999999/acknowledge", {"by": "An"}, 404)
    await api.get(f"{INCIDENTS}/0", 422)
    await api.get(f"{INCIDENTS}/{2**63}", 422)


async def test_incidents_and_what_becomes_of_them_are_told_live(api: Running) -> None:
    async with api.live() as live:
        (number,) = await fire(api, "live")
        await api.broker.publish(topics.LIVE_INCIDENTS, b"[]")
        opened = await live.item("incidents", lambda one: one["id"] == number)
        assert opened == await api.get(f"{INCIDENTS}/{number}")
        await api.send("POST", f"{INCIDENTS}/{number}/acknowledge", {"by": "An"})
        changed = await live.item("incidents", lambda one: one["id"] == number)
        assert changed["state"] == "acknowledged"
    async with api.live() as later:
        assert await later.item("incidents", lambda one: one["id"] == number) == changed


async def test_an_incident_that_is_closed_is_told_once_and_no_more_shown(tmp_path: Path) -> None:
    async with running(tmp_path) as api, api.live() as live:
        (number,) = await fire(api, "closing")
        await api.broker.publish(topics.LIVE_INCIDENTS, b"[]")
        await live.item("incidents", lambda one: one["state"] == "open")
        incident = await api.parts.registry.incidents.get(number)
        api.parts.live.show_incident(replace(incident, state=IncidentState.CLOSED))
        await live.item("incidents", lambda one: one["state"] == "closed")
        assert not api.parts.live.current.snapshot(Topic.INCIDENTS)


async def test_the_rules_in_force_are_shown(tmp_path: Path) -> None:
    async with running(tmp_path, rules=parse_rules(RULES)) as api:
        page = await api.get("/api/v1/rules")
        assert ids(page["items"]) == ["mute", "strong-wind"]
        wind = await api.get("/api/v1/rules/strong-wind")
        assert wind["when"]["above"] == 17.2
        assert wind["when"]["for"] == 60.0
        assert [ids(part) for part in await api.pages("/api/v1/rules", limit=1)] == [
            ["mute"],
            ["strong-wind"],
        ]
        await api.get("/api/v1/rules/none", 404)


async def test_profiles_are_shown_with_their_metrics(api: Running) -> None:
    pages = await api.pages("/api/v1/profiles", limit=4)
    everything = [one for page in pages for one in page]
    assert ids(everything) == sorted(api.parts.catalogue.profiles)
    meter = await api.get("/api/v1/profiles/eastron-sdm630")
    assert meter["kind"] == "power"
    assert {metric["name"]: metric["unit"] for metric in meter["metrics"]}["voltage_l1"] == "V"
    await api.get("/api/v1/profiles/none", 404)
