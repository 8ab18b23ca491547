"""What both stores do, told to both: the same writes, the same answers."""

import pytest

from stores.contract import Aggregate, Points, RangeQuery, Source, Store
from telemetry import Value

MINUTE = 60 * 10**9
NOON = 1_790_000_000 * 10**9 // MINUTE * MINUTE
ALWAYS = (0, 2**62)
ODD_TEXTS = [
    "Cảng Hải Phòng",
    'it\'s a "quoted" quay',
    "a,b=c d",
    "back\\slash",
    "back\\\\slash\\,comma\\ space\\=",
    " #spaces 🚢 ",
    "x',y=1 1\\",
    "%d {0} ; DROP TABLE weather --",
    "Robert'); DROP TABLE weather;--",
]


def weather(*rows: tuple[int, str, float]) -> Points:
    times, devices, values = zip(*rows, strict=True)
    return Points("weather", times, {"device": devices}, {"wind": values})


def one(time: int = NOON, measurement: str = "weather", device: str = "mast", **fields: Value) -> Points:
    return Points(
        measurement, [time], {"device": [device]}, {name: [value] for name, value in fields.items()}
    )


def every_point(measurement: str = "weather", **tags: str) -> RangeQuery:
    return RangeQuery(measurement, *ALWAYS, tags=tags)


async def test_points_come_back_oldest_first_with_their_nanoseconds(store: Store) -> None:
    assert await store.write([weather((NOON + 1, "mast", 2.5), (NOON, "mast", 1.25))]) == []
    table = await store.range(every_point())
    assert table.columns == ("time", "wind")
    assert list(table.rows) == [(NOON, 1.25), (NOON + 1, 2.5)]


async def test_numbers_texts_and_truth_values_keep_their_type(store: Store) -> None:
    await store.write([one(number=1, fraction=0.1, large=2**60, text="1", truth=True, lie=False)])
    table = await store.range(every_point())
    assert table.columns == ("time", "fraction", "large", "lie", "number", "text", "truth")
    row = table.rows[0]
    assert row == (NOON, 0.1, float(2**60), False, 1.0, "1", True)
    assert [type(cell) for cell in row] == [int, float, float, bool, float, str, bool]


async def test_absent_values_are_none_and_a_point_without_any_is_rejected(store: Store) -> None:
    points = Points(
        "weather",
        [NOON, NOON + 1, NOON + 2],
        {"device": ["mast"] * 3},
        {"wind": [1.0, None, None], "gust": [None, 2.0, None]},
    )
    rejected = await store.write([points])
    assert [(each.time, each.reason) for each in rejected] == [(NOON + 2, "no field has a value")]
    table = await store.range(every_point())
    assert table.columns == ("time", "gust", "wind")
    assert list(table.rows) == [(NOON, None, 1.0), (NOON + 1, 2.0, None)]


async def test_only_the_fields_asked_for_come_back_in_that_order(store: Store) -> None:
    await store.write([one(wind=1.0, gust=2.0), one(time=NOON + 1, wind=3.0)])
    table = await store.range(RangeQuery("weather", *ALWAYS, fields=("gust", "never", "wind")))
    assert table.columns == ("time", "gust", "never", "wind")
    assert list(table.rows) == [(NOON, 2.0, None, 1.0), (NOON + 1, None, None, 3.0)]
    only = await store.range(RangeQuery("weather", *ALWAYS, fields=("gust",)))
    assert list(only.rows) == [(NOON, 2.0)]


async def test_a_span_holds_its_start_and_not_its_end(store: Store) -> None:
    await store.write([weather(*((NOON + i, "mast", float(i)) for i in range(5)))])
    table = await store.range(RangeQuery("weather", NOON + 1, NOON + 3))
    assert list(table.rows) == [(NOON + 1, 1.0), (NOON + 2, 2.0)]
    assert await store.count("weather", NOON + 1, NOON + 3) == 2
    assert list((await store.range(RangeQuery("weather", *ALWAYS, limit=2))).rows) == [
        (NOON, 0.0),
        (NOON + 1, 1.0),
    ]


