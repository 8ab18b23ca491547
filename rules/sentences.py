"""Numbers and durations inside sentences, as English and Vietnamese write them."""

from telemetry import Title

_STEPS = ((86400.0, "d", "ngày"), (3600.0, "h", "giờ"), (60.0, "min", "phút"), (1.0, "s", "giây"))


def decimal(value: float) -> Title:
    """`18.3` and `18,3`; six significant digits."""
    text = f"{value:.6g}"
    return Title(en=text, vi=text.replace(".", ","))


def seconds(duration: float) -> Title:
    """`90 s` and `90 giây`, in the largest unit that keeps the number whole."""
    size, en, vi = next((step for step in _STEPS if duration % step[0] == 0), _STEPS[-1])
    count = decimal(duration / size)
    return Title(en=f"{count.en} {en}", vi=f"{count.vi} {vi}")
