"""Plays transcripts with the package, or with the oracle, and reports what differs.

    play.py [--oracle] TRANSCRIPT...

Prints `FILE: N calls`; or on standard error, as FILE:LINE, where the first
difference is, and exits 1 if there are any.
"""

import argparse
import sys
from pathlib import Path

from maker import Maker, Package
from oracle import Oracle
from spiped_pipe.errors import Trap
from transcript import Answer, FormatError, Step, parse


def main() -> int:
    """Run as a program; the exit code."""
    parser = argparse.ArgumentParser(description="Plays transcripts.")
    parser.add_argument("--oracle", action="store_true", help="play them to the oracle instead")
    parser.add_argument("transcripts", type=Path, nargs="+", metavar="TRANSCRIPT")
    options = parser.parse_args()
    maker: Maker = Oracle() if options.oracle else Package()

    result = 0
    for path in options.transcripts:
        try:
            print(f"{path}: {play(maker, path)} calls")
        except Difference as difference:
            print(difference, file=sys.stderr)
            result = 1
    return result


class Difference(Exception):
    """An answer is not what the transcript says."""


def play(maker: Maker, path: Path) -> int:
    """Plays one transcript, of so many calls. Raises the first difference."""
    calls = 0
    try:
        transcript = parse(path.read_text("ascii"))
    except FormatError as error:
        raise Difference(f"{path}:{error.line}: {error}") from error
    for part in transcript:
        try:
            resource, answer = part.origin.make(maker)
        except Trap as trap:
            raise Difference(f"{path}:{part.made.line}: trap: {trap}") from trap
        _compare(path, part.made, answer)
        for step in part.steps:
            assert step.call is not None
            try:
                answer = step.call.on(resource)
            except Trap as trap:
                line = _short(step.call.line())
                raise Difference(f"{path}:{step.line}: {line}: trap: {trap}") from trap
            _compare(path, step, answer)
            calls += 1
    return calls


def _compare(path: Path, step: Step, answer: Answer) -> None:
    at = step.answer.first_difference(answer)
    if at is not None:
        expected, actual = _short(step.answer.lines()[at]), _short(answer.lines()[at])
        raise Difference(f"{path}:{step.answer_lines[at]}: expected {expected}, got {actual}")


def _short(line: str) -> str:
    return line if len(line) <= 200 else f"{line[:160]}… ({len(line)} characters)"


if __name__ == "__main__":
    sys.exit(main())
