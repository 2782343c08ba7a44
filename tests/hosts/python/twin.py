"""The component and the oracle in lockstep, as one session."""

from maker import Package
from oracle import Oracle
from spiped_pipe.errors import Trap
from transcript import QUESTION, Accepting, Answer, Call, Origin, Resume


class Difference(Exception):
    """The component does not do as the oracle does."""

    def __init__(self, what: str, transcript: str) -> None:
        super().__init__(what)
        self.transcript = transcript


class Twin:
    """One of each: every call goes to both and must have one answer."""

    def __init__(self, package: Package, origin: Origin) -> None:
        self.package = package
        self._lines: list[str] = []
        self.become(origin)

    def become(self, origin: Origin) -> None:
        """Make another resource in the place of this one."""
        self.is_stranger = isinstance(origin, Accepting)
        self.wants_compute = False
        self.established = isinstance(origin, Resume)
        self._theirs, expected = origin.make(Oracle())
        self._lines += [*([""] if self._lines else []), *origin.lines(), *expected.lines()]
        try:
            self._ours, answer = origin.make(self.package)
        except Trap as trap:
            raise Difference(f"making it traps: {trap}", self.transcript()) from trap
        if answer != expected:
            raise Difference(f"made: {_differing(expected, answer)}", self.transcript())
        self.made = answer.verdict
        self.failed = self.made != "made"

    def call(self, name: str, argument: bytes | None = None) -> Answer:
        """Make a call on both."""
        call = Call(name, argument)
        expected = call.on(self._theirs)
        self._lines += ["", call.line(), *expected.lines()]
        try:
            answer = call.on(self._ours)
        except Trap as trap:
            raise Difference(f"{name} traps: {trap}", self.transcript()) from trap
        if answer != expected:
            raise Difference(f"{name}: {_differing(expected, answer)}", self.transcript())
        if name != QUESTION:
            self.failed = answer.verdict.startswith(("failed", "refused", "fault"))
            self.wants_compute = answer.verdict == "wants-compute"
            self.established = answer.verdict == "established"
        return answer

    def suspend_and_resume(self) -> None:
        """Go on as a session that takes up where this one stops."""
        state = self.call("suspend").value
        assert isinstance(state, bytes)
        self.call(QUESTION)
        self.call("crypt", b"")
        self.become(Resume(state))

    def transcript(self) -> str:
        """All calls so far, with the oracle's answers."""
        return "\n".join([*self._lines, ""])


def _differing(expected: Answer, answer: Answer) -> str:
    if answer.verdict != expected.verdict:
        return f"the answer is {answer.verdict}, not {expected.verdict}"
    for name in ("to_crypt", "to_plain", "value"):
        one, other = getattr(answer, name), getattr(expected, name)
        if one != other:
            return f"{name} differs: {len(one)} bytes, not {len(other)}, or other bytes"
    return "the answers differ"