async def test_what_nobody_wrote_has_no_rows(store: Store) -> None:
    for written in (False, True):
        assert list((await store.range(every_point("ghost"))).rows) == []
        assert list((await store.range(RangeQuery("weather", *ALWAYS, fields=("ghost",)))).rows) == []
        assert list((await store.range(RangeQuery("weather", *ALWAYS, tags={"ghost": "x"}))).rows) == []
        assert list((await store.latest("ghost", "device", 0)).rows) == []
        assert list((await store.latest("weather", "ghost", 0)).rows) == []
        assert await store.count("ghost", *ALWAYS) == 0
        assert await store.measurements() == (["weather"] if written else [])
        assert await store.watermarks() == {}
        await store.write([one(wind=1.0)])


async def test_nothing_to_write_is_fine(store: Store) -> None:
    assert await store.write([]) == []
    assert await store.write([Points("weather", [], {"device": []}, {"wind": []})]) == []
    assert await store.measurements() == []


async def test_odd_texts_survive_as_tags_and_as_values(store: Store) -> None:
    await store.write([one(wind=2.0)])
    for text in ODD_TEXTS:
        assert await store.write([one(device=text, wind=1.0, name=text)]) == []
        assert list((await store.range(every_point(device=text))).rows) == [(NOON, text, 1.0)]
    table = await store.latest("weather", "device", 0)
    expected = [(NOON, text.rstrip("\\"), text, 1.0) for text in ODD_TEXTS]
    assert sorted(table.rows, key=repr) == sorted([*expected, (NOON, "mast", None, 2.0)], key=repr)


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\x00", "\t"])
async def test_control_characters_stay_in_values_and_are_spaces_in_tags(store: Store, separator: str) -> None:
    evil = f"ship{separator}weather,device=false wind=99 {NOON}"
    assert await store.write([one(device=evil, wind=1.0, name=evil)]) == []
    assert await store.count("weather", *ALWAYS) == 1
    table = await store.latest("weather", "device", 0)
    assert list(table.rows) == [(NOON, evil.replace(separator, " " * len(separator)), evil, 1.0)]
    assert len((await store.range(every_point(device=evil))).rows) == 1


async def test_an_empty_tag_is_no_tag(store: Store) -> None:
    points = Points(
        "weather", [NOON, NOON + 1], {"device": ["", "mast"], "site": ["", ""]}, {"wind": [1.0, 2.0]}
    )
    assert await store.write([points]) == []
    assert list((await store.range(every_point())).rows) == [(NOON, 1.0), (NOON + 1, 2.0)]
    assert list((await store.range(every_point(device=""))).rows) == [(NOON, 1.0)]
    assert list((await store.range(every_point(site=""))).rows) == [(NOON, 1.0), (NOON + 1, 2.0)]
    table = await store.latest("weather", "device", 0)
    assert table.columns == ("time", "device", "wind")
    assert list(table.rows) == [(NOON + 1, "mast", 2.0)]


async def test_questions_cannot_be_bent_by_what_is_asked_for(store: Store) -> None:
    await store.write([one(wind=1.0)])
    for text in [*ODD_TEXTS, "' OR 1=1 --", "mast' OR device != '", "x\\", "x\\' OR 'a'='a"]:
        assert list((await store.range(every_point(device=text))).rows) == []
        assert list((await store.range(every_point(text))).rows) == []
        assert list((await store.range(RangeQuery("weather", *ALWAYS, tags={text: "mast"}))).rows) == []
        assert list((await store.range(RangeQuery("weather", *ALWAYS, fields=(text,)))).rows) == []
        assert list((await store.latest(text, "device", 0)).rows) == []
        assert list((await store.latest("weather", text, 0)).rows) == []
        assert await store.count(text, *ALWAYS) == 0
    assert await store.count("weather", *ALWAYS) == 1


