"""What boards say, Vietnamese first and English behind it: Grafana itself speaks no Vietnamese."""

from telemetry import Title


def both(title: Title) -> str:
    """For a title, a column or a value: `Gió / Wind`."""
    return title.vi if title.vi == title.en else f"{title.vi} / {title.en}"


def paragraphs(text: Title) -> str:
    """For a description: one paragraph in each language."""
    return f"{text.vi}\n\n{text.en}"
