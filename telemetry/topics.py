"""MQTT topic names and filters. Source: MQTT 3.1.1, section 4.7."""

_LONGEST = 65_535


def check_filter(text: str) -> str:
    """The filter unchanged; raises ValueError where `+` or `#` stands in the wrong place (4.7.1)."""
    levels = text.split("/")
    wrong = any(("+" in level or "#" in level) and len(level) > 1 for level in levels)
    if wrong or not text or "\0" in text or "#" in levels[:-1] or len(text.encode()) > _LONGEST:
        raise ValueError(
            f"{text[:80]!r} is not a topic filter: + and # stand alone between slashes, # only at the end"
        )
    return text


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a message on `topic` belongs to a subscription of `topic_filter`.

    A filter that begins with a wildcard leaves out topics that begin with `$` (4.7.2), and `a/#`
    includes `a` itself (4.7.1.2).
    """
    if topic.startswith("$") and topic_filter[:1] in {"+", "#"}:
        return False
    return _levels_match(topic_filter.split("/"), topic.split("/"))


def ends_with(topic: str, tail_filter: str) -> bool:
    """Whether some last levels of `topic` match the filter: `tele/mast-2/SENSOR` ends with `+/SENSOR`."""
    wanted, levels = tail_filter.split("/"), topic.split("/")
    if wanted[-1] != "#":
        return _levels_match(wanted, levels[-len(wanted) :])
    return any(_levels_match(wanted, levels[start:]) for start in range(len(levels)))


def _levels_match(wanted: list[str], levels: list[str]) -> bool:
    for position, level in enumerate(wanted):
        if level == "#":
            return True
        if position >= len(levels) or level not in {"+", levels[position]}:
            return False
    return len(wanted) == len(levels)
