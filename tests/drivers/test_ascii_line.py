"""Instruments that speak lines of text: patterns, units, checksums, questions, and endless patterns."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.ascii_line.plan import LONGEST_LINE
from drivers.checksums import ALGORITHMS, Kind
from drivers.contract import Driver
from drivers.timed_patterns import REST, SLOW_LIMIT
from telemetry import Command, Instant, ProfileError, Reply
from tests.drivers.listening import (
    CUTS,
    NOW,
    faults,
    feed,
    listener,
    listener_of,
    one_by_one,
    pieces,
    readings,
    reasons,
    values,
)
from tests.drivers.modbus_wire import instant

GAUGE = "driver: ascii_line\nkind: tank\nsettings: {{patterns: '{pattern}'{settings}}}\nmetrics: [{metrics}]"


def metric(name: str, unit: str = "1", read: str = "{}") -> str:
    return f"{{name: {name}, title: {{en: a, vi: a}}, unit: '{unit}', read: {read}}}"


def gauge(pattern: str, *metrics: str, settings: str = "", every: str = "") -> Driver:
    text = GAUGE.format(pattern=pattern, settings=settings, metrics=", ".join(metrics or [metric("x")]))
    return listener_of(text + every)


def asked(settings: str = "", every: str = "\nevery: 10s") -> Driver:
    driver = gauge("x=(?P<x>[0-9.]+)", settings=', ask: "R\\r"' + settings, every=every)
    driver.connected(instant(0.0))
    return driver


def ask(driver: Driver) -> float:
    """Lets the driver ask; the second at which it did."""
    assert driver.wake_at is not None
    now = driver.wake_at
    assert driver.wake(instant(now)) == ()
    assert [one.payload for one in driver.outgoing()] == [b"R\r"]
    assert driver.busy
    return now


def test_named_groups_of_a_line_become_the_metrics_of_one_reading() -> None:
    driver = gauge(
        "(?P<x>[0-9]+) (?P<y>[0-9.]+)", metric("x"), metric("depth", "m", "{group: y, scale: 0.1}")
    )
    (reading,) = readings(feed(driver, [b"12 22.4\r\n"]))
    assert (reading.values, reading.observed_at) == ({"x": 12, "depth": 2.24}, NOW.utc)


def test_the_first_pattern_that_fits_counts_and_a_group_may_stay_empty() -> None:
    driver = listener_of(
        "driver: ascii_line\nkind: tank\nsettings: {patterns: ['a(?P<x>[0-9]+)?', 'a.*|b(?P<y>[0-9]+)']}\n"
        f"metrics: [{metric('x')}, {metric('y')}]"
    )
    assert values(feed(driver, [b"b7\n", b"a\n", b"a1\n", b"ax\n"])) == {"y": 7, "x": 1}


def test_texts_enums_nulls_bits_and_hexadecimal_mean_what_the_profile_says() -> None:
    driver = gauge(
        "(?P<t>[A-Z]+),(?P<v>[^,]*),(?P<h>[0-9A-F]+)",
        metric("state", read="{group: t, type: text, enum: {OK: good}}"),
        metric("x", read="{group: v, nulls: ['//', -99]}"),
        metric("flag", read="{group: h, type: hex, bit: 4}"),
        metric("field", read="{group: h, type: hex, mask: 0x0F}"),
    )
    assert values(feed(driver, [b"OK,1e2,1A\n"])) == {"state": "good", "x": 100.0, "flag": True, "field": 10}
    for absent in (b"NO,//,0A\n", b"NO,-99,0A\n"):
        assert values(feed(driver, [absent])) == {"state": "NO", "flag": False, "field": 10}


def test_an_instrument_that_says_its_unit_is_converted_from_it() -> None:
    read = '{unit_group: u, units: {C: Cel, F: "[degF]"}}'
    driver = gauge("(?P<x>[0-9.]+)(?P<u>[A-Z])", metric("x", "Cel", read))
    assert values(feed(driver, [b"212F\n"])) == {"x": 100.0}
    assert values(feed(driver, [b"21.5C\n"])) == {"x": 21.5}
    assert reasons(feed(driver, [b"21.5K\n"])) == {"value": 1}


def test_a_group_that_is_no_number_is_a_fault_and_the_others_are_read() -> None:
    events = feed(gauge("(?P<x>.*);(?P<y>.*)", metric("x"), metric("y")), [b"1_0;5\n"])
    assert (reasons(events), values(events)) == ({"value": 1}, {"y": 5})
    assert faults(events)[0].frame == b"1_0;5"


def test_a_number_that_scaled_is_past_all_numbers_is_no_value() -> None:
    driver = gauge("x=(?P<x>.*)", metric("x", read="{scale: 1000}"))
    assert feed(driver, [b"x=9e307\n"]) == []
    assert values(feed(driver, [b"x=-2.5\n"])) == {"x": -2500}


def test_a_line_that_fits_no_pattern_is_a_fault_unless_it_is_ignored() -> None:
    driver = gauge("x(?P<x>[0-9]+)", settings=", ignore: ['#.*']")
    assert reasons(feed(driver, [b"# hello\n", b"what\n", b"x1\n"])) == {"unmatched": 1}


def test_the_first_line_after_connecting_may_be_joined_in_its_middle() -> None:
    driver = gauge("x(?P<x>[0-9]+)")
    driver.connected(NOW)
    assert reasons(feed(driver, [b"12\n"])) == {}
    assert reasons(feed(driver, [b"12\n"])) == {"unmatched": 1}


def test_a_line_may_end_with_a_character_of_its_own() -> None:
    driver = gauge("(?P<x>[0-9]+)", settings=', line_end: "\\x03"')
    assert [dict(one.values) for one in readings(feed(driver, one_by_one(b"1\x032\x03")))] == [
        {"x": 1},
        {"x": 2},
    ]
    assert len(readings(driver.receive(b"3", NOW, "192.0.2.1:9"))) == 1


@pytest.mark.parametrize(
    ("kind", "form", "line"),
    [
        ("xor8", "hex", b"123456789*31"),
        ("sum8", "decimal", b"123456789*221"),
        ("crc16_modbus", "hex", b"123456789*4b37"),
        ("crc16_xmodem", "hex", b"123456789*31C3"),
        ("crc16_arc", "sdi12", b"123456789*Kl}"),
    ],
)
def test_a_checksum_is_looked_for_where_the_profile_says(kind: str, form: str, line: bytes) -> None:
    pattern = "(?P<body>(?P<x>[0-9]+))[*](?P<checksum>.+)"
    driver = gauge(pattern, settings=f", checksum: {{kind: {kind}, format: {form}}}")
    assert values(feed(driver, [line + b"\n"])) == {"x": 123456789}
    assert reasons(feed(driver, [line[:-1] + b"Z\n", b"1" + line + b"\n"])) == {"checksum": 2}


@pytest.mark.parametrize(
    "line",
    [
        b"0r1,Sn=0.1M,Sm=0.1M,Sx=0.1MGOG",
        b"0r2,Ta=22.7C,Ua=55.5P,Pa=1004.7H@Fn",
        b"0r3,Rc=0.00M,Rd=0s,Ri=0.0MIlm",
        b"0r5,Th=25.0C,Vh=10.6#,Vs=10.8V,Vr=3.369VO]T",
    ],
)
def test_the_examples_of_a_makers_manual_have_right_checksums(line: bytes) -> None:
    """Vaisala, WXT520 User's Guide, chapter 7: automatic messages with CRC."""
    pattern = "(?P<body>0r(?P<x>[0-9]),.*)(?P<checksum>...)"
    driver = gauge(pattern, settings=", checksum: {kind: crc16_arc, format: sdi12}")
    assert values(feed(driver, [line + b"\r\n"])) == {"x": int(line[2:3])}


