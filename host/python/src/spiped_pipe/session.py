"""Acceptors and sessions: the interfaces of `wit/pipe.wit` as classes.

>>> session = Session.connect(Modp2048Config(), psk, os.urandom(64))
>>> session.start().to_crypt
b'...'

Each has an instance of the component of its own. None is for use by two threads
at once: a call that finds another at work raises RuntimeError.
"""

from collections.abc import Sequence
from typing import Self, TypeVar

from spiped_pipe import _lift
from spiped_pipe._code import code
from spiped_pipe._guest import Argument, BytesLike, Guest, Lift, Lists, Resource
from spiped_pipe.errors import CallFailed, Trap
from spiped_pipe.types import (
    ClientConfig,
    Failure,
    Misused,
    Output,
    PeerFailure,
    ServerConfig,
    Stage,
    Verdict,
)

T = TypeVar("T")

PACKET_LEN = 1060
PLAIN_MAX = 1024
BATCH = 64
"""As many packets make calls cheap, and are what an instance's memory is for."""
CRYPT_BATCH = BATCH * PACKET_LEN
PLAIN_BATCH = BATCH * PLAIN_MAX


class Session(Resource):
    """One end of one connection: handshake, then packets both ways.

    1. Make a session with `connect`, or on a server with `accept`.
    2. Call `start` once and send `to_crypt` to the peer.
    3. While the status is `HANDSHAKING`, read from the crypt side and pass what
       came to `handle_crypt`. While it is `WANTS_COMPUTE`, call `compute`. After
       every call send `to_crypt` to the peer.
    4. Once the status is `ESTABLISHED`, pass bytes from the crypt side to
       `handle_crypt` and write `to_plain` to the application; pass bytes from the
       application to `handle_plain` and send `to_crypt` to the peer.
    5. When a stream ends, call `crypt_eof` or `plain_eof`, write what comes out,
       and half-close the opposite stream. The other direction goes on.
    6. On a failure, send `to_crypt` and write `to_plain`, then reset both streams.
    """

    def __init__(self, guest: Guest, handle: int) -> None:
        self._guest = guest
        self._handle = handle

    @classmethod
    def connect(cls, config: ClientConfig, psk: BytesLike, entropy: BytesLike) -> Self:
        """A client's session.

        `entropy` is 64 bytes from a cryptographic generator: 32 for the nonce, 32
        for the exponent. Never use the same bytes twice: a repeated nonce and
        exponent repeat the session's keys, and with them the key stream, which
        reveals the plaintext.
        """
        words = _lift.client_config(config)
        return cls._make("connect", _lift.handle_or_misuse, *words, psk, entropy)

    @classmethod
    def accept(
        cls,
        config: ServerConfig,
        our_nonce: BytesLike,
        hello: BytesLike,
        psk: BytesLike,
        entropy: BytesLike,
    ) -> Self:
        """A server's session with a client that an `Acceptor` has authenticated.

        `our_nonce` and `hello` are those of the acceptor's verdict, `psk` is the
        key with its `psk_index`; `config` is the acceptor's. All of it is checked
        again: a session cannot be had for a hello that does not authenticate under
        this key. `entropy` is 32 bytes from a cryptographic generator, for the
        exponent. Never use the same nonce and entropy twice.

        Raises `CallFailed` for a peer that has the key and still breaks the rules;
        log whose key it is.
        """
        words = _lift.server_config(config)
        lift = _lift.handle_or_failure
        return cls._make("accept", lift, *words, our_nonce, hello, psk, entropy)

    @classmethod
    def resume(cls, state: BytesLike) -> Self:
        """A session that goes on where a suspended one stopped. Do not call `start`."""
        return cls._make("resume", _lift.handle_or_misuse, state)

    @classmethod
    def _make(cls, maker: str, lift: Lift[int | Failure], *arguments: Argument) -> Self:
        return cls(*_make("session", f"[static]session.{maker}", lift, *arguments))

    def start(self) -> Output:
        """Begin: a client's `to_crypt` is its nonce. Call once, first."""
        return self._call("start")

    def compute(self) -> Output:
        """Compute the public or the shared value that is due.

        A few milliseconds, with `x25519` a quarter of that; other threads run
        meanwhile. Call while the status is `WANTS_COMPUTE`.
        """
        return self._call("compute")

    def handle_crypt(self, data: BytesLike) -> Output:
        """Take bytes that came from the crypt side.

        Most efficient in batches of whole packets, up to 64 at a time.
        """
        return self._call_in_batches("handle-crypt", data, CRYPT_BATCH)

    def handle_plain(self, data: BytesLike) -> Output:
        """Take bytes that came from the plain side and seal all of them at once.

        Every 1024 bytes, and the rest, become one packet each. Most efficient in
        batches of 65536 bytes.
        """
        return self._call_in_batches("handle-plain", data, PLAIN_BATCH)

    def crypt_eof(self) -> Output:
        """The crypt side has ended. Fails if that truncates something."""
        return self._call("crypt-eof")

    def plain_eof(self) -> Output:
        """The plain side has ended. The other direction stays open.

        With `x25519`, `to_crypt` is the end mark: send it before the half-close.
        """
        return self._call("plain-eof")

    def suspend(self) -> bytearray:
        """Take an established session out of its instance.

        Returns its whole state, at most 1300 bytes. This session is then over. The
        instance can be given up with `close`, and the state resumed when bytes come.

        The state is **secret**: it holds the packet keys. Wipe it when it is no
        longer needed (`state[:] = bytes(len(state))`). It is good for **one**
        `resume`: two sessions from the same state would encrypt different bytes
        under the same key stream, which reveals them. Raises `CallFailed`.
        """
        answer = self._guest.call("[method]session.suspend", _lift.state, self._handle)
        if not isinstance(answer, bytearray):
            raise CallFailed(answer)
        return answer

    def psk_id(self) -> bytes | None:
        """Which key the session was made with.

        The first 16 bytes of HMAC-SHA-256(psk, "spiped-psk-id-v1"). Survives
        `suspend` and `resume`; None after the session has failed or was suspended.
        Keep it to yourself: with it, guesses of a weak key can be checked.
        """
        return self._guest.call("[method]session.psk-id", _lift.psk_id, self._handle)

    def _call(self, method: str, *arguments: Argument) -> Output:
        name = f"[method]session.{method}"
        return self._guest.call(name, _lift.output, self._handle, *arguments)

    def _call_in_batches(self, method: str, data: BytesLike, size: int) -> Output:
        """As one call with everything would answer, which takes three times its length."""
        view = memoryview(data).cast("B")
        output = self._call(method, view[:size])
        if len(view) <= size:
            return output
        outputs = [output]
        for start in range(size, len(view), size):
            # A failure is final: what is left is not looked at.
            if not isinstance(outputs[-1].status, Stage):
                break
            outputs.append(self._call(method, view[start : start + size]))
        to_crypt = b"".join(output.to_crypt for output in outputs)
        to_plain = b"".join(output.to_plain for output in outputs)
        return Output(to_crypt, to_plain, outputs[-1].status)


