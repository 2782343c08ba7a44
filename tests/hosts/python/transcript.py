"""Transcripts: reading, writing and making their calls.

The format is described in `tests/transcripts/README.md`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

from spiped_types import (
    AnySession,
    Config,
    ForwardSecrecy,
    KeyExchange,
    Maker,
    Output,
    Side,
)

T = TypeVar("T")


class FormatError(Exception):
    """A line that is no part of a transcript."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


@dataclass(frozen=True)
class Digest:
    """Bytes known by their length and SHA-256 only."""

    length: int
    digest: str


@dataclass(frozen=True)
class Answer:
    """What a call answers: bytes for both sides, and a verdict.

    The verdict is the status, or the answer to a question; bytes that belong
    to it are the state of a suspended session.
    """

    to_crypt: bytes | Digest
    to_plain: bytes | Digest
    verdict: str
    state: bytes | Digest = b""

    def lines(self) -> list[str]:
        """As it is written."""
        return [f"{word} {write_bytes(data)}" if data else word for word, data in self._parts()]

    def first_difference(self, actual: "Answer") -> int | None:
        """Which of the lines of this answer does not hold for the actual one."""
        for at, (known, came) in enumerate(zip(self._parts(), actual._parts())):
            if known[0] != came[0] or not _allows(known[1], came[1]):
                return at
        # The last lines agree only if all that come before do.
        return None

    def _parts(self) -> list[tuple[str, bytes | Digest]]:
        sides = [("> crypt", self.to_crypt), ("> plain", self.to_plain)]
        verdict = (f"= {self.verdict}", self.state)
        return [*(side for side in sides if side[1] != b""), verdict]


@dataclass(frozen=True)
class Call:
    """A call without its answer."""

    name: str
    argument: bytes | None = None

    def line(self) -> str:
        """As it is written."""
        return self.name if self.argument is None else f"{self.name} {write_bytes(self.argument)}"

    def on(self, session: AnySession) -> Answer:
        """Make the call."""
        if self.name in _PLAIN_CALLS:
            return _answer(_PLAIN_CALLS[self.name](session))
        if self.name in _BYTE_CALLS:
            assert self.argument is not None
            return _answer(_BYTE_CALLS[self.name](session, self.argument))
        if self.name in QUESTIONS:
            return Answer(b"", b"", QUESTIONS[self.name](session))
        assert self.name == "suspend"
        state = session.suspend()
        if isinstance(state, bytes):
            return Answer(b"", b"", "state", state)
        return Answer(b"", b"", str(state))


@dataclass(frozen=True)
class Fresh:
    """What a new session is made of."""

    config: Config
    secrets: list[bytes]
    entropy: bytes

    def make(self, maker: Maker) -> AnySession:
        """The session."""
        return maker.session(self.config, self.secrets, self.entropy)

    def lines(self) -> list[str]:
        """As it is written."""
        key_exchange = self.config.key_exchange
        return [
            f"side: {self.config.side.value}",
            f"key-exchange: {_ANY if key_exchange is None else key_exchange.value}",
            f"forward-secrecy: {self.config.forward_secrecy.value}",
            *(f"secret: {write_bytes(secret)}" for secret in self.secrets),
            f"entropy: {write_bytes(self.entropy)}",
        ]


@dataclass(frozen=True)
class Suspended:
    """What a resumed session is made of."""

    state: bytes

    def make(self, maker: Maker) -> AnySession:
        """The session."""
        return maker.resume(self.state)

    def lines(self) -> list[str]:
        """As it is written."""
        return [f"resume: {write_bytes(self.state)}"]


@dataclass(frozen=True)
class Step:
    """A call, the answer it must have, and where these lines are."""

    line: int
    call: Call
    answer: Answer
    answer_lines: list[int]


@dataclass
class Transcript:
    """One session's whole life."""

    origin: Fresh | Suspended
    steps: list[Step] = field(default_factory=list)


def write_bytes(data: bytes | Digest) -> str:
    """Bytes as they are written, repetitions of one byte in short."""
    if isinstance(data, Digest):
        return f"{data.length}@{data.digest}"
    if not data:
        return "-"
    if len(data) > 4 and len(set(data)) == 1:
        return f"{len(data)}*{data[:1].hex()}"
    return data.hex()


def read_bytes(text: str) -> bytes | Digest:
    """The bytes, or what is known of them. ValueError if they are neither."""
    if text == "-":
        return b""
    if match := re.fullmatch(r"(\d+)@([0-9a-f]{64})", text):
        return Digest(int(match[1]), match[2])
    match = re.fullmatch(r"(?:(\d+)\*)?((?:[0-9a-f]{2})+)", text)
    if match is None:
        raise ValueError(f"these are no bytes: {text}")
    return bytes.fromhex(match[2]) * int(match[1] or 1)


