"""Lines out of a byte stream."""

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.lines import LineSplitter
from tests.drivers.listening import CUTS, one_by_one, pieces

LIMIT = 16
STREAM = st.binary(max_size=60) | st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"bb", b"\0", b"\xff", b"x" * 15, b"y" * 17, b"z" * 90]),
    max_size=30,
).map(b"".join)


def cut(chunks: list[bytes]) -> tuple[list[bytes], int, list[bytes]]:
    splitter = LineSplitter(limit=LIMIT)
    lines: list[bytes] = []
    heads: list[bytes] = []
    for chunk in chunks:
        lines += splitter.feed(chunk)
        heads += splitter.dropped
        assert len(splitter._rest) <= LIMIT
    return lines, splitter.overlong, heads


@given(STREAM, CUTS)
def test_any_bytes_in_any_chunking_give_the_lines_of_the_whole(data: bytes, cuts: list[int]) -> None:
    assert cut([data]) == cut(pieces(data, cuts)) == cut(one_by_one(data))


@given(STREAM)
def test_lines_are_what_stands_between_line_ends_unless_it_is_too_long(data: bytes) -> None:
    expected = data.replace(b"\r", b"\n").split(b"\n")[:-1]
    assert cut([data])[0] == [line for line in expected if 0 < len(line) <= LIMIT]


def test_a_line_too_long_is_dropped_counted_and_remembered_by_its_beginning() -> None:
    splitter = LineSplitter(limit=100)
    assert splitter.feed(b"a" * 101 + b"\nok\n") == [b"ok"]
    assert splitter.overlong == 1
    assert splitter.dropped == [b"a" * 64]
    assert splitter.feed(b"fine\n") == [b"fine"]
    assert splitter.dropped == []


def test_a_line_of_exactly_the_limit_is_kept() -> None:
    assert LineSplitter(limit=5).feed(b"12345\n123456\n") == [b"12345"]


@settings(max_examples=5, deadline=None)
@given(st.sampled_from([b"\0", b"\xff", b"A"]))
def test_megabytes_without_a_line_end_are_one_drop_and_no_memory(byte: bytes) -> None:
    splitter = LineSplitter()
    for _ in range(64):
        assert splitter.feed(byte * 65_536) == []
        assert len(splitter._rest) <= splitter.limit
    assert splitter.overlong == 1
    assert splitter.feed(b"tail of the long one\nnext\n") == [b"next"]


def test_after_a_reconnection_the_half_line_is_forgotten() -> None:
    splitter = LineSplitter()
    splitter.feed(b"!AIVDM,1,1")
    splitter.clear()
    assert splitter.feed(b"whole\n") == [b"whole"]
    splitter.feed(b"a" * 5000)
    splitter.clear()
    assert splitter.feed(b"whole\n") == [b"whole"]
