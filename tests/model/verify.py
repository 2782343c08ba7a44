#!/usr/bin/env python3
"""Has Verifpal look for attacks on both forms of the handshake: verify.py

Then on weakened ones, in which there is one to be found: a model in which
nothing can go wrong says nothing. README.md tells what the models are.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE.parent.parent / "target" / "model"
VERSION = "1.6.7"
# Connections at a time that the attacker can play against each other.
SESSIONS = 2

# What comes out is one letter and digit a query, in the models' order:
# c confidentiality, a authentication; 0 holds, 1 does not.
HOLDS = {"modp2048": "c0c0a0a0a0a0", "x25519": "c0c0a0a0a0a0a0"}

# What is weakened in which model, how, and the outcome.
WEAKENED = [
    ("forward secrecy omitted", "modp2048",
     r"DH_KEX\(\w+, \w+\)", "HASH(n0)", "c1c1a0a0a0a0"),
    ("one MAC key for both shares", "modp2048",
     r"MAC\(dhmac_s", "MAC(dhmac_c", "c0c0a0a1a0a0"),
    ("one pair of keys for both directions", "modp2048",
     r"\b([eh])_s(_?), CONCAT", r"\1_c\2, CONCAT", "c0c0a0a0a1a0"),
    ("the client's share is not checked", "modp2048",
     r"ASSERT\(MAC\(dhmac_c_, .*\?", "HASH(mac_y_c)", "c0c1a1a0a0a0"),
    ("the client's share is not checked", "x25519",
     r"ASSERT\(MAC\(dhmac_c_, .*\?", "HASH(mac_y_c)", "c0c1a1a0a0a0a0"),
    ("the server's share is not checked", "x25519",
     r"ASSERT\(MAC\(dhmac_s, .*\?", "HASH(mac_y_s)", "c0c0a0a1a0a0a0"),
    ("the server's nonce is not used", "x25519",
     r"nonce_c, nonce_s", "nonce_c, nil", "c0c0a1a0a0a0a0"),
    ("no label", "both",
     r"label\)", "nil)", "c0c0a1a1a0a0c0c0a1a0a0a0a0"),
]


def main():
    verifpal = install()
    models = {name: (HERE / f"{name}.vp").read_text() for name in HOLDS}
    models["both"] = side_by_side(models["modp2048"], models["x25519"])
    expected = HOLDS | {"both": HOLDS["modp2048"] + HOLDS["x25519"]}
    cases = [(name, models[name], SESSIONS, expected[name]) for name in models]
    for what, name, pattern, weaker, lost in WEAKENED:
        weakened, count = re.subn(pattern, weaker, models[name])
        assert count, f"{what}: nothing to weaken in {name}"
        # With both forms, one session has what it takes, and two take long.
        sessions = 1 if name == "both" else SESSIONS
        cases.append((f"{name}, {what}", weakened, sessions, lost))
    failed = 0
    for title, model, sessions, code in cases:
        found = verify(verifpal, title, model, sessions)
        failed += found != code
        print(f"{'ok' if found == code else 'FAILED'}  {found:26} {title}", flush=True)
    return 1 if failed else 0


FAST_BUILD = {"CARGO_PROFILE_RELEASE_LTO": "off", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16"}


def install():
    root = TARGET / VERSION
    program = root / "bin" / "verifpal"
    if not program.exists():
        # It asks for a later compiler than it needs. Without optimizing the
        # whole at once, it is built in a fraction of the time.
        subprocess.run(
            ["cargo", "install", "--locked", "--ignore-rust-version", "--quiet",
             "--root", root, "--version", VERSION, "verifpal"],
            env=os.environ | FAST_BUILD,
            check=True,
        )
    return program


def verify(verifpal, title, model, sessions):
    path = TARGET / (re.sub(r"\W+", "-", title) + ".vp")
    path.write_text(model)
    command = [verifpal, "verify", "--sessions", str(sessions), "--quiet", "--result-code", path]
    # Not a terminal: there, it would look for a later version of itself.
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def side_by_side(modp2048, x25519):
    """Clients and servers of both forms, with one key, on one network."""
    (body, queries), (more_body, more_queries) = sections(modp2048), sections(renamed(x25519))
    return (
        f"attacker[active]\n{body}{more_body}"
        f"phase[1]\nprincipal Client[leaks k]\nqueries[{queries}{more_queries}]\n"
    )


def sections(model):
    pattern = r"attacker\[active\]\n(.*)phase\[1\].*queries\[(.*?)\]"
    return re.search(pattern, model, re.DOTALL).groups()


def renamed(model):
    """With names of its own for all but what both forms share."""
    words = r"\b[A-Za-z]\w*\b(?!\()"
    own = lambda word: word[0] if word[0] in SHARED else f"{word[0]}_x"
    return re.sub(words, own, re.sub(r"//.*", "", model))


SHARED = set(
    """attacker active principal knows private public generates leaks phase queries
    confidentiality authentication equivalence nil k label n0 n1""".split()
)


if __name__ == "__main__":
    sys.exit(main())