def parse(text: str) -> Transcript:
    """Reads a transcript. FormatError if it is none."""
    lines = [(number, line.rstrip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    heading = [(number, line) for number, line in lines if re.match(r"[a-z-]+: ", line)]
    transcript = Transcript(_origin(heading))
    rest = iter(lines[len(heading) :])
    for number, line in rest:
        call = _at(number, lambda: _call(line))
        transcript.steps.append(Step(number, call, *_read_answer(number, rest)))
    if not transcript.steps:
        raise FormatError(1, "no calls")
    return transcript


def _origin(heading: list[tuple[int, str]]) -> Fresh | Suspended:
    values: dict[str, list[str]] = {}
    for number, line in heading:
        name, value = line.split(": ", 1)
        if name not in _SETTINGS:
            raise FormatError(number, f"no such setting: {name}")
        values.setdefault(name, []).append(value)
    first = heading[0][0] if heading else 1
    if "resume" in values:
        return Suspended(_at(first, lambda: _plain_bytes(values["resume"][0])))

    def fresh() -> Fresh:
        chosen = values["key-exchange"][0]
        key_exchange = None if chosen == _ANY else KeyExchange(chosen)
        forward_secrecy = ForwardSecrecy(values["forward-secrecy"][0])
        config = Config(Side(values["side"][0]), key_exchange, forward_secrecy)
        secrets = [_plain_bytes(secret) for secret in values.get("secret", [])]
        return Fresh(config, secrets, _plain_bytes(values["entropy"][0]))

    return _at(first, fresh)


def _call(line: str) -> Call:
    name, *arguments = line.split(" ")
    if name in _BYTE_CALLS and len(arguments) == 1:
        return Call(name, _plain_bytes(arguments[0]))
    if name in (*_PLAIN_CALLS, *QUESTIONS, "suspend") and not arguments:
        return Call(name)
    raise ValueError(f"this is no call: {line[:60]}")


def _read_answer(after: int, lines: Iterator[tuple[int, str]]) -> tuple[Answer, list[int]]:
    sides: dict[str, bytes | Digest] = {"crypt": b"", "plain": b""}
    numbers = []
    for number, line in lines:
        numbers.append(number)
        words = line.split(" ")
        if words[0] == ">" and len(words) == 3 and words[1] in sides:
            sides[words[1]] = _at(number, lambda: read_bytes(words[2]))
        elif words[:2] == ["=", "state"] and len(words) == 3:
            state = _at(number, lambda: read_bytes(words[2]))
            return Answer(sides["crypt"], sides["plain"], "state", state), numbers
        elif line.startswith("= "):
            return Answer(sides["crypt"], sides["plain"], line[2:]), numbers
        else:
            raise FormatError(number, f"this is no answer: {line[:60]}")
    raise FormatError(after, "this call has no answer")


def _plain_bytes(text: str) -> bytes:
    data = read_bytes(text)
    if isinstance(data, Digest):
        raise ValueError(f"a digest stands in answers only: {text}")
    return data


def _at(line: int, read: Callable[[], T]) -> T:
    try:
        return read()
    except (ValueError, KeyError) as error:
        raise FormatError(line, str(error)) from error


def _answer(output: Output) -> Answer:
    return Answer(output.to_crypt, output.to_plain, str(output.status))


def _allows(known: bytes | Digest, data: bytes | Digest) -> bool:
    if isinstance(known, Digest) and isinstance(data, bytes):
        return known == Digest(len(data), sha256(data).hexdigest())
    return known == data


def _peer_secret(session: AnySession) -> str:
    index = session.peer_secret()
    return "none" if index is None else str(index)


def _key_exchange(session: AnySession) -> str:
    key_exchange = session.key_exchange()
    return "none" if key_exchange is None else key_exchange.value


# The word for a key exchange that is left to the client.
_ANY = "any"
_SETTINGS = ("side", "key-exchange", "forward-secrecy", "secret", "entropy", "resume")
# Calls that change nothing, and do not answer with a status.
QUESTIONS: dict[str, Callable[[AnySession], str]] = {
    "peer-secret": _peer_secret,
    "key-exchange": _key_exchange,
}
_PLAIN_CALLS: dict[str, Callable[[AnySession], Output]] = {
    "start": lambda session: session.start(),
    "compute": lambda session: session.compute(),
    "crypt-eof": lambda session: session.crypt_eof(),
    "plain-eof": lambda session: session.plain_eof(),
}
_BYTE_CALLS: dict[str, Callable[[AnySession, bytes], Output]] = {
    "crypt": lambda session, data: session.handle_crypt(data),
    "plain": lambda session, data: session.handle_plain(data),
}
