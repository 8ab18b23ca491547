"""Configuration for Mosquitto, the broker of production: who may speak where, and nobody else.

A gateway's user is the gateway's id, and it may publish and subscribe below its own name only; the
user `centre` serves ingest and API. Durability is not asked of the broker: the outbox has it.
"""

import base64
import hashlib
import os
import pwd
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from broker.embedded import LARGEST_PAYLOAD
from broker.topics import ROOT
from telemetry import ConfigurationError
from telemetry.devices import check_identifier

CENTRE = "centre"
_ITERATIONS = 101  # what mosquitto_passwd uses; the passwords here are random, so stretching adds nothing
_GATEWAY_WRITES = ("data", "status", "reply")
_GATEWAY_READS = ("receipt", "config", "command")


@dataclass(frozen=True, slots=True)
class Listener:
    """Where Mosquitto listens. TLS when a certificate is given (PEM files)."""

    port: int
    bind: str = "127.0.0.1"
    certificate: Path | None = None
    key: Path | None = None


def configuration(listener: Listener, folder: Path) -> str:
    """The text of `mosquitto.conf` for password and access files in `folder`."""
    tls = f"certfile {listener.certificate}\nkeyfile {listener.key}\n" if listener.certificate else ""
    return f"""# Written by `haidang mosquitto`; run that again rather than edit this.
listener {listener.port} {listener.bind}
{tls}allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/access
set_tcp_nodelay true
message_size_limit {LARGEST_PAYLOAD}
max_inflight_messages 1000
max_queued_messages 10000
persistence false
"""


def access(gateways: Iterable[str]) -> str:
    """The text of the access file. Ids are checked, so that none can widen its own topics."""
    blocks = [f"user {CENTRE}\ntopic readwrite {ROOT}/#\n"]
    for gateway in sorted(map(check_identifier, gateways)):
        below = f"{ROOT}/gw/{gateway}"
        rights = [f"topic write {below}/{leaf}" for leaf in _GATEWAY_WRITES]
        rights += [f"topic read {below}/{leaf}" for leaf in _GATEWAY_READS]
        blocks.append("\n".join([f"user {gateway}", *rights, ""]))
    return "\n".join(blocks)


def passwords(users: Mapping[str, str]) -> str:
    """The text of the password file: PBKDF2-HMAC-SHA-512 in Mosquitto's `$7$` form."""
    return "".join(f"{user}:{_hashed(password)}\n" for user, password in sorted(users.items()))


def write_configuration(folder: Path, listener: Listener, gateways: Iterable[str]) -> Mapping[str, str]:
    """Writes the three files, secrets readable by their owner only, and returns the new passwords.

    What root writes belongs to the system's user `mosquitto`, which Debian's becomes at its start.
    Raises ConfigurationError for a gateway that would have the centre's rights, or a folder that
    cannot be written to.
    """
    names = sorted({*gateways})
    if CENTRE in names:
        raise ConfigurationError(
            f"{CENTRE!r} is the name of the centre's own user: call the gateway otherwise"
        )
    users = {user: secrets.token_urlsafe(24) for user in (CENTRE, *names)}
    texts = {
        "mosquitto.conf": configuration(listener, folder.resolve()),
        "access": access(names),
        "passwords": passwords(users),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            _write(folder / name, text)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written to ({error.strerror}): name a folder that you may write to"
        ) from error
    return users


def _write(file: Path, text: str) -> None:
    draft = file.with_name(f"{file.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
        if (user := _own_user()) is not None:
            os.fchown(opened.fileno(), user.pw_uid, user.pw_gid)
    draft.replace(file)


def _own_user() -> pwd.struct_passwd | None:
    """The user that Mosquitto becomes when root starts it; None where we may not give files away."""
    try:
        return pwd.getpwnam("mosquitto") if os.geteuid() == 0 else None
    except KeyError:
        return None


def _hashed(password: str) -> str:
    salt = os.urandom(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return f"$7${_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
