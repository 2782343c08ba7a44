#!/usr/bin/env python3
"""Checks that every requirement of docs/protocol.md is met and tested.

A requirement has its number there, in bold: **H-1**. Code that meets it
and a test that shows it say so in a comment: "protocol.md H-1", or "protocol.md
H-1, H-2" on one line. Fails if a number is defined twice, if code or tests
leave one out, or if they name one that does not exist.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
NUMBER = r"[A-Z]-\d+"
DEFINITION = re.compile(rf"\*\*({NUMBER})\*\*")
CITATION = re.compile(rf"protocol\.md`? ({NUMBER}(?:, {NUMBER})*)")
# Unit tests stand at the end of the file they test.
UNIT_TESTS = re.compile(r"^#\[cfg\(test\)\]\n(#\[.*\]\n)*(pub\(crate\) )?mod \w+ \{", re.MULTILINE)


def main():
    defined = DEFINITION.findall((ROOT / "docs" / "protocol.md").read_text())
    cited = {"code": set(), "test": set()}
    faults = [f"{number} is defined twice" for number in repeated(defined)]
    for path, kind, text in sources():
        for match in CITATION.finditer(text):
            for number in match[1].split(", "):
                cited[kind].add(number)
                if number not in defined:
                    faults.append(f"{path} cites {number}, which does not exist")
    faults += [
        f"{number} is cited by no {kind}"
        for number in dict.fromkeys(defined)
        for kind in cited
        if number not in cited[kind]
    ]
    for fault in faults:
        print(f"requirements.py: {fault}", file=sys.stderr)
    return 1 if faults else 0


def repeated(numbers):
    return sorted({number for number in numbers if numbers.count(number) > 1})


def sources():
    """Every file that may cite, in its parts of one kind."""
    for folder in ("core-wasm/src", "host/src"):
        for path in (ROOT / folder).rglob("*.rs"):
            text = path.read_text()
            unit_tests = UNIT_TESTS.search(text)
            start = unit_tests.start() if unit_tests else len(text)
            if path.name == "tests.rs" or "tests" in path.relative_to(ROOT / folder).parts:
                start = 0
            yield path.relative_to(ROOT), "code", text[:start]
            yield path.relative_to(ROOT), "test", text[start:]
    for folder in ("core-wasm/tests", "tests"):
        for suffix in ("rs", "py"):
            for path in (ROOT / folder).rglob(f"*.{suffix}"):
                if path != Path(__file__):
                    yield path.relative_to(ROOT), "test", path.read_text()


if __name__ == "__main__":
    sys.exit(main())