def test_every_algorithm_gives_its_published_check_value() -> None:
    published: dict[Kind, int] = {
        "crc8": 0xF4,
        "crc8_maxim": 0xA1,
        "crc16_arc": 0xBB3D,
        "crc16_modbus": 0x4B37,
        "crc16_ccitt": 0x29B1,
        "crc16_xmodem": 0x31C3,
        "crc16_kermit": 0x2189,
    }
    assert {kind: ALGORITHMS[kind](b"123456789") for kind in published} == published


def test_a_catastrophic_pattern_is_a_fault_told_a_few_times_and_rests_while_others_are_read() -> None:
    bad = b"a" * 200 + b"!\n"
    driver = listener_of(
        "driver: ascii_line\nkind: tank\nsettings: {patterns: ['(a|aa)+b(?P<y>.)', 'x=(?P<x>[0-9]+)'], "
        "time_limit: 0.001}\n" + f"metrics: [{metric('x')}, {metric('y')}]"
    )
    told = [reasons(feed(driver, [bad])) for _ in range(SLOW_LIMIT + 2)]
    assert told == [{"slow_pattern": 1}] * SLOW_LIMIT + [{}] * 2
    assert values(feed(driver, [b"x=5\n"])) == {"x": 5}
    later = Instant(NOW.utc, NOW.monotonic + REST + 1)
    assert reasons(feed(driver, [bad], later)) == {}
    much_later = Instant(NOW.utc, NOW.monotonic + 3 * REST)
    assert values(feed(driver, [b"aab7\n"], much_later)) == {"y": 7}
    assert reasons(feed(driver, [bad], much_later)) == {"slow_pattern": 1}


