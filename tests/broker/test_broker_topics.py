"""The topics of the road, and whose they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import topics
from telemetry.topics import matches

IDS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)


@given(IDS)
def test_a_topic_says_whose_it_is(gateway: str) -> None:
    ours = (topics.batches, topics.receipts, topics.status, topics.configuration)
    for of in (*ours, topics.commands, topics.replies):
        assert topics.gateway_of(of(gateway)) == gateway
    assert matches(topics.ALL_BATCHES, topics.batches(gateway))
    assert matches(topics.ALL_STATUSES, topics.status(gateway))
    assert matches(topics.ALL_REPLIES, topics.replies(gateway))
    assert not matches(topics.ALL_BATCHES, topics.status(gateway))
    assert not matches(topics.ALL_REPLIES, topics.commands(gateway))


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "haidang/1/gw/quay",
        "haidang/1/gw/quay/data/more",
        "haidang/2/gw/quay/data",
        "other/1/gw/quay/data",
        "haidang/1/gw/+/data",
        "haidang/1/gw/#/data",
        "haidang/1/gw//data",
        "haidang/1/gw/QUAY/data",
        "haidang/1/gw/a b/data",
    ],
)
def test_any_other_topic_is_nobodys(topic: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        topics.gateway_of(topic)
