"""Property: whatever is written, both stores keep the same and answer the same, and so does line protocol."""

import asyncio
import itertools
import uuid
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from stores.contract import Aggregate, Points, RangeQuery, Rejected, Store, Table
from stores.embedded import EmbeddedStore
from stores.influx import InfluxStore
from stores.influx_address import InfluxAddress
from stores.screening import clean_tag

START = 1_790_000_000_000_000_000
SPAN = 10_000
ALWAYS = (0, 2**62)
TEXTS = st.text(alphabet=st.characters(), max_size=12) | st.text('\\",= \n\r\t\0ệ#', max_size=8)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
EIGHTHS = st.integers(-(2**40), 2**40).map(lambda number: number / 8)  # their sums are exact in any order
VALUES = {
    "number": EIGHTHS | st.integers(-1000, 1000),
    "text": TEXTS,
    "truth": st.booleans(),
    "mixed": EIGHTHS | st.text(max_size=3) | st.booleans(),
}


@st.composite
def writes(draw: st.DrawFn) -> Sequence[Points]:
    """Some writes to one measurement; no two points have the same time."""
    times = iter(draw(st.lists(st.integers(START, START + SPAN), unique=True, min_size=1, max_size=24)))
    found: list[Points] = []
    while taken := list(itertools.islice(times, draw(st.integers(1, 8)))):
        size = len(taken)
        fields = {
            name: draw(st.lists(st.none() | values, min_size=size, max_size=size))
            for name, values in VALUES.items()
            if draw(st.booleans())
        }
        devices = draw(st.lists(st.sampled_from(["a", "b"]) | TEXTS, min_size=size, max_size=size))
        found.append(Points("m", taken, {"device": devices}, fields))
    return found


async def all_answers(store: Store, written: Sequence[Points]) -> tuple[list[Rejected], list[Any]]:
    rejected = [each for points in written for each in await store.write([points])]
    tables = [await store.range(RangeQuery("m", *ALWAYS)), await store.latest("m", "device", 0)]
    for aggregate in Aggregate:
        query = RangeQuery("m", START, START + SPAN + 1, every=997, aggregate=aggregate)
        tables.append(await store.range(query))
    devices = {text for points in written for text in points.tags["device"]}
    tables += [
        await store.range(RangeQuery("m", *ALWAYS, tags={"device": each}))
        for each in sorted(devices, key=ascii)
    ]
    counts = [await store.count("m", *ALWAYS), await store.count("m", START, START + SPAN // 2)]
    return rejected, [*map(comparable, tables), *counts]


def comparable(table: Table) -> Any:
    """Means differ in their last digit, by when they were divided."""
    rows = [tuple(round(cell, 3) if isinstance(cell, float) else cell for cell in row) for row in table.rows]
    return table.columns if rows else (), rows


# Not shrunk: an example asks two stores thirty questions, and shrinking would take minutes.
@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(writes())
def test_both_stores_answer_the_same(influx_url: str, written: Sequence[Points]) -> None:
    async def both() -> None:
        address = InfluxAddress(influx_url, f"agree_{uuid.uuid4().hex}")
        with TemporaryDirectory() as folder:
            async with EmbeddedStore(Path(folder)) as embedded, InfluxStore(address) as influx:
                assert await all_answers(embedded, written) == await all_answers(influx, written)

    asyncio.run(both())


def halved(text: str) -> bool:
    """Whether it holds half a surrogate pair."""
    return any("\ud800" <= character <= "\udfff" for character in text)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS, FINITE, st.booleans()), min_size=1, max_size=10))
def test_line_protocol_brings_every_text_and_number_back(
    influx_url: str, rows: list[tuple[str, str, float, bool]]
) -> None:
    tags, texts, numbers, truths = map(list, zip(*rows, strict=True))
    times = [START + i for i in range(len(rows))]

    async def there_and_back() -> None:
        async with InfluxStore(InfluxAddress(influx_url, f"lines_{uuid.uuid4().hex}")) as store:
            points = Points("m", times, {"tag": tags}, {"text": texts, "number": numbers, "truth": truths})
            rejected = {each.time for each in await store.write([points])}
            assert rejected == {time for time, text in zip(times, texts, strict=True) if halved(text)}
            kept = [(t, *row) for t, row in zip(times, rows, strict=True) if t not in rejected]
            table = await store.range(RangeQuery("m", *ALWAYS, fields=("text", "number", "truth")))
            assert list(table.rows) == [(time, text, number, truth) for time, _, text, number, truth in kept]
            for time, tag, *_ in kept:
                found = await store.range(RangeQuery("m", time, time + 1, tags={"tag": tag}))
                assert len(found.rows) == 1
                latest = await store.latest("m", "tag", time)
                assert not clean_tag(tag) or clean_tag(tag) in {row[1] for row in latest.rows}

    asyncio.run(there_and_back())
