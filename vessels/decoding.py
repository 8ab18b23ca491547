"""From the lines that gateways forward to messages: sentence, assembly and table in one place."""

from collections import Counter
from collections.abc import Sequence

from vessels.assembly import Assembly
from vessels.codec import decode_bits, decode_payload
from vessels.messages import Message
from vessels.rejects import Reason, Reject
from vessels.sentences import PLAIN, parse, sift
from vessels.sixbit import unpack_rows


class Decoder:
    """Decodes the AIS lines of any number of stations; one of it serves a whole centre.

    rejects: how many lines or messages were refused, by reason. A damaged tag block is counted there
    too, though its sentence is kept.
    """

    def __init__(self) -> None:
        self.rejects: Counter[Reason] = Counter()
        self._assembly = Assembly(self.rejects)

    @property
    def pending(self) -> int:
        """How many long messages wait for their next part."""
        return self._assembly.pending

    def decode(self, station: str, line: str, observed_at: int) -> Message | None:
        """The message that this line is or completes; None for a first part or a reject. Never raises.

        station: whose receiver heard it. observed_at: UTC nanoseconds.
        """
        sentence = parse(line)
        if isinstance(sentence, Reject):
            self.rejects[sentence.reason] += 1
            return None
        heading, payload, fill_bits, tag_block = sentence
        if tag_block is not None and not tag_block.intact:
            self.rejects[Reason.BAD_TAG_BLOCK] += 1
        if heading.total > 1:
            whole = self._assembly.add(station, sentence, observed_at)
            if whole is None:
                return None
            payload, fill_bits = whole
        return self._counted(decode_payload(payload, fill_bits))

    def decode_batch(
        self, station: str, lines: Sequence[str], observed_at: Sequence[int]
    ) -> list[Message | None]:
        """What `decode` gives for each line in turn, in little more than half the time.

        The plain lines, three quarters of a feed, have their checksums and bits worked out together.
        """
        plain = self._plain_bits(lines)
        results: list[Message | None] = []
        for place, line in enumerate(lines):
            bits = plain.get(place)
            if bits is None:
                results.append(self.decode(station, line, observed_at[place]))
            else:
                results.append(self._counted(decode_bits(bits, 6 * PLAIN)))
        return results

    def _counted(self, message: Message | Reject) -> Message | None:
        if isinstance(message, Reject):
            self.rejects[message.reason] += 1
            return None
        return message

    @staticmethod
    def _plain_bits(lines: Sequence[str]) -> dict[int, int]:
        places, payloads = sift(lines)
        try:
            return dict(zip(places, unpack_rows(payloads, PLAIN), strict=True))
        except ValueError:
            return {}  # one has a bad character; looked at one by one, that one is counted
