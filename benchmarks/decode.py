"""How fast AIS lines become messages: this decoder beside pyais and gpsdecode, on the same lines in one run.

    python -m benchmarks.decode [--lines 250000] [--rounds 3]

The log is a recording of the Danish coast over and over (from the reference data folder), or where that
is missing one of our own making. It holds the message types that all of them decode, single and long
messages mixed as they were heard. Each way is timed in seconds of its own processor time, the best of
several rounds taken by turns, so that another job on the machine does not count.
"""

import argparse
import random
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

import pyais
from pyais.exceptions import AISBaseException
from pyais.stream import IterMessages

from tests.reference import FOLDER
from vessels.codec import encode
from vessels.decoding import Decoder
from vessels.messages import ClassBPosition, Message, PositionReport, StaticAndVoyage, StaticPartA
from vessels.picture import Picture
from vessels.rejects import Reject
from vessels.sentences import parse

RECORDING = FOLDER / "ais" / "denmark-stream.txt"
BATCH = 500
NOW = 1_790_000_000_000_000_000

Way = Callable[[], int]
"""Decodes the whole log and returns the number of messages."""


def log(length: int) -> tuple[str, list[str]]:
    """What the log is, and so many of its lines."""
    if RECORDING.exists():
        lines = list(decodable(RECORDING.read_text("latin-1").splitlines()))
        name = f"{len(lines)} lines of {RECORDING.name}, repeated"
    else:
        source = random.Random(7)
        lines = [line for number in range(20_000) for line in encode(made_up(source), sequence=number % 10)]
        name = "made up (no reference data folder)"
    return name, list(islice(cycle(lines), length - length % len(lines) or len(lines)))


def decodable(lines: Sequence[str]) -> Iterator[str]:
    """The lines of messages of our types, each message's parts one behind the other."""
    decoder = Decoder()
    parts: dict[tuple[str, int | None], list[str]] = {}
    for line in lines:
        sentence = parse(line)
        if isinstance(sentence, Reject):
            continue
        key = (sentence.heading.channel, sentence.heading.sequence)
        if sentence.heading.number == 1:
            parts[key] = []
        parts.setdefault(key, []).append(line)
        if decoder.decode("station", line, NOW) is not None:
            yield from parts.pop(key)


def made_up(source: random.Random) -> Message:
    """A message as a port hears them: mostly class A positions."""
    mmsi, kind = source.randrange(200_000_000, 780_000_000), source.random()
    lat, lon, sog = source.uniform(20, 21), source.uniform(106, 108), source.randrange(300) / 10
    if kind < 0.78:
        return PositionReport(1, 0, mmsi, 0, 0, sog, True, lon, lat, source.randrange(3600) / 10, 90, 5)
    if kind < 0.88:
        return ClassBPosition(18, 0, mmsi, sog, True, lon, lat)
    if kind < 0.9:
        return StaticPartA(24, 0, mmsi, name=f"CRAFT {mmsi}")
    return StaticAndVoyage(5, 0, mmsi, 0, 9134270, "XVAB", f"SHIP {mmsi}", 70, destination="VNHPH")


def line_by_line(lines: Sequence[str]) -> int:
    """Our decoder, a line at a time."""
    decode = Decoder().decode
    return sum(decode("station", line, NOW) is not None for line in lines)


def in_batches(lines: Sequence[str]) -> int:
    """Our decoder, as many lines at a time as a gateway's batch has."""
    decoder, times = Decoder(), [NOW] * BATCH
    found = 0
    for start in range(0, len(lines), BATCH):
        messages = decoder.decode_batch("station", lines[start : start + BATCH], times)
        found += len(messages) - messages.count(None)
    return found


def into_the_picture(lines: Sequence[str]) -> int:
    """Our decoder line by line, every message applied to the live picture."""
    decode, apply = Decoder().decode, Picture().apply
    found = 0
    for number, line in enumerate(lines):
        message = decode("station", line, NOW)
        if message is not None:
            apply(message, "station", NOW + number)
            found += 1
    return found


def by_pyais_stream(lines: Sequence[bytes]) -> int:
    """pyais, its own reassembly."""
    found = 0
    for sentence in IterMessages(lines):
        try:
            sentence.decode()
        except AISBaseException:
            continue
        found += 1
    return found


def by_pyais_decode(messages: Sequence[Sequence[bytes]]) -> int:
    """pyais, with the parts of every message handed to it together."""
    for parts in messages:
        pyais.decode(*parts)
    return len(messages)


def by_gpsdecode(log_file: Path) -> int:
    """gpsd's decoder, printing JSON."""
    with log_file.open("rb") as lines:
        done = subprocess.run(["gpsdecode"], stdin=lines, capture_output=True, check=True)
    return done.stdout.count(b"\n")


def together(lines: Sequence[str]) -> list[list[bytes]]:
    """The lines of each message, in the order in which the messages are complete."""
    messages: list[list[bytes]] = []
    for line in lines:
        heading = line.split(",", 3)
        if heading[2] == "1":
            messages.append([])
        messages[-1].append(line.encode())
    return messages


def processor_time(way: Way) -> tuple[float, int]:
    """Seconds of this process and its children, and the messages found."""
    before = time.process_time() + _children()
    found = way()
    return time.process_time() + _children() - before, found


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(ways: dict[str, Way], rounds: int) -> dict[str, tuple[float, int]]:
    """The best time of each way, by turns."""
    best: dict[str, tuple[float, int]] = {}
    for _ in range(rounds):
        for name, way in ways.items():
            taken = processor_time(way)
            best[name] = min(best.get(name, taken), taken)
    return best


def main() -> None:
    """Prints the table."""
    arguments = argparse.ArgumentParser(description="AIS decoding beside pyais and gpsdecode")
    arguments.add_argument("--lines", type=int, default=250_000)
    arguments.add_argument("--rounds", type=int, default=3)
    chosen = arguments.parse_args()
    name, lines = log(chosen.lines)
    raw, grouped = [line.encode() for line in lines], together(lines)
    with tempfile.TemporaryDirectory() as folder:
        log_file = Path(folder) / "log.nmea"
        log_file.write_text("\r\n".join(lines) + "\r\n", "latin-1")
        ways: dict[str, Way] = {
            "pyais, stream reader": lambda: by_pyais_stream(raw),
            "pyais, decode()": lambda: by_pyais_decode(grouped),
            "ours, line by line": lambda: line_by_line(lines),
            f"ours, batches of {BATCH}": lambda: in_batches(lines),
            "ours, into the picture": lambda: into_the_picture(lines),
        }
        if shutil.which("gpsdecode"):
            ways["gpsdecode (C, to JSON)"] = lambda: by_gpsdecode(log_file)
        best = measure(ways, chosen.rounds)
    show(name, len(lines), best)


def show(name: str, length: int, best: dict[str, tuple[float, int]]) -> None:
    """The table: messages a second, and how many times pyais' two ways."""
    slow, fast = (best[way][1] / best[way][0] for way in ("pyais, stream reader", "pyais, decode()"))
    print(f"{length:,} lines: {name}\n")
    print(f"{'':24}{'messages':>10}{'messages/s':>12}{'x stream':>10}{'x decode()':>12}")
    for way, (seconds, found) in best.items():
        rate = found / seconds
        print(f"{way:24}{found:>10,}{rate:>12,.0f}{rate / slow:>10.2f}{rate / fast:>12.2f}")


if __name__ == "__main__":
    main()