def test_an_instrument_is_asked_on_a_fixed_grid_and_keeps_the_line_until_it_answered() -> None:
    driver = asked()
    first = ask(driver)
    assert readings(driver.receive(b"x=", instant(first + 0.1))) == []
    assert driver.busy
    assert values(driver.receive(b"5\r\n", instant(first + 0.2))) == {"x": 5}
    assert not driver.busy
    assert ask(driver) == pytest.approx(first + 10)


def test_what_nobody_asked_for_is_dropped() -> None:
    driver = asked()
    assert driver.receive(b"x=1\r\n", instant(0.1)) == ()
    now = ask(driver)
    assert values(driver.receive(b"x=2\r\nx=3\r\n", instant(now))) == {"x": 2}


def test_no_answer_is_a_timeout_after_which_the_device_is_left_alone_as_long_again() -> None:
    driver = asked(", timeout: 6s")
    now = ask(driver)
    assert driver.wake_at == pytest.approx(now + 6)
    events = driver.wake(instant(now + 6))
    assert (reasons(list(events)), driver.busy) == ({"timeout": 1}, False)
    assert driver.wake_at == pytest.approx(now + 12)
    assert driver.receive(b"x=9\r\n", instant(now + 7)) == ()


def test_a_silent_device_is_asked_ever_less_often_until_it_answers() -> None:
    driver = asked(every="\nevery: 1s")
    asked_at: list[float] = []
    for _ in range(9):
        now = ask(driver)
        asked_at.append(now)
        driver.wake(instant(now + 1))
    waits = [after - before for before, after in pairwise(asked_at)]
    assert waits == sorted(waits)
    assert 25 < waits[-1] < 35
    now = ask(driver)
    assert values(driver.receive(b"x=1\r\n", instant(now))) == {"x": 1}
    assert ask(driver) - now < 3


def test_several_lines_may_answer_one_question_and_an_echo_is_none_of_them() -> None:
    driver = asked(", answers: 2")
    now = ask(driver)
    assert values(driver.receive(b"R\r\nx=1\r\n", instant(now))) == {"x": 1}
    assert driver.busy
    assert values(driver.receive(b"Rx=2\r\n", instant(now))) == {"x": 2}
    assert not driver.busy


