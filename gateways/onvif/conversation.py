"""What goes on while an ONVIF link is open: orders in their order, questions beside them, and events.

Three things run at once, so that none waits for another: an order is not kept waiting by a camera that is
slow to say where it looks, and neither of them by the pull of events.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from drivers.onvif import messages as m
from gateways.background import background
from gateways.links.contract import Receiver
from gateways.links.gate import Gate
from gateways.onvif.camera import OnvifCamera
from gateways.onvif.events import PullPoint
from gateways.onvif.soap import Account, Soap, SoapError, open_soap
from telemetry import LinkError

OPEN_TIME = 30.0  # seconds a camera may take to say all of what it has
MOST_WAITING = 32
UNANSWERED = 3
"""Questions in a row without an answer after which the camera counts as gone."""
_QUESTIONS = frozenset({m.HELLO, m.POSITION, m.CLOCK})
_LASTING = frozenset({"unauthorized", "unreachable"})
_UNSENT = {"unreachable": "unsent", "unauthorized": "refused", "garbled": "timeout"}
"""What a command's reply calls a failure; of one whose answer is garbled nobody knows whether it was done."""


class Conversation(Gate):
    """A link to one camera."""

    def __init__(self, camera: OnvifCamera, hello: m.Hello, receiver: Receiver) -> None:
        super().__init__()
        self._camera = camera
        self._hello = hello
        self._receiver = receiver
        self._orders: asyncio.Queue[tuple[str, m.Ask]] = asyncio.Queue(MOST_WAITING)
        self._questions: asyncio.Queue[tuple[str, m.Ask]] = asyncio.Queue(MOST_WAITING)

    def write(self, payload: bytes, to: str = "") -> None:
        """One request; its answer comes later. Raises LinkError when too many wait, or it is none."""
        try:
            ask = m.decode(m.Ask, payload)
            queue = self._questions if to in _QUESTIONS else self._orders
            queue.put_nowait((to, ask))
        except ValueError as error:
            raise LinkError("an ONVIF link carries an ONVIF camera's requests only") from error
        except asyncio.QueueFull as error:
            raise LinkError(f"{MOST_WAITING} requests wait for this camera already") from error

    async def run(self) -> None:
        """Until the camera is gone or does not know us any more; the receiver is told."""
        why = "the conversation with the camera ended"
        try:
            async with asyncio.TaskGroup() as lanes:
                lanes.create_task(self._ask())
                lanes.create_task(self._order())
                if self._hello.events:
                    lanes.create_task(PullPoint(self._camera.soap, self._tell, self._notice).run())
        except* SoapError as errors:
            why = str(_first(errors))
        finally:
            self._receiver.broke(LinkError(why))

    async def _order(self) -> None:
        """One after the other, so that no stop is overtaken by the move before it."""
        while True:
            verb, ask = await self._orders.get()
            try:
                answer = await self._camera.carry_out(verb, ask)
            except SoapError as error:
                answer = m.Answer(ask.id, _UNSENT.get(error.reason, error.reason), str(error))
            self._receiver.receive(m.encode(answer), m.ANSWER)

    async def _ask(self) -> None:
        """Raises SoapError when the camera is gone."""
        unanswered = 0
        while True:
            verb, ask = await self._questions.get()
            if verb == m.HELLO:
                self._receiver.receive(m.encode(self._hello), m.HELLO)
                continue
            try:
                answer = await self._camera.carry_out(verb, ask)
                unanswered = 0
            except SoapError as error:
                unanswered += error.reason == "timeout"
                self._receiver.receive(m.encode(m.Answer(ask.id, error.reason, str(error))), m.ANSWER)
                if error.reason in _LASTING or unanswered >= UNANSWERED:
                    raise
            else:
                self._receiver.receive(m.encode(answer), m.ANSWER)

    async def _tell(self, event: m.Happening) -> None:
        await self.passed()
        self._receiver.receive(m.encode(event), m.EVENT)

    def _notice(self, error: SoapError) -> None:
        self._receiver.receive(m.encode(m.Notice(error.reason, str(error))), m.NOTICE)


@asynccontextmanager
async def converse(
    account: Account, receiver: Receiver, *, profile: str, path: str, verify: bool
) -> AsyncGenerator[None]:
    """The link, open as long as the block runs. Raises SoapError when the camera cannot be opened."""
    async with open_soap(account, verify=verify) as soap:
        camera, hello = await _greet(soap, profile, path)
        conversation = Conversation(camera, hello, receiver)
        receiver.opened(conversation)
        async with background(conversation.run()):
            yield


async def _greet(soap: Soap, profile: str, path: str) -> tuple[OnvifCamera, m.Hello]:
    camera = OnvifCamera(soap, profile)
    try:
        async with asyncio.timeout(OPEN_TIME):
            return camera, await camera.greet(path)
    except TimeoutError as error:
        raise SoapError("timeout", f"the camera took longer than {OPEN_TIME:g} s to greet") from error


def _first(errors: BaseExceptionGroup[SoapError]) -> BaseException:
    """One of them is enough to say."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
