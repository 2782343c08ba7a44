"""One random conversation between a twin and a peer."""

from collections.abc import Callable
from random import Random

from oracle import Session
from peers import EvilPeer, EvilSession, Meddler, Peer, other
from spiped_component import Component
from spiped_types import Config, ForwardSecrecy, KeyExchange, Side
from transcript import QUESTIONS, Fresh
from twin import Twin

STEPS_MAX = 500
LENGTHS = (0, 1, 2, 100, 1023, 1024, 1025, 1500, 2048, 2049)
SPLITS = (1, 2, 31, 32, 33, 63, 64, 96, 97, 287, 288, 320, 321, 1059, 1060, 1061, 2120)

_Action = tuple[float, Callable[[], None]]


class Conversation:
    """A twin, a peer, the wire between them, and somebody who sits on it.

    The twin's answers are checked in every call. What happens next is up to
    the random numbers alone, so that a seed tells the whole conversation.
    """

    def __init__(self, component: Component, rng: Random, kind: str, *, strong: bool) -> None:
        self.rng = rng
        self.kind = kind
        secret = rng.randbytes(32)
        victim = self._choose_victim(secret, strong)
        self.victim_side = victim.config.side
        if kind == "misuse" and rng.random() < 0.2:
            victim = self._misconfigure(victim)
        self.twin = Twin(component, victim)
        self.peer = self._choose_peer(victim, secret, strong)
        self.meddler = Meddler(rng) if kind == "hostile" else None

        self.to_victim = self.to_peer = b""
        self.messages_passed = 0
        self.from_victim: list[bytes] = []
        self.victim_sent = self.victim_received = b""
        self.sends_left = {"victim": rng.randint(0, 3), "peer": rng.randint(0, 5)}
        self.victim_ended = self.peer_ended = self.eof_given = False
        self.verdict = "none"

    def run(self) -> str:
        """Have it. Returns how it ended."""
        if self.kind != "misuse" or self.rng.random() < 0.9:
            self._call("start")
        for _ in range(STEPS_MAX):
            self._pass_messages()
            actions = self._actions()
            if self.twin.failed or not actions:
                break
            weights = [weight for weight, _ in actions]
            _, act = self.rng.choices(actions, weights)[0]
            act()
        if self.twin.failed:
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
        over = peer.failed or (self.meddler is not None and self.meddler.has_cut)
        candidates: list[tuple[bool, float, Callable[[], None]]] = [
            (bool(self.to_victim), 10, self._deliver),
            (twin.computing, 10, lambda: self._call("compute")),
            (bool(self.to_peer), 10, self._peer_takes),
            (open_ and self.sends_left["victim"] > 0, 4, self._victim_sends),
            (open_, 8 if idle else 0.5, self._end_victim),
            (twin.established, 0.7, self._suspend),
            (not twin.failed, 0.4, lambda: self._call(self.rng.choice(list(QUESTIONS)))),
            (self.kind == "misuse", 0.5, self._call_anything),
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
        # Asking who it is, or suspending, for ever is not a conversation.
        return actions if any(weight >= 4 for weight, _ in actions) else []

    # What happens on the victim's side.

    def _call(self, name: str, argument: bytes | None = None) -> None:
        answer = self.twin.call(name, argument)
        if name not in QUESTIONS:
            self.verdict = answer.verdict
        assert isinstance(answer.to_crypt, bytes) and isinstance(answer.to_plain, bytes)
        self.victim_received += answer.to_plain
        if answer.to_crypt:
            self.from_victim.append(answer.to_crypt[-1060:])
            self.to_peer += answer.to_crypt

    def _deliver(self) -> None:
        length = len(self.to_victim)
        if self.rng.random() < 0.5:
            length = min(length, self.rng.choice(SPLITS))
        data, self.to_victim = self.to_victim[:length], self.to_victim[length:]
        self._call("crypt", data)

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
        self._call("crypt-eof")

    def _suspend(self) -> None:
        self.twin = self.twin.suspend_and_resume()

    def _call_anything(self) -> None:
        names = ("start", "compute", "crypt", "plain", "crypt-eof", "plain-eof", "suspend")
        name = self.rng.choice((*names, *QUESTIONS))
        if name in ("crypt", "plain"):
            self._call(name, self.rng.randbytes(self.rng.choice((0, 1, 32, 96, 320, 1060))))
        else:
            self._call(name)

    # What happens on the peer's side.

    def _peer_takes(self) -> None:
        data, self.to_peer = self.to_peer, b""
        self.peer.take(data)

    def _peer_sends(self) -> None:
        self.sends_left["peer"] -= 1
        self.peer.send(self._data())

    def _end_peer(self) -> None:
        self.peer_ended = True
        self.peer.end()

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

    def _choose_victim(self, secret: bytes, strong: bool) -> Fresh:
        side = self.rng.choice(list(Side))
        key_exchange = self._choose_key_exchange(side, strong)
        forward_secrecy = self._choose_forward_secrecy(side, key_exchange, strong)
        secrets = [secret]
        if side is Side.SERVER:
            others = [self.rng.randbytes(32) for _ in range(self.rng.choice((0, 0, 1, 3)))]
            # Never the same twice: which index counts then is not described.
            secrets = self.rng.sample([secret, *others], 1 + len(others))
        config = Config(side, key_exchange, forward_secrecy)
        return Fresh(config, secrets, self.rng.randbytes(64))

    def _choose_key_exchange(self, side: Side, strong: bool) -> KeyExchange | None:
        choices: list[KeyExchange | None] = [KeyExchange.MODP2048]
        if not strong:
            choices.append(KeyExchange.X25519)
        if side is Side.SERVER:
            choices += [None, None]
        return self.rng.choice(choices)

    def _choose_forward_secrecy(
        self, side: Side, key_exchange: KeyExchange | None, strong: bool
    ) -> ForwardSecrecy:
        # A server computes nothing before it refuses a peer that omits it.
        refuses = side is Side.SERVER and self.rng.random() < 0.05
        if strong or key_exchange is KeyExchange.X25519:
            return self.rng.choice((ForwardSecrecy.OFFER, ForwardSecrecy.REQUIRE))
        return ForwardSecrecy.REQUIRE if refuses else ForwardSecrecy.OMIT

    def _misconfigure(self, victim: Fresh) -> Fresh:
        """With one fault or several, of which the first counts."""
        config, secrets, entropy = victim.config, victim.secrets, victim.entropy
        for fault in self.rng.sample(range(5), self.rng.choice((1, 1, 2, 3))):
            match fault:
                case 0:
                    secrets = []
                case 1:
                    secrets = [*secrets, self.rng.randbytes(32)]
                case 2:
                    secrets = [*secrets[1:], self.rng.randbytes(self.rng.choice((0, 31, 33, 64)))]
                case 3:
                    entropy = self.rng.randbytes(self.rng.choice((0, 32, 63, 65)))
                case _ if config.side is Side.CLIENT and self.rng.random() < 0.5:
                    config = Config(config.side, None, config.forward_secrecy)
                case _:
                    config = Config(config.side, KeyExchange.X25519, ForwardSecrecy.OMIT)
        return Fresh(config, secrets, entropy)

    def _choose_peer(self, victim: Fresh, secret: bytes, strong: bool) -> Peer:
        rng = self.rng
        if rng.random() < 0.05:
            secret = rng.randbytes(32)
        side = other(self.victim_side)
        key_exchange = self._choose_peers_key_exchange(side, victim.config.key_exchange, strong)
        choices = [ForwardSecrecy.OFFER, ForwardSecrecy.REQUIRE]
        weak = rng.random() < (0.2 if strong else 0.9)
        if weak and key_exchange is not KeyExchange.X25519:
            choices = [ForwardSecrecy.OMIT]
        config = Config(side, key_exchange, rng.choice(choices))
        if self.kind == "evil":
            return EvilPeer(EvilSession(rng, config, [secret], victim))
        return Peer(Session(config, [secret], rng.randbytes(64)))

    def _choose_peers_key_exchange(
        self, side: Side, victims: KeyExchange | None, strong: bool
    ) -> KeyExchange | None:
        """Mostly one that goes with the victim's."""
        fitting = victims
        if victims is None:
            fitting = KeyExchange.MODP2048 if strong else self.rng.choice(list(KeyExchange))
        if side is Side.SERVER and self.rng.random() < 0.5:
            return None
        return self.rng.choice(list(KeyExchange)) if self.rng.random() < 0.1 else fitting

    def _check_all_arrived(self) -> None:
        # Or the peer has refused the victim.
        if self.twin.established and not self.peer.failed:
            self._peer_takes()
            assert self.peer.received == self.victim_sent, "what the victim sent"
            assert self.victim_received == self.peer.sent, "what the peer sent"
            session = self.peer.session
            if session.key_exchange() is KeyExchange.X25519:
                assert session.mark_came == self.victim_ended, "the victim's end mark"