def test_the_devices_number_stands_in_question_and_pattern() -> None:
    driver = listener("vaisala-wxt520")
    driver.connected(instant(0.0))
    assert driver.wake_at is not None
    now = instant(driver.wake_at)
    driver.wake(now)
    assert [one.payload for one in driver.outgoing()] == [b"1R0\r\n"]
    events = [*driver.receive(b"2R0,Dm=027D\r\n", now), *driver.receive(b"1R0,Dm=028D\r\n", now)]
    assert (reasons(events), values(events)) == ({"unmatched": 1}, {"wind_direction": 28})


def test_a_command_is_refused_at_once() -> None:
    (reply,) = gauge("(?P<x>.)").command(Command("1", "dut", "go", {}, 0), NOW)
    assert isinstance(reply, Reply)
    assert reply.reason == "refused"


@pytest.mark.parametrize(
    ("pattern", "settings", "read", "told"),
    [
        ("(?P<x>", "", "{}", r"settings: '\(\?P<x>' is not a regular expression: missing"),
        ("(?P<y>.)", "", "{}", r"metric x: no pattern has the group x; there are y"),
        ("(?P<x>.)", ", checksum: {kind: xor8}", "{}", r"the pattern .* lacks the checksum's group body"),
        ("(?P<x>.)", ", checksum: {kind: crc}", "{}", r"settings: checksum.kind: Input should be"),
        ("(?P<x>.)", ', ask: "R"', "{}", r"says no period to ask: write every"),
        ("(?P<x>.)", "", "{units: {C: Cel}}", r"units and unit_group go together"),
        ("(?P<x>.)", "", "{units: {C: Cel}, unit_group: x}", r"C is Cel, which cannot become 1: change it"),
        ("(?P<x>.)", "", "{type: text, scale: 2}", r"a text has no scale"),
        ("(?P<x>.)", "", "{bit: 1, scale: 2}", r"bit and enum give no number to scale"),
        ("(?P<x>.)", ", time_limit: 5", "{}", r"settings: time_limit: Input should be less than"),
    ],
)  # fmt: skip
def test_a_wrong_profile_is_refused_with_its_remedy(
    pattern: str, settings: str, read: str, told: str
) -> None:
    with pytest.raises(ProfileError, match=told):
        gauge(pattern, metric("x", read=read), settings=settings)


def test_an_instrument_that_is_asked_needs_a_link_that_takes_questions() -> None:
    heard = f"driver: ascii_line\nkind: weather\nmetrics: [{metric('x')}]\nsettings: {{patterns: '(?P<x>.)'"
    listener_of(heard + "}", "mqtt:mast/lines")
    with pytest.raises(ProfileError, match="a device that is asked does not run over mqtt: write its link"):
        listener_of(heard + ", ask: R}\nevery: 1s", "mqtt:mast/lines")


BYTES = st.lists(
    st.sampled_from(
        [b"0R0", b",Dm=027D", b",Sm=0.1M", b",Ta=23.6C", b"\r\n", b"\n", b"#", b"\x02", b"9" * 30]
    )
    | st.binary(max_size=20),
    max_size=30,
).map(b"".join)


@given(BYTES, CUTS)
@settings(max_examples=120, deadline=None)
def test_any_bytes_in_any_chunking_say_the_same(data: bytes, cuts: list[int]) -> None:
    def heard(chunks: list[bytes]) -> list[object]:
        driver = listener_of(
            "driver: ascii_line\nkind: weather\nsettings: {patterns: '0R0(?:,Dm=(?P<d>[0-9]+)D)?(?:,.*)?'}\n"
            f"metrics: [{metric('d')}]"
        )
        return list(feed(driver, chunks))

    assert heard([data]) == heard(one_by_one(data)) == heard(pieces(data, cuts))


def test_an_endless_line_takes_the_memory_of_one_and_the_next_is_read() -> None:
    events = feed(gauge("(?P<x>[0-9]+)"), [b"9" * 65_536] * 16 + [b"\n7\n"])
    assert (reasons(events), values(events)) == ({"overlong": 1}, {"x": 7})
    assert LONGEST_LINE < 2000
