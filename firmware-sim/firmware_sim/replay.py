"""Replays a log of NMEA or AIS lines onto a link, as the receiver that recorded it would have sent them.

`haidang replay` is its command line. Destinations: `tcp-listen://host:port` waits for clients and
sends to all of them, `tcp://host:port` connects, `udp://host:port` sends each line as a datagram.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import urlsplit

from firmware_sim.replay_log import Log, as_log, as_recorded, at_once, at_rate, recorded_at
from firmware_sim.replay_sinks import Sink, connected, datagrams, listening
from telemetry import ConfigurationError

TOGETHER = 64
"""Lines that are handed over at once when they are due together."""

Progress = Callable[[int, int], None]
"""Told lines sent and lines in all."""

_SINKS: dict[str, Callable[[str, int, int], AbstractAsyncContextManager[Sink]]] = {
    "tcp-listen": listening,
    "tcp": connected,
    "udp": datagrams,
}


async def replay(
    source: "Path | str | Iterable[bytes | str]",
    to: str,
    *,
    rate: float | None = None,
    original_speed: bool = False,
    progress: Progress | None = None,
    clients: int = 1,
) -> int:
    """Sends every line of a log once; returns how many, when all are sent and drained.

    source: a file's path, or the lines. to: the destination's URL, see above. rate: lines a second.
    original_speed: as the log's time stamps say. With neither, as fast as the receivers read.
    clients: how many have to connect before a listening replay begins.
    Raises ConfigurationError for what cannot be replayed so, LinkError when the destination breaks.
    """
    log = as_log(source)
    host, port, kind = _destination(to)
    total = log.count()
    timed = _timed(log, rate, original_speed)
    async with _SINKS[kind](host, port, clients) as sink:
        return await _play(sink, timed, total, progress or _nobody)


async def _play(sink: Sink, timed: Iterator[tuple[float, bytes]], total: int, progress: Progress) -> int:
    clock = asyncio.get_running_loop().time
    start, sent = clock(), 0
    waiting: list[bytes] = []
    progress(0, total)
    for offset, line in timed:
        pause = start + offset - clock()
        if waiting and (pause > 0 or len(waiting) >= TOGETHER):
            await sink.send(waiting)
            sent += len(waiting)
            progress(sent, total)
            waiting = []
        if pause > 0:
            await asyncio.sleep(pause)
        waiting.append(line)
    await sink.send(waiting)
    await sink.drain()
    progress(sent + len(waiting), total)
    return sent + len(waiting)


def _timed(log: Log, rate: float | None, original_speed: bool) -> Iterator[tuple[float, bytes]]:
    if rate is not None and original_speed:
        raise ConfigurationError("replay at a rate or at the original speed, not both")
    if original_speed:
        if all(recorded_at(line) is None for line in log):
            raise ConfigurationError(
                "this log has no times, neither tag blocks with c: nor $PGHP lines: use --rate instead"
            )
        return as_recorded(log)
    if rate is None:
        return at_once(log)
    if not 0 < rate <= 1e6:
        raise ConfigurationError(f"a rate of {rate:g} lines a second is not above 0 and at most 1,000,000")
    return at_rate(log, rate)


def _destination(url: str) -> tuple[str, int, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"{url!r} has a host or a port that cannot be read: {error}") from error
    if (
        parts.scheme not in _SINKS
        or port is None
        or parts.path
        or (parts.scheme != "tcp-listen" and not parts.hostname)
    ):
        raise ConfigurationError(
            f"cannot replay to {url!r}: write tcp-listen://127.0.0.1:10110, tcp://host:port or udp://host:port"
        )
    return parts.hostname or "", port, parts.scheme


def _nobody(sent: int, total: int) -> None:
    """Nobody wants to know."""
