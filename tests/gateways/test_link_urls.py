"""What a link's URL may say, and what a wrong one is answered."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.session import BrokerAddress
from gateways.links import LinkAddress, parse_link, shown
from gateways.links.file import FileAddress
from gateways.links.mqtt import MqttAddress
from gateways.links.serial import Line, Rfc2217Address, SerialAddress
from gateways.links.tcp import TcpAddress, TcpListenAddress
from gateways.links.udp import UdpAddress, UdpListenAddress
from telemetry import ConfigurationError


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("tcp://127.0.0.1:10110", TcpAddress("127.0.0.1", 10110)),
        ("tcp://[::1]:502", TcpAddress("::1", 502)),
        ("tcp://converter.quay:4001?framing=rtu", TcpAddress("converter.quay", 4001)),
        ("tcp-listen://:10110", TcpListenAddress("", 10110)),
        ("tcp-listen://127.0.0.1:10110", TcpListenAddress("127.0.0.1", 10110)),
        ("udp://192.168.1.30:52381", UdpAddress("192.168.1.30", 52381)),
        ("udp://192.168.1.30:52381?local_port=52381", UdpAddress("192.168.1.30", 52381, 52381)),
        ("udp://plc.quay:502?framing=rtu", UdpAddress("plc.quay", 502)),
        ("udp-listen://:10111", UdpListenAddress("", 10111)),
        ("serial:///dev/ttyUSB0", SerialAddress("/dev/ttyUSB0", Line())),
        (
            "serial:///dev/ttyS1?baudrate=4800&parity=e&bytesize=7&stopbits=1.5",
            SerialAddress("/dev/ttyS1", Line(4800, "E", 7, 1.5)),
        ),
        ("rfc2217://10.0.0.9:7000?baudrate=19200", Rfc2217Address("10.0.0.9", 7000, Line(19200))),
        ("mqtt:sensors/+/state", MqttAddress("sensors/+/state")),
        ("mqtt:sensors/#", MqttAddress("sensors/#")),
        (
            "mqtt://mast:a%40b@10.0.0.2/wind/#",
            MqttAddress("wind/#", BrokerAddress("10.0.0.2", 1883, "mast", "a@b")),
        ),
        ("mqtts://10.0.0.2/wind", MqttAddress("wind", BrokerAddress("10.0.0.2", 8883, tls=True))),
        ("file:///var/log/quay%201.nmea?rate=50", FileAddress(Path("/var/log/quay 1.nmea"), 50.0)),
    ],
)
def test_a_url_gives_the_address_it_names(url: str, address: LinkAddress) -> None:
    assert parse_link(url) == address


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "is no link: begin it with one of tcp:"),
        ("/dev/ttyUSB0", "is no link"),
        ("telnet://host:23", "is no link"),
        ("tcp://host", "names no port"),
        ("tcp://:502", "names no host"),
        ("tcp://host:70000", "the port is a number from 1 to 65535"),
        ("tcp://host:abc", "the port is a number"),
        ("tcp://host:0", "names no port"),
        ("tcp://host:502/path", "nothing but a host and a port"),
        ("tcp://[::1:502", "is not a URL"),
        ("tcp://host:502?timeout=3", "timeout is not known here; there is framing"),
        ("tcp-listen://", "names no port"),
        ("udp://:52381", "names no host"),
        ("udp://host:52381?local_port=99999", "local_port is a number from 1 to 65535"),
        ("udp-listen://host", "names no port"),
        ("serial://dev/ttyUSB0", "write three slashes"),
        ("serial:///", "names no serial port"),
        ("serial:///dev/ttyUSB0?baudrate=fast", "baudrate is a number, not 'fast'"),
        ("serial:///dev/ttyUSB0?baudrate=10", "baudrate is bits a second"),
        ("serial:///dev/ttyUSB0?parity=X", "parity is N, E, O, M or S"),
        ("serial:///dev/ttyUSB0?bytesize=9", "bytesize is 5, 6, 7 or 8"),
        ("serial:///dev/ttyUSB0?stopbits=3", "stopbits is 1, 1.5 or 2"),
        ("serial:///dev/ttyUSB0?baud=9600", "baud is not known here; there is baudrate"),
        ("serial:///dev/ttyUSB0?parity=N&parity=E", "says a thing twice"),
        ("rfc2217://:7000", "names no host"),
        ("mqtt:", "is not a topic filter"),
        ("mqtt:a/#/b", "is not a topic filter"),
        ("mqtt:a+/b", "is not a topic filter"),
        ("mqtts:a/b", "the platform's broker is mqtt:"),
        ("mqtt://host:1883/", "is not a topic filter"),
        ("mqtt://:1883/a", "the broker's URL must look like"),
        ("file://log.nmea", "write three slashes"),
        ("file:log.nmea", "write three slashes"),
        ("serial:COM3", "write three slashes"),
        ("file:///log.nmea?rate=0", "rate is lines a second"),
        ("file:///log.nmea?rate=-1", "rate is a number"),
    ],
)
def test_a_wrong_url_is_answered_with_what_is_wrong(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_link(url)
    assert words in str(caught.value)


def test_no_message_and_no_shown_url_has_the_password_in_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_link("mqtt://mast:sesame@host:1883/a+b")
    assert "sesame" not in str(caught.value)
    assert shown("mqtt://mast:sesame@host:1883/a") == "mqtt://mast:***@host:1883/a"
    assert shown("mqtt://mast:ses@ame@host/a") == "mqtt://mast:***@host/a"
    assert shown("mqtt://mast:ses/ame@host/a") == "mqtt://mast:***@host/a"
    assert shown("mqtt://host:1883/a@b") == "mqtt://host:1883/a@b"
    assert shown("tcp://host:502") == "tcp://host:502"


@pytest.mark.parametrize(
    "url", ["mqtt://mast:ses/ame@host/a", "mqtt://mast:sesame", "mqtts://[mast:sesame@host/a"]
)
def test_no_message_quotes_a_password_that_broke_the_url(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_link(url)
    assert "ses" not in str(caught.value)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=40),
        st.builds(
            "{}://{}".format,
            st.sampled_from(["tcp", "tcp-listen", "udp", "udp-listen", "serial", "rfc2217", "mqtt", "file"]),
            st.text(alphabet="ab1:/?#[]@=&%+.-\x00é", max_size=30),
        ),
    )
)
def test_any_text_is_an_address_or_a_configuration_error(text: str) -> None:
    with suppress(ConfigurationError):
        assert hash(parse_link(text)) == hash(parse_link(text))
