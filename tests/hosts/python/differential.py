"""Random conversations of the component with the oracle watching.

    differential.py [--seed SEED] [--count N] [--only N]

Every call is made on both, and every answer must be the same: bytes, status,
failure. Ends with 1 at the first difference, and then prints the seed, the
conversation's number, and a transcript of it with the oracle's answers,
which `play.py` plays.
"""

import argparse
import sys
import traceback
from collections import Counter
from random import Random, SystemRandom
from time import monotonic

from maker import Package
import vectors
from conversation import Conversation
from states import Resumption
from twin import Difference

# How much of a hundred conversations is what.
KINDS = {"honest": 25, "hostile": 25, "evil": 15, "misuse": 15, "states": 20}
STRONG_PART = 0.08


def main() -> int:
    """Run as a program; the exit code."""
    parser = argparse.ArgumentParser(description="Compares the component with the oracle.")
    parser.add_argument("--seed", type=int, help="default: a random one")
    parser.add_argument("--count", type=int, default=3000, help="conversations, default 3000")
    parser.add_argument("--only", type=int, metavar="N", help="have only this conversation")
    options = parser.parse_args()
    seed = SystemRandom().randrange(2**32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)

    vectors.check()
    package = Package()
    numbers = range(options.count) if options.only is None else [options.only]
    start = monotonic()
    endings: Counter[str] = Counter()
    for number in numbers:
        try:
            endings[converse(package, seed, number)] += 1
        except (Difference, AssertionError) as problem:
            report(problem)
            print(f"replay with: differential.py --seed {seed} --only {number}")
            return 1
    for ending, count in sorted(endings.items()):
        print(f"{count:6} {ending}")
    print(f"{endings.total()} conversations in {monotonic() - start:.1f} s, no difference")
    return 0


def converse(package: Package, seed: int, number: int) -> str:
    """Have the conversation of this number. Returns its kind and how it ended."""
    rng = Random(f"{seed}/{number}")
    (kind,) = rng.choices(list(KINDS), list(KINDS.values()))
    if kind == "states":
        ending = Resumption(package, rng).run()
    else:
        strong = rng.random() < STRONG_PART
        ending = Conversation(package, rng, kind, strong=strong).run()
    # Without the numbers.
    return f"{kind}: {' '.join(word for word in ending.split() if not word.isdigit())}"


def report(problem: Difference | AssertionError) -> None:
    """Print what there is to know about a difference."""
    if isinstance(problem, Difference):
        print(problem.transcript)
        print(f"# {problem}")
    else:
        print("".join(traceback.format_exception(problem)))


if __name__ == "__main__":
    sys.exit(main())