@pytest.mark.parametrize(
    "points",
    [
        one(measurement="we ather", wind=1.0),
        one(measurement='weather" (x INT); DROP TABLE weather; --', wind=1.0),
        one(measurement="haidang_watermark", wind=1.0),
        one(measurement="", wind=1.0),
        Points("weather", [NOON], {}, {"wind,x": [1.0]}),
        Points("weather", [NOON], {}, {"time": [1.0]}),
        Points("weather", [NOON], {}, {"Wind": [1.0]}),
        Points("weather", [NOON], {"dev ice": ["x"]}, {"wind": [1.0]}),
        Points("weather", [NOON], {"wind": ["x"]}, {"wind": [1.0]}),
        one(wind=float("nan")),
        one(wind=float("-inf")),
        one(wind=10**400),
        one(name="\ud800"),
        one(name="x" * 70_000),
        one(device="x" * 2_000, wind=1.0),
        one(time=2**63, wind=1.0),
        one(time=-(2**70), wind=1.0),
        one(wind="calm"),
        one(wind=True),
        one(calm=1),
        one(name=1.5),
        one(device="mast", wind=1.0, gust="none"),
    ],
)
async def test_what_cannot_be_stored_is_rejected_alone_with_a_reason(store: Store, points: Points) -> None:
    await store.write([one(time=NOON - 1, wind=0.5, gust=0.5, name="n", calm=False)])
    good = weather((NOON - 2, "mast", 1.0), (NOON - 3, "other", 2.0))
    rejected = await store.write([good, points, one(time=NOON - 4, measurement="power", volts=230)])
    assert [(each.measurement, each.time) for each in rejected] == [(points.measurement, points.times[0])]
    assert rejected[0].reason
    assert rejected[0].fields == {name: column[0] for name, column in points.fields.items()}
    assert await store.count("weather", *ALWAYS) == 3
    assert await store.count("power", *ALWAYS) == 1
    assert await store.measurements() == ["power", "weather"]


async def test_a_point_of_another_type_is_rejected_among_thousands(store: Store) -> None:
    size = 3000
    bad: dict[int, Value] = {17: "calm", 1999: True, 2500: float("inf")}
    values = [bad.get(i, i) for i in range(size)]
    times = [NOON + i for i in range(size)]
    rejected = await store.write([Points("weather", times, {"device": ["mast"] * size}, {"wind": values})])
    assert [(each.time - NOON, each.fields["wind"]) for each in rejected] == list(bad.items())
    assert await store.count("weather", *ALWAYS) == size - len(bad)


async def test_an_integer_that_turns_into_a_fraction_drops_nothing(store: Store) -> None:
    await store.write([one(wind=1)])
    assert await store.write([one(time=NOON + 1, wind=1.5), one(time=NOON + 2, wind=2)]) == []
    assert list((await store.range(every_point())).rows) == [(NOON, 1.0), (NOON + 1, 1.5), (NOON + 2, 2.0)]


async def test_columns_and_measurements_appear_as_they_are_needed(store: Store) -> None:
    await store.write([one(wind=1.0)])
    sited = Points("weather", [NOON + 1], {"device": ["mast"], "site": ["quay"]}, {"gust": [2.0]})
    await store.write(
        [sited, one(measurement="power", volts=230.0), one(time=NOON + 2, gust=3.0, calm=False)]
    )
    assert (await store.range(every_point())).columns == ("time", "calm", "gust", "wind")
    assert await store.measurements() == ["power", "weather"]
    table = await store.latest("weather", "device", 0)
    assert table.columns == ("time", "device", "site", "calm", "gust", "wind")
    assert list(table.rows) == [(NOON + 2, "mast", None, False, 3.0, 1.0)]


@pytest.mark.parametrize(
    ("aggregate", "first", "second"),
    [
        (Aggregate.MEAN, 2.0, 10.0),
        (Aggregate.MIN, 1.0, 10.0),
        (Aggregate.MAX, 3.0, 10.0),
        (Aggregate.SUM, 4.0, 10.0),
        (Aggregate.COUNT, 2, 1),
        (Aggregate.FIRST, 3.0, 10.0),
        (Aggregate.LAST, 1.0, 10.0),
    ],
)
async def test_buckets_begin_at_their_edge(
    store: Store, aggregate: Aggregate, first: float, second: float
) -> None:
    await store.write(
        [weather((NOON, "m", 3.0), (NOON + MINUTE - 1, "m", 1.0), (NOON + 5 * MINUTE, "m", 10.0))]
    )
    query = RangeQuery("weather", NOON, NOON + 5 * MINUTE + 1, every=MINUTE, aggregate=aggregate)
    table = await store.range(query)
    assert table.columns == ("time", "wind")
    assert list(table.rows) == [(NOON, first), (NOON + 5 * MINUTE, second)]


