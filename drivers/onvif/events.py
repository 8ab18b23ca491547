"""What a camera's notifications say of a profile's metrics. No I/O."""

from collections.abc import Sequence
from typing import TypeAlias

from drivers.onvif.messages import Happening
from drivers.onvif.plan import EventMetric, plain_topic
from telemetry import Value

MOST_SOURCES = 64
"""Rules, inputs or areas of one camera that may speak of one metric at once."""

_Source: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]


class EventMetrics:
    """The metrics that events tell, and who says at present that a boolean one is true."""

    def __init__(self, metrics: Sequence[EventMetric]) -> None:
        self._by_topic: dict[str, list[EventMetric]] = {}
        for metric in metrics:
            self._by_topic.setdefault(metric.read.topic, []).append(metric)
        self._active: dict[str, dict[_Source, None]] = {}
        self._counts: dict[str, int] = {}

    def clear(self) -> None:
        """The subscription is a new one: the camera says anew what is true."""
        self._active.clear()

    def take(self, event: Happening) -> tuple[dict[str, Value], list[str]]:
        """The metrics an event speaks of, and a sentence for each value that is none."""
        values: dict[str, Value] = {}
        wrong: list[str] = []
        topic = plain_topic(event.topic[:400])
        for metric in self._by_topic.get(topic, ()):
            text = event.items.get(metric.read.item)
            if not metric.read.source.items() <= event.source.items():
                continue
            if metric.type == "count":
                values |= self._counted(metric.metric, event)
                continue
            if event.deleted:
                text = None
            elif text is None:
                continue
            value = None if text is None else metric.value(text)
            if value is None and text is not None:
                wrong.append(f"{metric.metric}: {text[:60]!r} is no {metric.type}")
            elif metric.type == "boolean":
                values[metric.metric] = self._any(metric, topic, event, active=value is True)
            elif value is not None:
                values[metric.metric] = value
        return values, wrong

    def _counted(self, metric: str, event: Happening) -> dict[str, Value]:
        if event.deleted:
            return {}
        self._counts[metric] = self._counts.get(metric, 0) + 1
        return {metric: self._counts[metric]}

    def _any(self, metric: EventMetric, topic: str, event: Happening, *, active: bool) -> bool:
        """Whether any source says so now."""
        sources = self._active.setdefault(metric.metric, {})
        source = (topic, tuple(sorted(event.source.items())))
        if not active:
            sources.pop(source, None)
        elif len(sources) < MOST_SOURCES:
            sources[source] = None
        return bool(sources)
