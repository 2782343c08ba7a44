"""One random conversation between a twin and a peer."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from maker import Package
from forms import NONCE_LEN, X25519
from oracle import EARLY_MAX
from peers import End, EvilPeer, Meddler, Peer, other
from spiped_pipe.types import (
    AnyConfig,
    ForwardSecrecy,
    KeyExchange,
    Modp2048Config,
    ServerConfig,
    Side,
    X25519Config,
)
from transcript import QUESTION, Accept, Accepting, Connect, Origin
from twin import Twin

STEPS_MAX = 500
LENGTHS = (0, 1, 2, 100, 1023, 1024, 1025, 1500, 2048, 2049)
SPLITS = (1, 2, 31, 32, 33, 63, 64, 96, 97, 287, 288, 320, 321, 1059, 1060, 1061, 2120)

_Action = tuple[float, Callable[[], None]]


class Conversation:
    """A twin, a peer, the wire between them, and perhaps an attacker on it.

    The twin's answers are checked in every call. What happens next is up to
    the random numbers alone, so that a seed tells the whole conversation.
    """

    def __init__(self, package: Package, rng: Random, kind: str, *, strong: bool) -> None:
        self.rng = rng
        self.kind = kind
        psk = rng.randbytes(32)
        self.victim = self._choose_victim(psk, strong)
        self.twin = Twin(package, self._origin())
        self.peer = self._choose_peer(psk, strong)
        self.meddler = Meddler(rng) if kind == "hostile" else None

        self.to_victim = self.to_peer = b""
        self.messages_passed = 0
        self.from_victim: list[bytes] = []
        self.victim_sent = self.victim_received = b""
        self.sends_left = {"victim": rng.randint(0, 3), "peer": rng.randint(0, 5)}
        self.victim_ended = self.peer_ended = self.eof_given = False
        self.verdict = self.twin.made
        # What has come while the victim, a server, did not know from whom.
        self.early = b""

    def run(self) -> str:
        """Have it. Returns how it ended."""
        if self.twin.failed:
            return self.verdict
        if self.twin.is_stranger:
            # The host's part.
            self._send(self.victim.nonce)
        else:
            self._start()
        for _ in range(STEPS_MAX):
            self._pass_messages()
            actions = self._actions()
            if self.twin.failed or not actions:
                break
            weights = [weight for weight, _ in actions]
            _, act = self.rng.choices(actions, weights)[0]
            act()
        if self.twin.failed and self.twin.made == "made":
            # The first failure repeats.
            for _ in range(2):
                self._call_anything()
        elif self.kind == "honest":
            self._check_all_arrived()
        return self.verdict

    def _actions(self) -> list[_Action]:
        """What can happen next, and how likely."""
        twin, peer = self.twin, self.peer
        idle = not self.to_victim and not self.to_peer
        open_ = twin.established and not self.victim_ended
        over = peer.failed or (self.meddler is not None and self.meddler.has_truncated)
        candidates: list[tuple[bool, float, Callable[[], None]]] = [
            (bool(self.to_victim), 10, self._deliver),
            (twin.wants_compute, 10, lambda: self._call("compute")),
            (bool(self.to_peer), 10, self._peer_takes),
            (open_ and self.sends_left["victim"] > 0, 4, self._victim_sends),
            (open_, 8 if idle else 0.5, self._end_victim),
            (twin.established, 0.7, self._suspend),
            (twin.is_stranger, 0.4, lambda: self._identify(b"")),
            (not twin.is_stranger, 0.4, lambda: self._call(QUESTION)),
            (self.kind == "misuse", 0.5, self._call_anything),
            (self.kind == "misuse" and twin.wants_compute, 0.5, self._flood),
        ]
        if not self.peer_ended:
            may_send = peer.established and self.sends_left["peer"] > 0
            # A handshake that does not go on ends with somebody's time limit.
            quits = self.kind != "honest" and (idle or self.rng.random() < 0.02)
            candidates += [
                (may_send, 6, self._peer_sends),
                (over or peer.established or quits, 8 if idle else 0.5, self._end_peer),
            ]
        elif not self.to_victim and not self.eof_given:
            candidates.append((True, 10, self._give_eof))
        actions = [(weight, act) for possible, weight, act in candidates if possible]
        # Asking, or suspending, again and again is not a conversation.
        return actions if any(weight >= 4 for weight, _ in actions) else []

    # What happens on the victim's side.

    def _call(self, name: str, argument: bytes | None = None) -> None:
        answer = self.twin.call(name, argument)
        if name != QUESTION:
            self.verdict = answer.verdict
        assert isinstance(answer.to_crypt, bytes) and isinstance(answer.to_plain, bytes)
        self.victim_received += answer.to_plain
        self._send(answer.to_crypt)

    def _send(self, data: bytes) -> None:
        if data:
            self.from_victim.append(data[-1060:])
            self.to_peer += data

    def _start(self) -> None:
        if self.kind != "misuse" or self.rng.random() < 0.9:
            self._call("start")

    def _deliver(self) -> None:
        length = len(self.to_victim)
        if self.rng.random() < 0.5:
            length = min(length, self.rng.choice(SPLITS))
        data, self.to_victim = self.to_victim[:length], self.to_victim[length:]
        if self.twin.is_stranger:
            self._identify(data)
        else:
            self._call("crypt", data)

    def _identify(self, data: bytes) -> None:
        self.early += data
        self._call("identify", data)
        word, *numbers = self.verdict.split()
        if word != "authenticated":
            return
        psk, length = self.victim.psks[int(numbers[0])], int(numbers[2])
        hello, rest = self.early[:length], self.early[length:]
        victim = self.victim
        accept = Accept(victim.config, victim.nonce, hello, psk, victim.exponent)
        self.twin.become(self._misuse_accept(accept))
        self.verdict = self.twin.made
        if not self.twin.failed:
            self._start()
            if rest and not self.twin.failed:
                self._call("crypt", rest)

    def _victim_sends(self) -> None:
        self.sends_left["victim"] -= 1
        data = self._data()
        self.victim_sent += data
        self._call("plain", data)

    def _end_victim(self) -> None:
        self.victim_ended = True
        self._call("plain-eof")

    def _give_eof(self) -> None:
        self.eof_given = True
        self._call("fault-at-eof" if self.twin.is_stranger else "crypt-eof")

    def _suspend(self) -> None:
        self.twin.suspend_and_resume()

    def _call_anything(self) -> None:
        names: tuple[str, ...] = ("identify", "fault-at-eof")
        if not self.twin.is_stranger:
            names = ("start", "compute", "crypt", "plain", "crypt-eof", "plain-eof", "suspend")
            names += (QUESTION,)
        name = self.rng.choice(names)
        if name in ("identify", "crypt", "plain"):
            data = self.rng.randbytes(self.rng.choice((0, 1, 32, 96, 320, 1060)))
            if name == "identify":
                self._identify(data)
            else:
                self._call(name, data)
        else:
            self._call(name)

    def _flood(self) -> None:
        """About as much as may come before the value is computed."""
        self._call("crypt", self.rng.randbytes(EARLY_MAX + self.rng.choice((0, 1))))

    # What happens on the peer's side.

    def _peer_takes(self) -> None:
        data, self.to_peer = self.to_peer, b""
        self.peer.take(data)

    def _peer_sends(self) -> None:
        self.sends_left["peer"] -= 1
        self.peer.send(self._data())

    def _end_peer(self) -> None:
        self.peer_ended = True
        self.peer.end_stream()

    def _data(self) -> bytes:
        # Now and then more than a component takes in one go: 64 packets.
        long = self.rng.random() < 0.002
        return self.rng.randbytes(66_000 if long else self.rng.choice(LENGTHS))

    def _pass_messages(self) -> None:
        messages = self.peer.messages[self.messages_passed :]
        self.messages_passed += len(messages)
        for message in messages:
            if self.meddler is not None:
                message = self.meddler.pass_on(message, self.from_victim)
            self.to_victim += message

    # Who they are.

    def _choose_victim(self, psk: bytes, strong: bool) -> End:
        side = self.rng.choice(list(Side))
        psks = [psk]
        if side is Side.SERVER:
            others = [self.rng.randbytes(32) for _ in range(self.rng.choice((0, 0, 1, 3)))]
            psks = self.rng.sample([psk, *others], 1 + len(others))
        config = self._choose_config(side, strong)
        return End(side, config, psks, self.rng.randbytes(NONCE_LEN), self.rng.randbytes(32))

    def _choose_config(self, side: Side, strong: bool) -> ServerConfig:
        # A server computes nothing before it refuses a peer that omits it.
        refuses = side is Side.SERVER and self.rng.random() < 0.05
        forward_secrecy = ForwardSecrecy.REQUIRE if refuses else ForwardSecrecy.OMIT
        if strong:
            forward_secrecy = self.rng.choice((ForwardSecrecy.OFFER, ForwardSecrecy.REQUIRE))
        choices: list[ServerConfig] = [Modp2048Config(forward_secrecy)]
        if not strong:
            choices.append(X25519Config())
        if side is Side.SERVER:
            choices += 2 * [AnyConfig(forward_secrecy)]
        return self.rng.choice(choices)

    def _origin(self) -> Origin:
        """What the victim is made of first, in misuse with a fault or several."""
        rng, victim = self.rng, self.victim
        misused = self.kind == "misuse" and rng.random() < 0.2
        faults = rng.sample(range(3), rng.choice((1, 1, 2))) if misused else []
        if victim.side is Side.SERVER:
            psks, nonce = victim.psks, victim.nonce
            if 0 in faults:
                psks = [*psks, rng.choice(psks)]
            if 1 in faults:
                psks = [*psks[1:], self._of_wrong_length(32)]
            if 2 in faults:
                nonce = self._of_wrong_length(32)
            return Accepting(victim.config, psks, nonce)
        assert not isinstance(victim.config, AnyConfig), "a client chooses"
        psk, entropy = victim.psks[0], victim.nonce + victim.exponent
        if 0 in faults:
            entropy = 2 * entropy[:32]
        if 1 in faults:
            psk = self._of_wrong_length(32)
        if 2 in faults:
            entropy = self._of_wrong_length(64)
        return Connect(victim.config, psk, entropy)

    def _misuse_accept(self, origin: Accept) -> Accept:
        """With a fault or several, now and then in misuse."""
        rng = self.rng
        if self.kind != "misuse" or rng.random() < 0.6:
            return origin
        for fault in rng.sample(range(9), rng.choice((1, 1, 2))):
            match fault:
                case 0:
                    origin = replace(origin, our_nonce=self._of_wrong_length(32))
                case 1:
                    origin = replace(origin, psk=self._of_wrong_length(32))
                case 2:
                    origin = replace(origin, entropy=self._of_wrong_length(32))
                case 3:
                    origin = replace(origin, entropy=origin.our_nonce)
                case 4:
                    origin = replace(origin, hello=self._of_wrong_length(len(origin.hello)))
                case 5:
                    origin = replace(origin, hello=origin.our_nonce + origin.hello[32:])
                case 6:
                    at = rng.randrange(len(origin.hello))
                    flipped = bytes([origin.hello[at] ^ 1])
                    hello = origin.hello[:at] + flipped + origin.hello[at + 1 :]
                    origin = replace(origin, hello=hello)
                case 7:
                    origin = replace(origin, psk=rng.randbytes(32))
                case _:
                    origin = replace(origin, config=self._choose_config(Side.SERVER, False))
        return origin

    def _of_wrong_length(self, length: int) -> bytes:
        lengths = (0, length - 1, length + 1, 2 * length)
        return self.rng.randbytes(self.rng.choice(lengths))

    def _choose_peer(self, psk: bytes, strong: bool) -> Peer:
        rng = self.rng
        if rng.random() < 0.05:
            psk = rng.randbytes(32)
        side = other(self.victim.side)
        choices = [ForwardSecrecy.OFFER, ForwardSecrecy.REQUIRE]
        if rng.random() < (0.2 if strong else 0.9):
            choices = [ForwardSecrecy.OMIT]
        config = self._choose_peers_config(side, rng.choice(choices), strong)
        nonce, exponent = rng.randbytes(NONCE_LEN), rng.randbytes(32)
        if rng.random() < 0.01:
            # Two ends with the same randomness.
            nonce, exponent = self.victim.nonce, self.victim.exponent
        end = End(side, config, [psk], nonce, exponent)
        return EvilPeer(end, rng, self.victim) if self.kind == "evil" else Peer(end)

    def _choose_peers_config(
        self, side: Side, forward_secrecy: ForwardSecrecy, strong: bool
    ) -> ServerConfig:
        """Mostly one that goes with the victim's."""
        if side is Side.SERVER and self.rng.random() < 0.5:
            return AnyConfig(forward_secrecy)
        match self.victim.config:
            case X25519Config():
                fitting = KeyExchange.X25519
            case Modp2048Config():
                fitting = KeyExchange.MODP2048
            case _:
                fitting = KeyExchange.MODP2048 if strong else self.rng.choice(list(KeyExchange))
        if self.rng.random() < 0.1:
            fitting = self.rng.choice(list(KeyExchange))
        x25519 = fitting is KeyExchange.X25519
        return X25519Config() if x25519 else Modp2048Config(forward_secrecy)

    def _check_all_arrived(self) -> None:
        # Or the peer has refused the victim.
        if self.twin.established and not self.peer.failed:
            self._peer_takes()
            assert self.peer.received == self.victim_sent, "what the victim sent"
            assert self.victim_received == self.peer.sent, "what the peer sent"
            session = self.peer.session
            if session is not None and session.form is X25519:
                assert session.mark_came == self.victim_ended, "the victim's end mark"
