"""Links over real sockets, ptys, brokers and files."""

import asyncio
import os
import socket
import time
import tty
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from broker.session import BrokerAddress, connect
from drivers.contract import RETAINED
from gateways.links import open_link, parse_link
from gateways.links.contract import LARGEST_READ, PIECE, Home, Link
from gateways.links.conversation import Conversation
from gateways.links.mqtt import MOST_UNSENT
from gateways.links.pipe import keep_alive
from gateways.links.tcp import Sender, Senders
from telemetry import LinkError
from tests.servers import free_port, pty_pair
from tests.waiting import until


@asynccontextmanager
async def opened(
    url: str, platform: BrokerAddress | None = None, owner: str = "haidang"
) -> AsyncGenerator[Conversation]:
    async with asyncio.timeout(20), open_link(parse_link(url), platform, owner) as link:
        yield link


async def collect(link: Conversation, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = await link.read()
        assert chunk is not None
        data += chunk[0]
    return data


Caller = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def device() -> AsyncGenerator[tuple[int, asyncio.Queue[Caller]]]:
    """A TCP server: its port, and whoever connects."""
    callers: asyncio.Queue[Caller] = asyncio.Queue()
    writers: list[asyncio.StreamWriter] = []

    def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        callers.put_nowait((reader, writer))

    server = await asyncio.start_server(welcome, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], callers
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(0)


async def test_tcp_carries_bytes_both_ways_and_breaks_when_the_device_hangs_up() -> None:
    async with device() as (port, callers), opened(f"tcp://127.0.0.1:{port}") as link:
        reader, writer = await callers.get()
        writer.write(b"hello")
        assert await link.read() == (b"hello", "")
        link.write(b"ask")
        assert await reader.readexactly(3) == b"ask"
        writer.write(b"last words")
        writer.close()
        assert await collect(link, 10) == b"last words"
        with pytest.raises(LinkError, match="closed the connection"):
            await link.read()
        with pytest.raises(LinkError, match="closed the connection"):
            link.write(b"x")


async def test_tcp_says_why_it_cannot_connect() -> None:
    with pytest.raises(LinkError, match=r"cannot connect to 127\.0\.0\.1"):
        async with opened(f"tcp://127.0.0.1:{free_port()}"):
            pass


async def test_a_read_ends_at_its_deadline_and_loses_nothing() -> None:
    async with device() as (port, callers), opened(f"tcp://127.0.0.1:{port}") as link:
        assert await link.read(time.monotonic() + 0.01) is None
        assert await link.read(time.monotonic() - 1) is None
        (_, writer) = await callers.get()
        writer.write(b"x")
        assert await link.read(time.monotonic() + 10) == (b"x", "")
        writer.close()


async def test_a_sender_that_floods_is_held_back_and_no_byte_is_lost() -> None:
    flood = os.urandom(4 << 20)
    async with device() as (port, callers), opened(f"tcp://127.0.0.1:{port}") as link:
        _, writer = await callers.get()
        writer.write(flood)
        await until(lambda: link.waiting >= LARGEST_READ)
        for _ in range(100):
            await asyncio.sleep(0)
        assert link.waiting < LARGEST_READ + 2 * PIECE
        assert await collect(link, len(flood)) == flood
        writer.close()


async def test_what_came_before_a_hang_up_is_read_first_also_when_it_was_held_back() -> None:
    flood = os.urandom(200_000)
    async with device() as (port, callers), opened(f"tcp://127.0.0.1:{port}") as link:
        _, writer = await callers.get()
        writer.write(flood)
        writer.close()
        await until(lambda: link.waiting >= LARGEST_READ)
        assert await collect(link, len(flood)) == flood
        with pytest.raises(LinkError, match="closed the connection"):
            await link.read()


class Witness(Conversation):
    """Counts what is to come once at most."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[Link] = []
        self.ends = 0

    def opened(self, link: Link) -> None:
        super().opened(link)
        self.links.append(link)

    def broke(self, error: LinkError) -> None:
        super().broke(error)
        self.ends += 1


async def test_a_wire_that_was_held_back_when_it_ended_says_so_once_also_when_it_is_let_go_later() -> None:
    witness = Witness()
    async with device() as (port, callers):
        async with parse_link(f"tcp://127.0.0.1:{port}").open(witness, Home()):
            await callers.get()
            witness.links[0].pause()
        assert witness.ends == 1
        witness.links[0].resume()
    assert (witness.ends, len(witness.links)) == (1, 1)


async def test_everybody_who_dialled_in_is_held_back_and_no_byte_is_lost() -> None:
    port = free_port()
    async with opened(f"tcp-listen://127.0.0.1:{port}") as link:
        writers = [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(3)]
        for number, writer in enumerate(writers):
            writer.write(b"%d\n" % number * 100_000)
        await until(lambda: link.waiting >= LARGEST_READ)
        for _ in range(100):
            await asyncio.sleep(0)
        assert link.waiting < LARGEST_READ + 6 * PIECE
        _, late = await asyncio.open_connection("127.0.0.1", port)
        late.write(b"9\n")
        said = await collect(link, 600_002)
        assert [said.count(b"%d\n" % number) for number in (0, 1, 2, 9)] == [100_000] * 3 + [1]
        for writer in (*writers, late):
            writer.close()


async def test_a_device_that_takes_nothing_breaks_the_link() -> None:
    async with device() as (port, callers), opened(f"tcp://127.0.0.1:{port}") as link:
        await callers.get()

        def write_on_and_on() -> None:
            for _ in range(1000):
                link.write(bytes(65_536))

        with pytest.raises(LinkError, match="takes nothing"):
            write_on_and_on()


async def test_a_peer_that_vanishes_is_looked_for_by_the_system() -> None:
    async with device() as (port, _):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        keep_alive(writer.transport)
        sock = writer.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 15
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        writer.close()
        await writer.wait_closed()


def origin_of(writer: asyncio.StreamWriter) -> str:
    host, port = writer.get_extra_info("sockname")
    return f"{host}:{port}"


async def test_several_senders_dial_in_and_their_lines_are_not_mixed() -> None:
    port = free_port()
    async with opened(f"tcp-listen://127.0.0.1:{port}") as link:
        one_reader, one = await asyncio.open_connection("127.0.0.1", port)
        other_reader, other = await asyncio.open_connection("127.0.0.1", port)
        one.write(b"first\n")
        assert await collect(link, 6) == b"first\n"
        other.write(b"second\n")
        assert await collect(link, 7) == b"second\n"
        one.write(b"one half")
        other.write(b"whole\nanother")
        assert await collect(link, 6) == b"whole\n"
        one.write(b", the other\n")
        assert b"one half, the other\n" in await collect(link, 27)
        link.write(b"to the last")
        assert await other_reader.readexactly(11) == b"to the last"
        link.write(b"to this one", origin_of(one))
        assert await one_reader.readexactly(11) == b"to this one"
        one.close()
        other.write(b" line\nstill here\n")
        assert (await collect(link, 11)).endswith(b"still here\n")
        other.close()


async def test_a_lone_sender_is_heard_byte_by_byte_so_that_binary_protocols_dial_in_too() -> None:
    port = free_port()
    async with opened(f"tcp-listen://127.0.0.1:{port}") as link:
        _, one = await asyncio.open_connection("127.0.0.1", port)
        one.write(b"\x01\x03\n\x00\x0a\x00")
        assert await collect(link, 6) == b"\x01\x03\n\x00\x0a\x00"
        one.close()


async def test_an_unfinished_line_beside_another_sender_is_held_back_only_for_a_moment() -> None:
    port = free_port()
    async with opened(f"tcp-listen://127.0.0.1:{port}") as link:
        _, one = await asyncio.open_connection("127.0.0.1", port)
        _, other = await asyncio.open_connection("127.0.0.1", port)
        other.write(b"x\n")
        await collect(link, 2)
        one.write(b"\x01\n\x02")
        assert await collect(link, 3) == b"\x01\n\x02"
        one.close()
        other.close()


async def test_a_sender_that_hung_up_before_it_was_asked_for_its_address_is_a_sender_too() -> None:
    senders = Senders(Conversation())
    sender = Sender(senders)
    sender.connection_made(asyncio.Transport())
    assert list(senders.present.values()) == [sender]
    sender.connection_lost(None)
    assert senders.present == {}


async def test_a_port_that_is_taken_is_a_link_error() -> None:
    port = free_port()
    async with opened(f"tcp-listen://127.0.0.1:{port}"):
        with pytest.raises(LinkError, match=f"cannot listen on TCP port {port}"):
            async with opened(f"tcp-listen://127.0.0.1:{port}"):
                pass
    port = free_port(socket.SOCK_DGRAM)
    async with opened(f"udp-listen://127.0.0.1:{port}"):
        with pytest.raises(LinkError, match=f"cannot listen on UDP port {port}"):
            async with opened(f"udp-listen://127.0.0.1:{port}"):
                pass


async def test_datagrams_stay_whole_and_say_who_sent_them() -> None:
    port = free_port(socket.SOCK_DGRAM)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        sender.settimeout(10)
        origin = f"127.0.0.1:{sender.getsockname()[1]}"
        async with opened(f"udp-listen://127.0.0.1:{port}") as link:
            for part in (b"one", b"", b"two"):
                sender.sendto(part, ("127.0.0.1", port))
            assert [await link.read(), await link.read()] == [(b"one", origin), (b"two", origin)]
            link.write(b"answer")
            assert await asyncio.to_thread(sender.recv, 100) == b"answer"


async def test_an_answer_goes_to_the_origin_it_names_or_to_whoever_spoke_last() -> None:
    port = free_port(socket.SOCK_DGRAM)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two,
    ):
        async with opened(f"udp-listen://127.0.0.1:{port}") as link:
            link.write(b"nobody is there yet")
            origins: list[str] = []
            for sender in (one, two):
                sender.settimeout(10)
                sender.sendto(b"here", ("127.0.0.1", port))
                chunk = await link.read()
                assert chunk is not None
                origins.append(chunk[1])
            link.write(b"first", origins[0])
            link.write(b"last")
            assert await asyncio.to_thread(one.recv, 100) == b"first"
            assert await asyncio.to_thread(two.recv, 100) == b"last"


async def test_udp_asks_one_device_hears_it_alone_and_tells_when_nobody_is_there() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as camera,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
    ):
        camera.bind(("127.0.0.1", 0))
        camera.settimeout(10)
        async with opened(f"udp://127.0.0.1:{camera.getsockname()[1]}") as link:
            for frame in (b"one", b"two"):
                link.write(frame)
            assert await asyncio.to_thread(camera.recv, 100) == b"one"
            frame, caller = await asyncio.to_thread(camera.recvfrom, 100)
            assert frame == b"two"
            stranger.sendto(b"not the camera", caller)
            camera.sendto(b"ack", caller)
            assert await link.read() == (b"ack", f"127.0.0.1:{camera.getsockname()[1]}")
            camera.close()
            link.write(b"anybody?")
            with pytest.raises(LinkError, match="refused"):
                await link.read()


async def test_udp_may_be_sent_from_the_port_a_device_answers_to() -> None:
    local = free_port(socket.SOCK_DGRAM)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as camera:
        camera.bind(("127.0.0.1", 0))
        camera.settimeout(10)
        async with opened(f"udp://127.0.0.1:{camera.getsockname()[1]}?local_port={local}") as link:
            link.write(b"x")
            assert await asyncio.to_thread(camera.recvfrom, 100) == (b"x", ("127.0.0.1", local))


async def test_datagrams_nobody_reads_are_dropped_and_counted() -> None:
    port = free_port(socket.SOCK_DGRAM)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        async with opened(f"udp-listen://127.0.0.1:{port}") as link:

            def dropped() -> int:
                for _ in range(50):
                    sender.sendto(b"x", ("127.0.0.1", port))
                return link.dropped

            await until(dropped)
            assert link.waiting <= 2 * LARGEST_READ + 65


async def test_serial_carries_bytes_both_ways(tmp_path: Path) -> None:
    with pty_pair(tmp_path) as (ours, theirs):
        far = os.open(theirs, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(far)
        async with opened(f"serial://{ours}?baudrate=4800") as link:
            os.write(far, b"$WIMWV\r\n\x00\xff")
            assert await collect(link, 10) == b"$WIMWV\r\n\x00\xff"
            link.write(b"ask")
            assert await asyncio.to_thread(os.read, far, 3) == b"ask"
        async with opened(f"serial://{ours}"):
            pass
        os.close(far)


async def test_a_slow_serial_line_takes_what_is_sent_in_order_and_one_that_takes_nothing_breaks(
    tmp_path: Path,
) -> None:
    far = plug_in(tmp_path / "ttyUSB0")
    async with opened(f"serial://{tmp_path}/ttyUSB0") as link:
        sent = b"".join(b"%d\n" % number for number in range(10_000))
        for start in range(0, len(sent), 1_000):
            link.write(sent[start : start + 1_000])
        heard = b""
        while len(heard) < len(sent):
            heard += await asyncio.to_thread(os.read, far, 4_096)
        assert heard == sent

        def write_on_and_on() -> None:
            for _ in range(1_000):
                link.write(bytes(4_096))

        with pytest.raises(LinkError, match="takes nothing"):
            write_on_and_on()
    os.close(far)


def plug_in(port: Path) -> int:
    """A pseudo-terminal that appears under this name; closing the descriptor pulls it out."""
    far, near = os.openpty()
    tty.setraw(near)
    port.unlink(missing_ok=True)
    port.symlink_to(os.ttyname(near))
    os.close(near)
    return far


async def test_a_serial_adapter_that_is_pulled_out_breaks_the_link_and_works_again(tmp_path: Path) -> None:
    url = f"serial://{tmp_path}/ttyUSB0"
    far = plug_in(tmp_path / "ttyUSB0")
    async with opened(url) as link:
        os.write(far, b"here")
        assert await collect(link, 4) == b"here"
        os.close(far)
        with pytest.raises(LinkError):
            await link.read()
    with pytest.raises(LinkError, match="cannot open serial port"):
        async with opened(url):
            pass
    far = plug_in(tmp_path / "ttyUSB0")
    async with opened(url) as link:
        os.write(far, b"back")
        assert await collect(link, 4) == b"back"
    os.close(far)


class Converter:
    """A serial port behind TCP: agrees to every setting as RFC 2217 has it, and echoes what is sent."""

    def __init__(self) -> None:
        self.settings: dict[int, bytes] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while byte := await reader.read(1):
            if byte != b"\xff":
                writer.write(byte)
                continue
            command = (await reader.readexactly(1))[0]
            if command == 250:
                await self._set(await reader.readuntil(b"\xff\xf0"), writer)
            elif 251 <= command <= 254:
                option = await reader.readexactly(1)
                answer = {251: 253, 253: 251, 252: 254, 254: 252}[command]
                writer.write(bytes([255, answer]) + option)
        writer.close()

    async def _set(self, negotiation: bytes, writer: asyncio.StreamWriter) -> None:
        option, command, value = negotiation[0], negotiation[1], negotiation[2:-2]
        if option == 44:
            self.settings[command] = value
            writer.write(bytes([255, 250, 44, command + 100]) + value + b"\xff\xf0")


async def test_a_converter_that_speaks_rfc_2217_is_set_and_carries_bytes() -> None:
    converter = Converter()
    server = await asyncio.start_server(converter.serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with opened(f"rfc2217://127.0.0.1:{port}?baudrate=4800&parity=E&stopbits=2") as link:
            link.write(b"$WIMWV")
            assert await collect(link, 6) == b"$WIMWV"
            assert converter.settings[1] == (4800).to_bytes(4)
            assert converter.settings[3] == b"\x03"
            assert converter.settings[4] == b"\x02"


async def test_a_missing_serial_port_is_a_link_error(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="cannot open serial port"):
        async with opened(f"serial://{tmp_path}/ttyNONE"):
            pass


async def test_mqtt_messages_come_with_their_topic_and_retained_ones_with_a_mark(mosquitto_port: int) -> None:
    platform = BrokerAddress("127.0.0.1", mosquitto_port)
    async with connect(platform, "mast") as mast:
        await mast.publish("sensors/mast/state", b"old", retain=True)
        async with opened("mqtt:sensors/+/state", platform) as link:
            await mast.publish("sensors/mast/state", b"new")
            await mast.publish("sensors/other", b"not ours")
            await mast.publish("sensors/quay/state", b"quay")
            assert await link.read() == (b"old", RETAINED + "sensors/mast/state")
            assert await link.read() == (b"new", "sensors/mast/state")
            assert await link.read() == (b"quay", "sensors/quay/state")
            with pytest.raises(LinkError, match="sends to topics only"):
                link.write(b"x")
        async with opened(f"mqtt://127.0.0.1:{mosquitto_port}/sensors/#") as link:
            await mast.publish("sensors/other", b"ours now")
            assert await link.read() == (b"old", RETAINED + "sensors/mast/state")
            assert await link.read() == (b"ours now", "sensors/other")


async def test_an_mqtt_message_of_any_size_stays_one_chunk(mosquitto_port: int) -> None:
    platform = BrokerAddress("127.0.0.1", mosquitto_port)
    async with connect(platform, "mast") as mast, opened("mqtt:large", platform) as link:
        sent = [b"x" * size for size in (LARGEST_READ + 1, 5 * LARGEST_READ, 1)]
        for payload in sent:
            await mast.publish("large", payload)
        assert [await link.read() for _ in sent] == [(payload, "large") for payload in sent]


async def test_what_is_sent_over_mqtt_goes_to_the_topic_it_names_in_order(mosquitto_port: int) -> None:
    platform = BrokerAddress("127.0.0.1", mosquitto_port)
    async with (
        opened("mqtt:lamps/+/set", platform, owner="lamps") as lamp,
        opened("mqtt:lamps/+/state", platform) as link,
    ):
        for number in range(100):
            link.write(b"%d" % number, "lamps/1/set")
        said = [await lamp.read() for _ in range(100)]
        assert said == [(b"%d" % number, "lamps/1/set") for number in range(100)]


async def test_a_broker_that_takes_nothing_breaks_the_link_and_memory_stays_bounded(
    mosquitto_port: int,
) -> None:
    async with opened("mqtt:a", BrokerAddress("127.0.0.1", mosquitto_port)) as link:

        def write_on_and_on() -> None:
            for _ in range(MOST_UNSENT + 1):
                link.write(b"x", "b")

        with pytest.raises(LinkError, match="the broker takes nothing"):
            write_on_and_on()


async def test_a_topic_that_cannot_be_one_breaks_the_link(mosquitto_port: int) -> None:
    async with opened("mqtt:a", BrokerAddress("127.0.0.1", mosquitto_port)) as link:
        link.write(b"x", "b/#")
        with pytest.raises(LinkError, match="cannot publish on b/#"):
            await link.read()


async def test_an_mqtt_link_without_its_broker_is_a_link_error() -> None:
    with pytest.raises(LinkError, match="no session with the broker"):
        async with opened(f"mqtt://127.0.0.1:{free_port()}/a"):
            pass
    with pytest.raises(LinkError, match="names no broker"):
        async with opened("mqtt:a"):
            pass


async def test_a_recording_is_replayed_line_by_line_and_then_is_quiet(tmp_path: Path) -> None:
    log = tmp_path / "log.nmea"
    lines = [f"line {number}\r\n".encode() for number in range(5_000)] + [b"unfinished"]
    log.write_bytes(b"".join(lines))
    async with opened(f"file://{log}?rate=1000000") as link:
        link.write(b"nobody hears")
        assert [await link.read() for _ in lines] == [(line, "") for line in lines]
        assert await link.read(time.monotonic() + 0.05) is None


async def test_a_recording_is_not_replayed_faster_than_its_rate(tmp_path: Path) -> None:
    log = tmp_path / "log.nmea"
    log.write_bytes(b"x\n" * 30)
    begun = time.monotonic()
    async with opened(f"file://{log}?rate=100") as link:
        await collect(link, 60)
    assert time.monotonic() - begun >= 0.2


async def test_a_missing_recording_is_a_link_error(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="cannot replay"):
        async with opened(f"file://{tmp_path}/none.nmea"):
            pass


@pytest.mark.parametrize(
    "url",
    [
        "tcp://a..b:502",
        "tcp-listen://a..b:10110",
        "udp-listen://a..b:10110",
        "rfc2217://a..b:4001",
        "mqtt://a..b/wind",
        "serial:///dev/%00",
        "file:///log%00.nmea",
    ],
)
async def test_a_host_or_a_path_that_cannot_be_one_is_a_link_error(url: str) -> None:
    with pytest.raises(LinkError):
        async with opened(url):
            pytest.fail("nothing is called so")