async def test_a_bucket_cut_by_the_span_still_bears_its_own_start(store: Store) -> None:
    await store.write([weather((NOON + 1, "m", 1.0), (NOON + 2, "m", 2.0))])
    query = RangeQuery("weather", NOON + 2, NOON + 3, every=MINUTE, aggregate=Aggregate.SUM)
    assert list((await store.range(query)).rows) == [(NOON, 2.0)]


async def test_buckets_are_aligned_to_the_epoch_whatever_their_width(store: Store) -> None:
    width = 7 * 10**9 + 1
    await store.write([weather((NOON, "m", 1.0), (NOON + width, "m", 2.0))])
    table = await store.range(RangeQuery("weather", NOON - 1, NOON + 2 * width, every=width))
    assert [row[0] for row in table.rows] == [NOON // width * width, NOON // width * width + width]


@pytest.mark.parametrize("aggregate", [Aggregate.MEAN, Aggregate.MIN, Aggregate.MAX, Aggregate.SUM])
async def test_texts_take_no_part_in_sums(store: Store, aggregate: Aggregate) -> None:
    await store.write([one(wind=1.0, name="a", calm=True), one(time=NOON + MINUTE, name="b", calm=False)])
    query = RangeQuery("weather", NOON, NOON + 2 * MINUTE, every=MINUTE, aggregate=aggregate)
    table = await store.range(query)
    assert table.columns == ("time", "calm", "name", "wind")
    assert list(table.rows) == [(NOON, None, None, 1.0)]


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        (Aggregate.FIRST, [(NOON, True, "a", 1.0), (NOON + MINUTE, False, "c", None)]),
        (Aggregate.LAST, [(NOON, True, "b", 1.0), (NOON + MINUTE, False, "c", None)]),
        (Aggregate.COUNT, [(NOON, 1, 2, 1), (NOON + MINUTE, 1, 1, None)]),
    ],
)
async def test_texts_have_a_first_a_last_and_a_count(
    store: Store, aggregate: Aggregate, expected: list[tuple[Value | None, ...]]
) -> None:
    await store.write([one(wind=1.0, name="a", calm=True), one(time=NOON + 1, name="b")])
    await store.write([one(time=NOON + MINUTE, name="c", calm=False)])
    query = RangeQuery("weather", NOON, NOON + 2 * MINUTE, every=MINUTE, aggregate=aggregate)
    assert list((await store.range(query)).rows) == expected


async def test_buckets_join_the_devices_unless_one_is_asked_for(store: Store) -> None:
    await store.write([weather((NOON, "a", 1.0), (NOON + 1, "b", 2.0), (NOON + 2, "a", 4.0))])
    query = RangeQuery("weather", NOON, NOON + MINUTE, every=MINUTE, aggregate=Aggregate.SUM)
    assert list((await store.range(query)).rows) == [(NOON, 7.0)]
    only = RangeQuery(
        "weather", NOON, NOON + MINUTE, tags={"device": "a"}, every=MINUTE, aggregate=Aggregate.SUM
    )
    assert list((await store.range(only)).rows) == [(NOON, 5.0)]


async def test_fewer_buckets_than_there_are_can_be_asked_for(store: Store) -> None:
    await store.write([weather(*((NOON + i * MINUTE, "m", float(i)) for i in range(5)))])
    query = RangeQuery("weather", NOON, NOON + 9 * MINUTE, every=MINUTE, limit=2)
    assert [row[0] for row in (await store.range(query)).rows] == [NOON, NOON + MINUTE]


async def test_latest_has_the_last_value_of_every_field_of_every_device(store: Store) -> None:
    await store.write([one(device="b", wind=1.0, calm=True, name="x"), one(device="a", wind=7.0)])
    await store.write(
        [one(time=NOON + 5, device="b", wind=2.0), one(time=NOON - 5, device="b", name="older")]
    )
    table = await store.latest("weather", "device", NOON - MINUTE)
    assert table.columns == ("time", "device", "calm", "name", "wind")
    assert list(table.rows) == [(NOON, "a", None, None, 7.0), (NOON + 5, "b", True, "x", 2.0)]


async def test_latest_looks_no_further_back_than_asked(store: Store) -> None:
    await store.write([one(device="old", wind=1.0), one(time=NOON + 1, device="new", wind=2.0)])
    await store.write([one(time=NOON, device="new", gust=9.0)])
    table = await store.latest("weather", "device", NOON + 1)
    assert list(table.rows) == [(NOON + 1, "new", None, 2.0)]


