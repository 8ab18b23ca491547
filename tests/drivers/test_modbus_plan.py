"""From a profile to requests: few, within limits, never across a gap or a reserved range."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.catalogue import load_catalogue
from drivers.modbus.frames import RefusalError, Request
from drivers.modbus.plan import Plan, Tables, body_of
from telemetry import ProfileError, Value
from tests.drivers.modbus_wire import profile


def asked(metrics: dict[str, dict[str, Any]], **words: Any) -> list[tuple[int, int, int]]:
    """Function, address and count of each request."""
    reads = Plan(profile(metrics, **words)).reads
    return [(read.request.function, read.request.address, read.request.count) for read in reads]


def registers(*addresses: int, **words: Any) -> dict[str, dict[str, Any]]:
    return {f"m{address}": {"address": address} | words for address in addresses}


def test_neighbours_share_a_request_and_each_table_has_its_own() -> None:
    metrics: dict[str, dict[str, Any]] = {
        "a": {"address": 1},
        "b": {"address": 2, "type": "float32"},
        "c": {"table": "input", "address": 4},
        "d": {"table": "coil", "address": 5},
        "e": {"table": "discrete", "address": 6},
    }
    assert asked(metrics) == [(1, 5, 1), (2, 6, 1), (3, 1, 3), (4, 4, 1)]


def test_a_gap_is_read_over_only_as_far_as_the_profile_allows() -> None:
    assert asked(registers(0, 2)) == [(3, 0, 1), (3, 2, 1)]
    assert asked(registers(0, 2), max_gap=1) == [(3, 0, 3)]
    assert asked(registers(0, 3), max_gap=1) == [(3, 0, 1), (3, 3, 1)]


def test_a_reserved_range_is_never_read_over() -> None:
    assert asked(registers(0, 4), max_gap=8, reserved={"holding": [[2, 2]]}) == [(3, 0, 1), (3, 4, 1)]
    assert asked(registers(0, 4), max_gap=8, reserved={"input": [[2, 2]]}) == [(3, 0, 5)]


def test_a_request_stays_within_the_limit_and_splits_no_value() -> None:
    floats = registers(*range(0, 300, 2), type="float32")
    assert asked(floats) == [(3, 0, 124), (3, 124, 124), (3, 248, 52)]
    assert asked(floats, max_registers=7)[:2] == [(3, 0, 6), (3, 6, 6)]
    assert asked(registers(*range(2500), table="coil")) == [(1, 0, 2000), (1, 2000, 500)]


def test_metrics_on_the_same_register_are_read_once() -> None:
    metrics: dict[str, dict[str, Any]] = {
        "word": {"address": 9},
        "flag": {"address": 9, "bit": 3},
        "wide": {"address": 8, "type": "uint32"},
    }
    plan = Plan(profile(metrics))
    assert asked(metrics) == [(3, 8, 2)]
    assert plan.reads[0].decode(bytes.fromhex("0001000A")) == {"word": 10, "flag": True, "wide": 0x1000A}


@pytest.mark.parametrize(
    ("addressing", "holding", "coil"),
    [("zero_based", 100, 3), ("one_based", 101, 4), ("reference", 40101, 4)],
)
def test_addresses_are_counted_as_the_manual_counts(addressing: str, holding: int, coil: int) -> None:
    metrics: dict[str, dict[str, Any]] = {"a": {"address": holding}, "b": {"table": "coil", "address": coil}}
    assert asked(metrics, addressing=addressing) == [(1, 3, 1), (3, 100, 1)]


def test_coils_out_of_one_reply_are_told_apart() -> None:
    plan = Plan(profile(registers(19, 26, 27, 37, table="coil"), max_gap=16))
    assert asked(registers(19, 26, 27, 37, table="coil"), max_gap=16) == [(1, 19, 19)]
    values = plan.reads[0].decode(bytes.fromhex("CD6B05"))
    assert values == {"m19": True, "m26": True, "m27": True, "m37": True}
    assert plan.reads[0].decode(bytes.fromhex("00FE03")) == {
        "m19": False,
        "m26": False,
        "m27": False,
        "m37": False,
    }


@pytest.mark.parametrize(
    ("metrics", "words", "message"),
    [
        ({"a": {"address": 1, "wrong": 2}}, {}, "profile test: metric a: read: wrong"),
        ({"a": {}}, {}, "metric a: read: address is missing"),
        ({"a": {"address": 65535, "type": "uint32"}}, {}, "metric a: address 65535"),
        ({"a": {"address": 3}}, {"addressing": "reference"}, "the first holding is 40001"),
        ({"a": {"address": 3}}, {"reserved": {"holding": [[3, 9]]}}, "metric a: lies in a reserved range"),
        ({"a": {"address": 3, "type": "float64"}}, {"max_registers": 2}, "metric a: takes 4 registers"),
        ({"a": {"address": 3}}, {"max_registers": 126}, "settings: max_registers"),
        ({"a": {"address": 3}}, {"reserved": {"holding": [[9, 3]]}}, "ends before it starts"),
        ({"a": {"address": 3}}, {"timeouts": 3}, "settings: timeouts"),
        ({}, {}, "needs metrics"),
    ],
)
def test_a_profile_that_cannot_be_used_says_where_and_what_to_write(
    metrics: dict[str, dict[str, Any]], words: dict[str, Any], message: str
) -> None:
    with pytest.raises(ProfileError) as caught:
        Plan(profile(metrics, **words))
    assert message in str(caught.value)


def test_two_metrics_of_one_name_are_refused() -> None:
    one = profile(registers(1))
    twice = one.model_copy(update={"metrics": one.metrics * 2})
    with pytest.raises(ProfileError, match="a name of its own"):
        Plan(twice)


def test_a_simulated_device_refuses_what_it_does_not_have() -> None:
    tables: Tables = {"holding": {0: 1, 2: 3}}
    assert body_of(Request(3, 0, 1), tables) == b"\0\1"
    with pytest.raises(RefusalError, match="illegal data address"):
        body_of(Request(3, 0, 3), tables)


def spans() -> st.SearchStrategy[dict[str, dict[str, Any]]]:
    place = st.tuples(st.integers(0, 600), st.sampled_from(["uint16", "float32", "uint64"]))
    return st.lists(place, min_size=1, max_size=40).map(
        lambda spots: {f"m{i}": {"address": a, "type": kind} for i, (a, kind) in enumerate(spots)}
    )


@given(spans(), st.integers(0, 20), st.integers(4, 125))
@settings(max_examples=80)
def test_every_metric_is_read_whole_once_and_every_request_is_within_limits(
    metrics: dict[str, dict[str, Any]], gap: int, limit: int
) -> None:
    plan = Plan(profile(metrics, max_gap=gap, max_registers=limit))
    assert sorted(name for read in plan.reads for name in read.metrics) == sorted(metrics)
    wanted = {
        metrics[name]["address"] + index
        for name in metrics
        for index in range({"uint16": 1, "float32": 2, "uint64": 4}[metrics[name]["type"]])
    }
    for read in plan.reads:
        span = range(read.request.address, read.request.address + read.request.count)
        assert 1 <= len(span) <= limit
        assert {span[0], span[-1]} <= wanted
        unused = "".join("." if address in wanted else "x" for address in span)
        assert "x" * (gap + 1) not in unused


@pytest.mark.parametrize(
    "name",
    [
        "abb-b-series",
        "campbell-metsens200",
        "dfrobot-sen0676",
        "eastron-sdm630",
        "huawei-ups2000",
        "schneider-iem3000",
    ],
)
def test_a_shipped_profile_says_back_what_a_simulated_device_was_told(name: str) -> None:
    model = load_catalogue().profile(name)
    plan = Plan(model)
    told: dict[str, Value] = {metric.name: 12 + index for index, metric in enumerate(model.metrics)}
    if "supply" in told:
        told["supply"] = "mains"
    tables = plan.fill(told)
    said: dict[str, Value] = {}
    for read in plan.reads:
        request = read.request
        table = tables["input" if request.function == 4 else "holding"]
        for address in range(request.address, request.address + request.count):
            table.setdefault(address, 0)
        said |= read.decode(body_of(request, tables))
    assert said == pytest.approx(told)
    assert model.source
    assert all(metric.title.vi != metric.title.en for metric in model.metrics)
