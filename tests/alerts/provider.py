"""Real servers that stand for notification providers: a webhook and an SMTP server, good or bad."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

from aiosmtpd.controller import Controller

from tests.servers import free_port

JSON = dict[str, Any]


class Webhook:
    """A webhook server. `answers` are its next statuses, after them 200; `release` ends a hanging one."""

    def __init__(self) -> None:
        self.received: Queue[JSON] = Queue()
        self.answers: Queue[int | str] = Queue()
        self.release = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.url = f"json://127.0.0.1:{self.server.server_port}"

    def texts(self) -> list[str]:
        """The bodies received so far."""
        return [str(each["message"]) for each in list(self.received.queue)]


def _handler(hook: Webhook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            hook.received.put({**body, "path": self.path})
            answer = 200 if hook.answers.empty() else hook.answers.get()
            if answer == "drip":
                self._drip()
            else:
                self.send_response(int(answer))
                self.end_headers()

        def _drip(self) -> None:
            """A byte now and then, so that no read ever times out and no answer ever ends."""
            with suppress(OSError):  # the other side was killed
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not hook.release.wait(0.05):
                    self.wfile.write(b"x")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    return Handler


@contextmanager
def webhook() -> Generator[Webhook]:
    """A webhook server that is up while the block runs."""
    hook = Webhook()
    thread = threading.Thread(target=hook.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hook
    finally:
        hook.release.set()
        hook.server.shutdown()
        hook.server.server_close()
        thread.join()


class Mailbox:
    """An SMTP server's mails: (recipients, subject, text)."""

    def __init__(self) -> None:
        self.mails: Queue[tuple[list[str], str, str]] = Queue()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        mail = message_from_bytes(envelope.content, policy=policy.default)
        text = mail.get_body()
        assert text is not None
        self.mails.put((envelope.rcpt_tos, str(mail["subject"]), text.get_content()))
        return "250 OK"


@contextmanager
def smtp() -> Generator[tuple[Mailbox, str]]:
    """An SMTP server that is up while the block runs, and the channel that leads to it."""
    mailbox, port = Mailbox(), free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        address = f"mailto://127.0.0.1:{port}?from=haidang@port.example&to=duty@port.example&mode=insecure"
        yield mailbox, address
    finally:
        controller.stop()
