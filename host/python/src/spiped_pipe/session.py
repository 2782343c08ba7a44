"""Acceptors and sessions: the interfaces of `wit/pipe.wit` as classes.

>>> session = Session.connect(Modp2048Config(), psk, os.urandom(64))
>>> session.start().to_crypt
b'...'

Each object has its own instance of the component. None may be used by two threads
at the same time: a call made during another one raises RuntimeError.
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
"""How many packets to pass per call: the most efficient number, for which the
memory of an instance is sized."""
CRYPT_BATCH = BATCH * PACKET_LEN
PLAIN_BATCH = BATCH * PLAIN_MAX


class Session(Resource):
    """One end of one connection: the handshake, then packets in both directions.

    1. Make a session with `connect`, or on a server with `accept`.
    2. Call `start` once and send `to_crypt` to the peer.
    3. While the status is `HANDSHAKING`, read from the crypt side and pass the
       bytes to `handle_crypt`. While the status is `WANTS_COMPUTE`, call
       `compute`. Send `to_crypt` to the peer after every call.
    4. Once the status is `ESTABLISHED`, pass bytes from the crypt side to
       `handle_crypt` and write `to_plain` to the application; pass bytes from the
       application to `handle_plain` and send `to_crypt` to the peer.
    5. When a stream ends, call `crypt_eof` or `plain_eof`, write the output, and
       half-close the opposite stream. The other direction continues.
    6. On a failure, send `to_crypt` and write `to_plain`, then reset both streams.
    """

    def __init__(self, guest: Guest, handle: int) -> None:
        self._guest = guest
        self._handle = handle

    @classmethod
    def connect(cls, config: ClientConfig, psk: BytesLike, entropy: BytesLike) -> Self:
        """A client's session.

        `entropy` is 64 bytes from a cryptographic random generator: 32 for the nonce
        and 32 for the exponent. Never use the same bytes twice: a repeated nonce and
        exponent repeat the session keys, and with them the key stream, which reveals
        the plaintext.
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

        `config` is the acceptor's. `our_nonce` and `hello` are those for which it
        returned `Authenticated`, and `psk` is the key with that `psk_index`. All of
        this is verified again: no session results from a hello that does not
        authenticate under this key. `entropy` is 32 bytes from a cryptographic random
        generator, for the exponent. Never use the same nonce and entropy twice.

        Raises `CallFailed` if a peer that has the key violates the protocol: log the
        name of the key.
        """
        words = _lift.server_config(config)
        lift = _lift.handle_or_failure
        return cls._make("accept", lift, *words, our_nonce, hello, psk, entropy)

    @classmethod
    def resume(cls, state: BytesLike) -> Self:
        """A session that continues where a suspended one stopped. Do not call `start`."""
        return cls._make("resume", _lift.handle_or_misuse, state)

    @classmethod
    def _make(cls, maker: str, lift: Lift[int | Failure], *arguments: Argument) -> Self:
        return cls(*_make("session", f"[static]session.{maker}", lift, *arguments))

    def start(self) -> Output:
        """Begins the handshake: call it once, before any other method.

        `to_crypt` is a client's nonce, or a server's key share if it omits forward
        secrecy.
        """
        return self._call("start")

    def compute(self) -> Output:
        """Computes the public value or the shared value that is due.

        Takes a few milliseconds, with `x25519` a quarter of that. Other threads run
        in that time. Call it while the status is `WANTS_COMPUTE`.
        """
        return self._call("compute")

    def handle_crypt(self, data: BytesLike) -> Output:
        """Consumes bytes from the crypt side.

        Most efficient with whole packets (1060 bytes), up to 64 at a time.
        """
        return self._call_in_batches("handle-crypt", data, CRYPT_BATCH)

    def handle_plain(self, data: BytesLike) -> Output:
        """Consumes bytes from the plain side and seals all of them.

        Every 1024 bytes become one packet, and so does the remainder. Most efficient
        with 65536 bytes at a time.
        """
        return self._call_in_batches("handle-plain", data, PLAIN_BATCH)

    def crypt_eof(self) -> Output:
        """The crypt side has ended. Fails if the stream was truncated."""
        return self._call("crypt-eof")

    def plain_eof(self) -> Output:
        """The plain side has ended. The other direction stays open.

        With `x25519`, `to_crypt` is the end mark: send it before the half-close.
        """
        return self._call("plain-eof")

    def suspend(self) -> bytearray:
        """Moves an established session out of its instance.

        Returns its complete state, at most 1300 bytes, and ends this session. `close`
        discards the instance; `resume` continues the session when bytes arrive.

        The state is **secret**: it contains the packet keys. Wipe it when it is no
        longer needed (`state[:] = bytes(len(state))`). Use it for **one** `resume`
        only: two sessions from the same state would encrypt different bytes under the
        same key stream, which reveals them. Raises `CallFailed`.
        """
        answer = self._guest.call("[method]session.suspend", _lift.state, self._handle)
        if not isinstance(answer, bytearray):
            raise CallFailed(answer)
        return answer

    def psk_id(self) -> bytes | None:
        """Identifies the key that the session was made with.

        The first 16 bytes of HMAC-SHA-256(psk, "spiped-psk-id-v1"). Preserved by
        `suspend` and `resume`; None after the session has failed or was suspended.
        Keep it secret: it allows guesses of a weak key to be tested offline.
        """
        return self._guest.call("[method]session.psk-id", _lift.psk_id, self._handle)

    def _call(self, method: str, *arguments: Argument) -> Output:
        name = f"[method]session.{method}"
        return self._guest.call(name, _lift.output, self._handle, *arguments)

    def _call_in_batches(self, method: str, data: BytesLike, size: int) -> Output:
        """Returns what one call with all of it would, without the memory: three times
        its length."""
        view = memoryview(data).cast("B")
        output = self._call(method, view[:size])
        if len(view) <= size:
            return output
        outputs = [output]
        for start in range(size, len(view), size):
            # A failure is final: the rest of the data is ignored.
            if not isinstance(outputs[-1].status, Stage):
                break
            outputs.append(self._call(method, view[start : start + size]))
        to_crypt = b"".join(output.to_crypt for output in outputs)
        to_plain = b"".join(output.to_plain for output in outputs)
        return Output(to_crypt, to_plain, outputs[-1].status)


class Acceptor(Resource):
    """Decides whether a stranger has one of our keys, before resources are spent on it.

    1. Accept a connection and send 32 fresh random bytes, our nonce. Collect the
       bytes that the stranger sends.
    2. Call `identify` with the nonce and **all** bytes received so far. On `More`,
       read until that many more bytes have arrived: an earlier call repeats the
       answer, and possibly the search.
    3. On `Authenticated`, split the received bytes at `hello_len`. Make a `Session`
       from the nonce, the hello, fresh entropy and the one key that the stranger
       has. Pass the remaining bytes, if any, to its `handle_crypt`.
    4. On `Refused`, close the connection. Only the nonce was sent.
    5. If the stream ends or is reset before a verdict, or the time limit for
       strangers expires, `fault_at_eof` returns the fault to log.

    One acceptor serves any number of strangers and keeps no state between calls.
    After a trap, the next call uses a new instance.
    """

    def __init__(self, config: ServerConfig, psks: Sequence[BytesLike]) -> None:
        """Accepts strangers that have any of `psks`. If there are none, refuses everyone.

        Raises `CallFailed`.
        """
        self._words = _lift.server_config(config)
        self._psks = Lists(bytes(memoryview(psk)) for psk in psks)
        self._guest, self._handle = self._make()

    def identify(self, our_nonce: BytesLike, received: BytesLike) -> Verdict:
        """Looks up which key the stranger has.

        `our_nonce` is 32 bytes from a cryptographic random generator, fresh for every
        connection. `received` is everything that the stranger has sent. Raises
        `CallFailed`.

        The time does not depend on which key the stranger has, or whether it has any:
        several microseconds per key.
        """
        verdict = self._call("identify", _lift.verdict, our_nonce, received)
        if isinstance(verdict, Misused):
            raise CallFailed(verdict)
        return verdict

    def fault_at_eof(self, our_nonce: BytesLike, received: BytesLike) -> PeerFailure:
        """The fault of a stranger that sent nothing more after `identify` returned
        `More`. May search the keys once. Raises `CallFailed`.
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
            # Only this stranger is affected: the acceptor keeps no state for others.
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
