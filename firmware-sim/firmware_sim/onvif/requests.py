"""SOAP as a camera reads and writes it: the request, who signed it, answers and faults (SOAP 1.2; WSS)."""

import base64
import binascii
import hashlib
import hmac
import re
from collections import deque
from dataclasses import dataclass, field

from drivers.onvif.xml import Element, XmlError, escape, read_xml
from telemetry.times import NANOSECONDS, format_utc, parse_utc

SKEW = 30.0
"""Seconds a signature's time may differ from the camera's own."""
_ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsa="http://www.w3.org/2005/08/addressing"
 xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:tt="http://www.onvif.org/ver10/schema"
 xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl"
 xmlns:tptz="http://www.onvif.org/ver20/ptz/wsdl" xmlns:tev="http://www.onvif.org/ver10/events/wsdl"
 xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:ter="http://www.onvif.org/ver10/error">
<s:Body>{body}</s:Body></s:Envelope>"""


REALM, _NONCE = "camera", "f00dcafe"
CHALLENGE = f'WWW-Authenticate: Digest realm="{REALM}", qop="auth", nonce="{_NONCE}", algorithm=MD5'
_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


@dataclass(frozen=True, slots=True)
class SoapAnswer:
    """What goes back over HTTP."""

    status: int
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class SoapRequest:
    """One operation that was asked for. header: of its envelope. path, authorization: of the HTTP request."""

    operation: str
    body: Element
    header: Element
    path: str
    authorization: str = ""


def read_request(document: bytes, path: str, authorization: str = "") -> SoapRequest | None:
    """The request; None for what is no SOAP."""
    try:
        root = read_xml(document)
    except XmlError:
        return None
    body = root.first("Body")
    if body is None or not body.children:
        return None
    header = root.first("Header") or Element("Header")
    return SoapRequest(body.children[0].name, body.children[0], header, path, authorization)


def answered(body: str) -> SoapAnswer:
    """A body in its envelope."""
    return SoapAnswer(200, _ENVELOPE.format(body=body).encode())


def fault(subcode: str, reason: str, status: int = 400) -> SoapAnswer:
    """A SOAP fault, such as `ter:NotAuthorized`."""
    body = (
        f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{subcode}</s:Value></s:Subcode>"
        f'</s:Code><s:Reason><s:Text xml:lang="en">{escape(reason)}</s:Text></s:Reason></s:Fault>'
    )
    return SoapAnswer(status, _ENVELOPE.format(body=body).encode())


@dataclass(slots=True)
class Doorkeeper:
    """Lets in who signs with the password and the camera's own time (WSS UsernameToken Profile 1.1, 4)."""

    user: str
    password: str
    _nonces: deque[str] = field(default_factory=lambda: deque[str](maxlen=500))

    def admits(self, request: SoapRequest, camera_time: int) -> bool:
        """camera_time: UTC nanoseconds by the camera's clock. A nonce is good once."""
        header = request.header
        nonce, created = header.text_of("Nonce"), header.text_of("Created")
        try:
            signed_at = parse_utc(created)
            raw = base64.b64decode(nonce, validate=True)
        except (ValueError, binascii.Error):
            return False
        digest = hashlib.sha1(raw + created.encode() + self.password.encode())  # noqa: S324 - the standard's
        wanted = base64.b64encode(digest.digest()).decode()
        fresh = abs(signed_at - camera_time) <= SKEW * NANOSECONDS and nonce not in self._nonces
        self._nonces.append(nonce)
        right = hmac.compare_digest(wanted, header.text_of("Password"))
        return fresh and right and header.text_of("Username") == self.user

    def admits_http(self, authorization: str, path: str) -> bool:
        """Whether a request to this path has a right HTTP digest for CHALLENGE (RFC 7616, MD5, qop auth)."""
        given = {name: quoted or plain for name, quoted, plain in _FIELD.findall(authorization)}
        secret = _md5(f"{self.user}:{REALM}:{self.password}")
        told = ":".join(given.get(name, "") for name in ("nonce", "nc", "cnonce", "qop"))
        wanted = _md5(f"{secret}:{told}:{_md5(f'POST:{path}')}")
        right = hmac.compare_digest(wanted, given.get("response", ""))
        return right and given.get("nonce") == _NONCE and given.get("username") == self.user


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - the standard's


def at(nanoseconds: int) -> str:
    """A time as SOAP writes it, in whole seconds."""
    return format_utc(nanoseconds // NANOSECONDS * NANOSECONDS)
