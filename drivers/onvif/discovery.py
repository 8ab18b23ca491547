"""WS-Discovery messages by which ONVIF cameras are found, both ways (WS-Discovery 2005/04; ONVIF Core, 7).

A client sends a Probe to a multicast group; every camera it fits answers with a ProbeMatches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from drivers.onvif.xml import Element, escape, read_xml

GROUP, PORT = "239.255.255.250", 3702
TYPES = ("dn:NetworkVideoTransmitter", "tds:Device")
"""What an ONVIF camera calls itself: Profile S names the first, devices of any profile the second."""

_SCOPE = "onvif://www.onvif.org/"
_LONGEST = 200
_MOST = 32  # addresses, types or scopes of one camera
_ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
 xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"
 xmlns:dn="http://www.onvif.org/ver10/network/wsdl" xmlns:tds="http://www.onvif.org/ver10/device/wsdl">
<s:Header><a:MessageID>{message}</a:MessageID>{relates}<a:To>{to}</a:To>
<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/{action}</a:Action></s:Header>
<s:Body>{body}</s:Body></s:Envelope>"""


@dataclass(frozen=True, slots=True)
class Match:
    """A camera as it describes itself.

    endpoint: its lasting id. addresses: URLs of its device service. scopes: URIs such as
    `onvif://www.onvif.org/name/Gate%202`.
    """

    endpoint: str
    addresses: tuple[str, ...]
    types: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()

    def scope(self, key: str) -> str:
        """What the camera says under a key such as `name`, `hardware` or `location`; empty if nothing."""
        for scope in self.scopes:
            if scope.startswith(f"{_SCOPE}{key}/"):
                return _printable(unquote(scope[len(_SCOPE) + len(key) + 1 :]))
        return ""


@dataclass(frozen=True, slots=True)
class Probe:
    """Somebody looks for devices. types: what kinds, all that are named; none means any device."""

    message: str
    types: tuple[str, ...] = ()


def encode_probe(message: str, kind: str) -> bytes:
    """A Probe for one of TYPES. message: its id, `urn:uuid:…`."""
    body = f"<d:Probe><d:Types>{escape(kind)}</d:Types></d:Probe>"
    to = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
    return _ENVELOPE.format(message=escape(message), relates="", to=to, action="Probe", body=body).encode()


def encode_match(match: Match, message: str, probe: str) -> bytes:
    """A camera's answer to the Probe with this id."""
    body = (
        "<d:ProbeMatches><d:ProbeMatch>"
        f"<a:EndpointReference><a:Address>{escape(match.endpoint)}</a:Address></a:EndpointReference>"
        f"<d:Types>{escape(' '.join(match.types))}</d:Types>"
        f"<d:Scopes>{escape(' '.join(match.scopes))}</d:Scopes>"
        f"<d:XAddrs>{escape(' '.join(match.addresses))}</d:XAddrs>"
        "<d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches>"
    )
    return _ENVELOPE.format(
        message=escape(message),
        relates=f"<a:RelatesTo>{escape(probe)}</a:RelatesTo>",
        to="http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous",
        action="ProbeMatches",
        body=body,
    ).encode()


def read_matches(datagram: bytes) -> Sequence[Match]:
    """The cameras in one answer; none when it is another message. Raises XmlError when it is no XML."""
    found = [_match(element) for element in read_xml(datagram).all("ProbeMatch")]
    return [match for match in found if match.addresses]


def read_probe(datagram: bytes) -> Probe | None:
    """The Probe in a datagram; None when it is another message. Raises XmlError when it is no XML."""
    root = read_xml(datagram)
    if (probe := root.first("Probe")) is None:
        return None
    return Probe(root.text_of("MessageID"), tuple(probe.text_of("Types").split()[:_MOST]))


def _match(element: Element) -> Match:
    endpoint = element.first("EndpointReference") or element
    return Match(
        _printable(endpoint.text_of("Address")),
        *(_list(element, name) for name in ("XAddrs", "Types", "Scopes")),
    )


def _list(element: Element, name: str) -> tuple[str, ...]:
    return tuple(_printable(text) for text in element.text_of(name).split()[:_MOST])


def _printable(text: str) -> str:
    """What a stranger says, fit for a terminal: no control characters, not endless."""
    return "".join(character for character in text[:_LONGEST] if character.isprintable())