async def test_latest_gives_the_tags_of_the_newest_point(store: Store) -> None:
    points = Points(
        "vessel",
        [NOON, NOON + 1],
        {"mmsi": ["574001", "574001"], "station": ["west", "east"]},
        {"lat": [20.1, 20.2], "name": ["HẢI ÂU", None]},
    )
    await store.write([points])
    table = await store.latest("vessel", "mmsi", 0)
    assert table.columns == ("time", "mmsi", "station", "lat", "name")
    assert list(table.rows) == [(NOON + 1, "574001", "east", 20.2, "HẢI ÂU")]


async def test_two_values_a_nanosecond_or_a_device_apart_are_both_kept(store: Store) -> None:
    await store.write([weather((NOON, "a", 1.0), (NOON + 1, "a", 2.0), (NOON, "b", 3.0))])
    assert await store.count("weather", *ALWAYS) == 3
    assert sorted((await store.range(every_point())).rows) == [(NOON, 1.0), (NOON, 3.0), (NOON + 1, 2.0)]


async def test_points_are_counted_whatever_fields_they_have(store: Store) -> None:
    points = Points(
        "weather",
        [NOON + i for i in range(6)],
        {"device": ["mast"] * 6},
        {"wind": [1.0, None] * 3, "gust": [None, 1.0] * 3},
    )
    await store.write([points])
    await store.write([one(time=NOON + 9, wind=1.0, name="both")])
    assert await store.count("weather", *ALWAYS) == 7
    assert await store.count("weather", NOON, NOON + 3) == 3
    assert await store.count("weather", NOON + 20, NOON + 30) == 0


async def test_older_points_are_forgotten_and_newer_ones_are_not(store: Store) -> None:
    await store.write(
        [weather((NOON - 1, "a", 1.0), (NOON, "a", 2.0)), one(time=1, measurement="power", volts=1.0)],
        {Source("gate", "e"): 5},
    )
    assert await store.delete_before(NOON) in (0, 2)
    assert list((await store.range(every_point())).rows) == [(NOON, 2.0)]
    assert await store.measurements() == ["weather"]
    assert await store.watermarks() == {Source("gate", "e"): 5}
    assert await store.write([one(time=2, measurement="power", volts=1.0)]) == []
    assert await store.count("power", *ALWAYS) == 1


async def test_each_source_has_its_own_watermark_and_it_only_rises(store: Store) -> None:
    first, second, other = Source("quay", "e1"), Source("quay", "e2"), Source("tower", "e1")
    await store.write([one(wind=1.0)], {first: 1, other: 2**40 + 1})
    await store.write([], {first: 7, second: 3})
    await store.write([one(time=NOON + 1, wind=1.0)], {first: 6})
    assert await store.watermarks() == {first: 7, second: 3, other: 2**40 + 1}


async def test_a_write_all_of_whose_points_are_rejected_still_moves_the_watermark(store: Store) -> None:
    source = Source("quay", "e")
    rejected = await store.write([one(wind=float("nan"))], {source: 4})
    assert len(rejected) == 1
    assert await store.watermarks() == {source: 4}


async def test_a_write_of_many_points_and_measurements_arrives_whole(store: Store) -> None:
    size = 12_000
    writes = [
        Points(
            f"kind_{kind}",
            [NOON + i for i in range(size)],
            {"device": [f"d{i % 50}" for i in range(size)]},
            {"a": [i * 0.1 for i in range(size)], "b": [i % 2 == 0 for i in range(size)]},
        )
        for kind in range(2)
    ]
    assert await store.write(writes) == []
    assert [await store.count(f"kind_{kind}", *ALWAYS) for kind in range(2)] == [size, size]
    assert len((await store.latest("kind_1", "device", 0)).rows) == 50


async def test_times_far_outside_the_calendar_can_be_asked_for(store: Store) -> None:
    await store.write([one(wind=1.0)])
    assert await store.count("weather", -(2**80), 2**80) == 1
    assert len((await store.range(RangeQuery("weather", -(2**80), 2**80))).rows) == 1
    assert len((await store.latest("weather", "device", -(2**80))).rows) == 1
