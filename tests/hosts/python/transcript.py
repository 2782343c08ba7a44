"""Transcripts: reading, writing and making their calls.

The format is described in `tests/transcripts/README.md`.
"""

import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

from maker import AnyAcceptor, AnySession, Maker
from spiped_pipe.errors import CallFailed
from spiped_pipe.types import (
    AnyConfig,
    ClientConfig,
    ForwardSecrecy,
    Modp2048Config,
    Output,
    ServerConfig,
    X25519Config,
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

    The verdict is the status, or what a call answers that has none; the bytes
    that may belong to it are a session's state or the id of its key.
    """

    to_crypt: bytes | Digest
    to_plain: bytes | Digest
    verdict: str
    value: bytes | Digest = b""

    @classmethod
    def of(cls, verdict: object, value: bytes = b"") -> "Answer":
        """One without bytes for either side."""
        return cls(b"", b"", str(verdict), value)

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
        verdict = (f"= {self.verdict}", self.value)
        return [*(side for side in sides if side[1] != b""), verdict]


@dataclass(frozen=True)
class Call:
    """A call without its answer."""

    name: str
    argument: bytes | None = None

    def line(self) -> str:
        """As it is written."""
        return self.name if self.argument is None else f"{self.name} {write_bytes(self.argument)}"

    def on(self, resource: "Resource") -> Answer:
        """Make the call."""
        try:
            if isinstance(resource, Stranger):
                return _STRANGER_CALLS[self.name](resource, self.argument or b"")
            assert resource is not None, "it could not be made"
            return _SESSION_CALLS[self.name](resource, self.argument or b"")
        except CallFailed as failed:
            return Answer.of(failed.failure)


class Stranger:
    """What has come from somebody whom an acceptor is asked about."""

    def __init__(self, acceptor: AnyAcceptor, our_nonce: bytes) -> None:
        self.acceptor = acceptor
        self.our_nonce = our_nonce
        self.received = b""

    def identify(self, data: bytes) -> Answer:
        """Who sent this and all before it?"""
        self.received += data
        return Answer.of(self.acceptor.identify(self.our_nonce, self.received))

    def fault_at_eof(self) -> Answer:
        """What was wrong if no more comes?"""
        fault = self.acceptor.fault_at_eof(self.our_nonce, self.received)
        return Answer.of(f"fault {fault.case}")


# What a part makes: nothing, if that fails.
Resource = Stranger | AnySession | None


class Origin(ABC):
    """What a part makes its resource of."""

    def make(self, maker: Maker) -> tuple[Resource, Answer]:
        """The resource, and what there is to say about making it."""
        try:
            return self._make(maker), Answer.of("made")
        except CallFailed as failed:
            return None, Answer.of(failed.failure)

    @abstractmethod
    def _make(self, maker: Maker) -> Resource: ...

    @abstractmethod
    def lines(self) -> list[str]:
        """As it is written."""


@dataclass(frozen=True)
class Connect(Origin):
    """What a client's session is made of."""

    config: ClientConfig
    psk: bytes
    entropy: bytes

    def _make(self, maker: Maker) -> AnySession:
        return maker.connect(self.config, self.psk, self.entropy)

    def lines(self) -> list[str]:
        return ["connect", f"config: {self.config}", *_settings(psk=self.psk, entropy=self.entropy)]


@dataclass(frozen=True)
class Accepting(Origin):
    """What an acceptor is made of, and the nonce of its host."""

    config: ServerConfig
    psks: list[bytes]
    our_nonce: bytes

    def _make(self, maker: Maker) -> Stranger:
        return Stranger(maker.acceptor(self.config, self.psks), self.our_nonce)

    def lines(self) -> list[str]:
        psks = [line for psk in self.psks for line in _settings(psk=psk)]
        return ["acceptor", f"config: {self.config}", *psks, *_settings(our_nonce=self.our_nonce)]


@dataclass(frozen=True)
class Accept(Origin):
    """What a server's session is made of."""

    config: ServerConfig
    our_nonce: bytes
    hello: bytes
    psk: bytes
    entropy: bytes

    def _make(self, maker: Maker) -> AnySession:
        return maker.accept(self.config, self.our_nonce, self.hello, self.psk, self.entropy)

    def lines(self) -> list[str]:
        rest = _settings(
            our_nonce=self.our_nonce, hello=self.hello, psk=self.psk, entropy=self.entropy
        )
        return ["accept", f"config: {self.config}", *rest]


@dataclass(frozen=True)
class Resume(Origin):
    """What a resumed session is made of."""

    state: bytes

    def _make(self, maker: Maker) -> AnySession:
        return maker.resume(self.state)

    def lines(self) -> list[str]:
        return ["resume", *_settings(state=self.state)]


def _settings(**values: bytes) -> list[str]:
    return [f"{name.replace('_', '-')}: {write_bytes(value)}" for name, value in values.items()]


@dataclass(frozen=True)
class Step:
    """A call, the answer it must have, and where these lines are.

    Without a call, it is about making a part's resource.
    """

    line: int
    call: Call | None
    answer: Answer
    answer_lines: list[int]


@dataclass
class Part:
    """A resource's whole life."""

    origin: Origin
    made: Step
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


def parse(text: str) -> list[Part]:
    """Reads a transcript. FormatError if it is none."""
    lines = [(number, line.rstrip()) for number, line in enumerate(text.splitlines(), 1)]
    rest = deque((number, line) for number, line in lines if line and not line.startswith("#"))
    parts: list[Part] = []
    while rest:
        number, line = rest.popleft()
        if line in _ORIGINS:
            origin = _origin(number, line, rest)
            parts.append(Part(origin, Step(number, None, *_read_answer(number, rest))))
        elif parts:
            call = _at(number, lambda: _call(line, parts[-1]))
            parts[-1].steps.append(Step(number, call, *_read_answer(number, rest)))
        else:
            raise FormatError(number, f"this is no part: {line[:60]}")
    if not parts:
        raise FormatError(1, "no parts")
    return parts


Lines = deque[tuple[int, str]]


def _origin(start: int, name: str, lines: Lines) -> Origin:
    values: dict[str, list[str]] = {}
    while lines and (match := re.fullmatch(r"([a-z-]+): (.*)", lines[0][1])):
        values.setdefault(match[1], []).append(match[2])
        lines.popleft()
    known, read = _ORIGINS[name]
    if not set(values) <= set(known):
        raise FormatError(start, f"{name} is made of {', '.join(known)}")
    return _at(start, lambda: read(values))


def _read_connect(values: dict[str, list[str]]) -> Connect:
    config = _config(values["config"][0])
    if isinstance(config, AnyConfig):
        raise ValueError("a client chooses")
    return Connect(config, _one(values, "psk"), _one(values, "entropy"))


def _read_accepting(values: dict[str, list[str]]) -> Accepting:
    psks = [_plain_bytes(psk) for psk in values.get("psk", [])]
    return Accepting(_config(values["config"][0]), psks, _one(values, "our-nonce"))


def _read_accept(values: dict[str, list[str]]) -> Accept:
    names = ("our-nonce", "hello", "psk", "entropy")
    our_nonce, hello, psk, entropy = (_one(values, name) for name in names)
    return Accept(_config(values["config"][0]), our_nonce, hello, psk, entropy)


def _read_resume(values: dict[str, list[str]]) -> Resume:
    return Resume(_one(values, "state"))


def _one(values: dict[str, list[str]], name: str) -> bytes:
    (text,) = values[name]
    return _plain_bytes(text)


def _config(text: str) -> ServerConfig:
    name, *words = text.split(" ")
    forward_secrecy = [ForwardSecrecy(word) for word in words]
    match name, forward_secrecy:
        case "modp2048", [one]:
            return Modp2048Config(one)
        case "any", [one]:
            return AnyConfig(one)
        case "x25519", []:
            return X25519Config()
    raise ValueError(f"this is no configuration: {text}")


def _call(line: str, part: Part) -> Call:
    name, *arguments = line.split(" ")
    calls = _STRANGER_CALLS if isinstance(part.origin, Accepting) else _SESSION_CALLS
    if part.made.answer.verdict == "made" and name in calls:
        if name in _BYTE_CALLS and len(arguments) == 1:
            return Call(name, _plain_bytes(arguments[0]))
        if name not in _BYTE_CALLS and not arguments:
            return Call(name)
    raise ValueError(f"this is no call: {line[:60]}")


def _read_answer(after: int, lines: Lines) -> tuple[Answer, list[int]]:
    sides: dict[str, bytes | Digest] = {"crypt": b"", "plain": b""}
    numbers = []
    while lines:
        number, line = lines.popleft()
        numbers.append(number)
        words = line.split(" ")
        if words[0] == ">" and len(words) == 3 and words[1] in sides:
            sides[words[1]] = _at(number, lambda: read_bytes(words[2]))
        elif words[0] == "=" and len(words) == 3 and words[1] in ("state", "psk-id"):
            value = _at(number, lambda: read_bytes(words[2]))
            return Answer(sides["crypt"], sides["plain"], words[1], value), numbers
        elif line.startswith("= "):
            return Answer(sides["crypt"], sides["plain"], line[2:]), numbers
        else:
            raise FormatError(number, f"this is no answer: {line[:60]}")
    raise FormatError(after, "this has no answer")


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


def _psk_id(session: AnySession) -> Answer:
    identity = session.psk_id()
    return Answer.of("none") if identity is None else Answer.of("psk-id", identity)


_Reader = Callable[[dict[str, list[str]]], Origin]
_ORIGINS: dict[str, tuple[tuple[str, ...], _Reader]] = {
    "connect": (("config", "psk", "entropy"), _read_connect),
    "acceptor": (("config", "psk", "our-nonce"), _read_accepting),
    "accept": (("config", "our-nonce", "hello", "psk", "entropy"), _read_accept),
    "resume": (("state",), _read_resume),
}
# Those that take bytes; the others are given none.
_BYTE_CALLS = ("identify", "crypt", "plain")
_STRANGER_CALLS: dict[str, Callable[[Stranger, bytes], Answer]] = {
    "identify": lambda stranger, data: stranger.identify(data),
    "fault-at-eof": lambda stranger, _: stranger.fault_at_eof(),
}
_SESSION_CALLS: dict[str, Callable[[AnySession, bytes], Answer]] = {
    "start": lambda session, _: _answer(session.start()),
    "compute": lambda session, _: _answer(session.compute()),
    "crypt": lambda session, data: _answer(session.handle_crypt(data)),
    "plain": lambda session, data: _answer(session.handle_plain(data)),
    "crypt-eof": lambda session, _: _answer(session.crypt_eof()),
    "plain-eof": lambda session, _: _answer(session.plain_eof()),
    "suspend": lambda session, _: Answer.of("state", bytes(session.suspend())),
    "psk-id": lambda session, _: _psk_id(session),
}
# The call that changes nothing, and does not answer with a status.
QUESTION = "psk-id"
