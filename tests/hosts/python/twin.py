"""The component and the oracle in lockstep, as one session."""

from oracle import Oracle
from spiped_component import Component, Trap
from transcript import QUESTIONS, Answer, Call, Fresh, Suspended


class Difference(Exception):
    """The component does not do as the oracle does."""

    def __init__(self, what: str, transcript: str) -> None:
        super().__init__(what)
        self.transcript = transcript


class Twin:
    """A session of each: every call goes to both and must have one answer."""

    def __init__(self, component: Component, origin: Fresh | Suspended) -> None:
        self._lines = origin.lines()
        self.component = component
        self.failed = self.computing = self.established = False
        self._oracle = origin.make(Oracle())
        try:
            self._session = origin.make(component)
        except Trap as trap:
            raise Difference(f"making the session traps: {trap}", self.transcript()) from trap

    def call(self, name: str, argument: bytes | None = None) -> Answer:
        """Make a call on both."""
        call = Call(name, argument)
        expected = call.on(self._oracle)
        self._lines += ["", call.line(), *expected.lines()]
        try:
            answer = call.on(self._session)
        except Trap as trap:
            raise Difference(f"{name} traps: {trap}", self.transcript()) from trap
        if answer != expected:
            raise Difference(f"{name}: {_differing(expected, answer)}", self.transcript())
        if name not in QUESTIONS:
            self.failed = answer.verdict.startswith("failed")
            self.computing = answer.verdict == "computing"
            self.established = answer.verdict == "established"
        return answer

    def suspend_and_resume(self) -> "Twin":
        """The session that goes on where this one stops."""
        state = self.call("suspend").state
        assert isinstance(state, bytes)
        for question in QUESTIONS:
            self.call(question)
        self.call("crypt", b"")
        twin = Twin(self.component, Suspended(state))
        twin.established = True
        return twin

    def transcript(self) -> str:
        """All calls so far, with the oracle's answers."""
        return "\n".join([*self._lines, ""])


def _differing(expected: Answer, answer: Answer) -> str:
    if answer.verdict != expected.verdict:
        return f"the answer is {answer.verdict}, not {expected.verdict}"
    for name in ("to_crypt", "to_plain", "state"):
        one, other = getattr(answer, name), getattr(expected, name)
        if one != other:
            return f"{name} differs: {len(one)} bytes, not {len(other)}, or other bytes"
    return "the answers differ"
