"""A gateway with thousands of devices: every one is expected to speak, whatever its statuses leave out."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from broker import topics
from broker.session import BrokerAddress, Message
from broker.statuses import encode_status
from broker.wire import DeviceStatus, GatewayStatus
from ingest.dead_letters import DeadLetters
from ingest.service import Ingest
from ingest.stream import Stream
from registry.incidents import Incident, IncidentRepository
from rules.evaluator import Evaluator
from stores.contract import Store
from telemetry import Change, Instant
from vessels.picture import Picture

NAMES = {f"d-{number}" for number in range(5_000)}


class Deaf:
    """A registry that takes everything."""

    async def record(self, changes: Sequence[Change]) -> Sequence[Incident]:
        return []


def ingest_at(folder: Path) -> Ingest:
    stream = Stream(Picture(), Evaluator((), Instant(time.time_ns(), 0.0)))
    incidents, store = cast("IncidentRepository", Deaf()), cast("Store", None)
    return Ingest(BrokerAddress("127.0.0.1", 1), store, incidents, stream, DeadLetters(folder))


def status(names: set[str], state: str = "ok", *, partial: bool = False) -> bytes:
    devices = [DeviceStatus(name, "p", "tcp://h:1", "file", state=state) for name in sorted(names)]
    return encode_status(GatewayStatus(True, devices=devices, partial=partial))


async def test_five_thousand_devices_are_expected_and_none_is_gone_when_one_is_told_alone(
    tmp_path: Path,
) -> None:
    ingest = ingest_at(tmp_path)
    for payload in (
        status(NAMES),
        status({"d-42"}, "faulty", partial=True),
        encode_status(GatewayStatus(False)),
    ):
        await ingest._learn(Message(topics.status("quay"), payload))
        assert ingest._expected.ids == NAMES
    await ingest._learn(Message(topics.status("quay"), status(set(), partial=True)))
    health = ingest._health["quay"].fields
    assert (health["devices_ok"], health["devices_faulty"]) == ([4_999.0], [1.0])
    await ingest._learn(Message(topics.status("quay"), status({"d-1"})))
    assert ingest._expected.ids == {"d-1"}
    await ingest._learn(Message(topics.status("quay"), b""))
    assert ingest._expected.ids == set()


async def test_a_status_that_cannot_be_unpacked_changes_nothing(tmp_path: Path) -> None:
    ingest = ingest_at(tmp_path)
    await ingest._learn(Message(topics.status("quay"), status({"d-1"})))
    await ingest._learn(Message(topics.status("quay"), status(NAMES)[:-9]))
    assert ingest._expected.ids == {"d-1"}
