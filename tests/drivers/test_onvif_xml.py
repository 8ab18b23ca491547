"""XML from strangers: what is read of it, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.onvif.discovery import (
    TYPES,
    Match,
    Probe,
    encode_match,
    encode_probe,
    read_matches,
    read_probe,
)
from drivers.onvif.xml import DEEPEST, MOST_ELEMENTS, XmlError, read_xml

WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=20)


def test_names_are_read_without_their_prefixes_and_text_as_one() -> None:
    root = read_xml(b'<a:x xmlns:a="urn:1"><y z="1">one<!-- not --> <![CDATA[<two>]]></y><a:y/></a:x>')
    assert root.name == "x"
    assert root.text_of("y") == "one <two>"
    assert [one.attributes for one in root.all("y")] == [{"z": "1"}, {}]
    assert root.first("w") is None
    assert root.text_of("w") == ""


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"not XML",
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<?xml version="1.0" encoding="no-such-code"?><a/>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><a/>'.encode("utf-16"),
        b"<a>" * (DEEPEST + 1) + b"</a>" * (DEEPEST + 1),
        b"<a>" + b"<b/>" * MOST_ELEMENTS + b"</a>",
    ],
)
def test_what_is_no_small_document_is_refused(document: bytes) -> None:
    with pytest.raises(XmlError):
        read_xml(document)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(document: bytes) -> None:
    try:
        read_matches(document)
        read_probe(document)
    except XmlError:
        return


@given(
    st.builds(Match, WORDS, st.lists(WORDS, min_size=1, max_size=3).map(tuple), st.just(TYPES), st.just(()))
)
def test_a_match_is_read_as_it_was_written(match: Match) -> None:
    assert list(read_matches(encode_match(match, "urn:uuid:1", "urn:uuid:2"))) == [match]


@pytest.mark.parametrize("kind", TYPES)
def test_a_probe_is_read_as_it_was_written(kind: str) -> None:
    probe = encode_probe("urn:uuid:<1>", kind)
    assert read_probe(probe) == Probe("urn:uuid:<1>", (kind,))
    assert read_matches(probe) == []
    assert read_probe(encode_match(Match("e", ("http://h",)), "m", "p")) is None
