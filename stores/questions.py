"""What a question means for the columns a measurement has, alike for both stores."""

from collections.abc import Mapping

from stores.contract import Aggregate, RangeQuery
from stores.screening import Kind, Kinds, clean_tag


def answering_fields(query: RangeQuery, kinds: Kinds) -> Mapping[str, bool]:
    """The fields to return, and whether each exists and takes part; the others are None in every row.

    Texts and truth values take part in no mean, min, max and sum.
    """
    wanted = query.fields or tuple(sorted(name for name, kind in kinds.items() if kind is not Kind.TAG))
    usable = {Kind.NUMBER, Kind.INTEGER} if only_numbers(query) else set(Kind) - {Kind.TAG}
    return {name: kinds.get(name) in usable for name in wanted}


def only_numbers(query: RangeQuery) -> bool:
    """Whether the answer is made of numbers whatever the fields hold."""
    return query.every is not None and query.aggregate not in (
        Aggregate.COUNT,
        Aggregate.FIRST,
        Aggregate.LAST,
    )


def known_tags(query: RangeQuery, kinds: Kinds) -> Mapping[str, str] | None:
    """The tags to look for as they are stored, empty where a point must lack the tag.

    None when no point can have them, since the measurement lacks such a tag.
    """
    found: dict[str, str] = {}
    for name, text in query.tags.items():
        cleaned = clean_tag(text)
        if kinds.get(name) is Kind.TAG:
            found[name] = cleaned
        elif cleaned:
            return None
    return found