class Acceptor(Resource):
    """Decides what a stranger is, before anything is spent on it.

    1. Accept a connection and send 32 fresh random bytes, our nonce. Collect what
       the stranger sends.
    2. Call `identify` with the nonce and **all** that has come. On `More`, read on
       until so many more have come: asking before only repeats the answer, and the
       search.
    3. On `Authenticated`, split what has come at `hello_len`, and make a `Session`
       from the nonce, the hello, fresh entropy and the one key that the stranger
       has. Pass the rest, if any, to its `handle_crypt`.
    4. On `Refused`, close the connection. Nothing was sent but the nonce.
    5. When the stream ends or is reset before a verdict, or the time you give
       strangers is over, `fault_at_eof` says what to log.

    One serves any number of strangers and keeps nothing between calls. After a
    trap, the next call has a new instance.
    """

    def __init__(self, config: ServerConfig, psks: Sequence[BytesLike]) -> None:
        """Accepts a stranger that has any of `psks`. Without any, all are refused.

        Raises `CallFailed`.
        """
        self._words = _lift.server_config(config)
        self._psks = Lists(bytes(memoryview(psk)) for psk in psks)
        self._guest, self._handle = self._make()

    def identify(self, our_nonce: BytesLike, received: BytesLike) -> Verdict:
        """Who sent this?

        `our_nonce` is 32 bytes from a cryptographic generator, fresh for every
        connection; `received` is everything that the stranger has sent. Raises
        `CallFailed`.

        Takes as long whichever of the keys the stranger has, and if it has none:
        several microseconds per key.
        """
        verdict = self._call("identify", _lift.verdict, our_nonce, received)
        if isinstance(verdict, Misused):
            raise CallFailed(verdict)
        return verdict

    def fault_at_eof(self, our_nonce: BytesLike, received: BytesLike) -> PeerFailure:
        """What was wrong with a stranger that stopped here, after `identify` has
        asked for more. May search the keys once. Raises `CallFailed`.
        """
        fault = self._call("fault-at-eof", _lift.fault, our_nonce, received)
        if isinstance(fault, Misused):
            raise CallFailed(fault)
        return fault

    def _call(self, method: str, lift: Lift[T], *arguments: BytesLike) -> T:
        try:
            name = f"[method]acceptor.{method}"
            return self._guest.call(name, lift, self._handle, *arguments)
        except Trap:
            # Over for this stranger alone: nothing was kept for others.
            self._guest, self._handle = self._make()
            raise

    def _make(self) -> tuple[Guest, int]:
        maker = "[constructor]acceptor"
        return _make("acceptor", maker, _lift.handle_or_misuse, *self._words, self._psks)


def _make(
    interface: str, maker: str, lift: Lift[int | Failure], *arguments: Argument
) -> tuple[Guest, int]:
    """A resource in an instance of its own, and its handle there. CallFailed."""
    guest = Guest(code(), interface)
    try:
        made = guest.call(maker, lift, *arguments)
        if not isinstance(made, int):
            raise CallFailed(made)
        return guest, made
    except BaseException:
        guest.close()
        raise
