"""Plays transcripts with the package, or with the oracle, and reports what differs.

    play.py [--oracle] TRANSCRIPT...

Says on standard error where the first difference in each is, as FILE:LINE,
and exits 1 if there are any.
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

    differences = [play(maker, path) for path in options.transcripts]
    for difference in filter(None, differences):
        print(difference, file=sys.stderr)
    return 1 if any(differences) else 0


def play(maker: Maker, path: Path) -> str | None:
    """Plays one transcript. Returns the first difference."""
    try:
        transcript = parse(path.read_text("ascii"))
    except FormatError as error:
        return f"{path}:{error.line}: {error}"
    for part in transcript:
        try:
            resource, answer = part.origin.make(maker)
        except Trap as trap:
            return f"{path}:{part.made.line}: trap: {trap}"
        difference = _difference(path, part.made, answer)
        if difference is not None:
            return difference
        for step in part.steps:
            assert step.call is not None
            try:
                answer = step.call.on(resource)
            except Trap as trap:
                return f"{path}:{step.line}: {_short(step.call.line())}: trap: {trap}"
            difference = _difference(path, step, answer)
            if difference is not None:
                return difference
    return None


def _difference(path: Path, step: Step, answer: Answer) -> str | None:
    at = step.answer.first_difference(answer)
    if at is None:
        return None
    expected, actual = step.answer.lines()[at], answer.lines()[at]
    return f"{path}:{step.answer_lines[at]}: expected {_short(expected)}, got {_short(actual)}"


def _short(line: str) -> str:
    return line if len(line) <= 200 else f"{line[:160]}… ({len(line)} characters)"


if __name__ == "__main__":
    sys.exit(main())
