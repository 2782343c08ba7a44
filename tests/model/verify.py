#!/usr/bin/env python3
"""Has Verifpal look for attacks on the handshake and on pairing: verify.py

Then on weakened ones, in which there is one to be found: a model in which
nothing can go wrong says nothing. README.md tells what the models are.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE.parent.parent / "target" / "model"
VERSION = "1.6.7"
# Connections at a time that the attacker can play against each other.
SESSIONS = 2

# What comes out is one letter and digit a query, in the models' order:
# c confidentiality, a authentication; 0 holds, 1 does not.
HOLDS = {
    "modp2048": "c0c0a0a0a0a0",
    "x25519": "c0c0a0a0a0a0a0",
    "pairing-comparing": "c0c0a0a0",
    "pairing-code": "c0c0a0a0",
}
# Clients of both forms, and for each form servers of its own; or servers that
# accept either, with the branch for that form first.
BOTH = "both"
DEFAULT = {
    "default, modp2048 first": ("modp2048", "x25519"),
    "default, x25519 first": ("x25519", "modp2048"),
}

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
    ("no label", BOTH,
     r"label\)", "nil)", "c0c0a1a1a0a0c0c0a1a0a0a0a0"),
    ("no label", "default, modp2048 first",
     r"label\)", "nil)", "c0c0a1a0a0a0c0c0a1a0a0a0a0"),
    ("no label", "default, x25519 first",
     r"label\)", "nil)", "c0c0a1a0a0a0a0c0c0a1a1a0a0"),
    ("shares in x25519 are not checked", "default, modp2048 first",
     r"ASSERT\(MAC\(dhmac_c__x, .*\?", "HASH(mac_y_c_x)", "c0c0a0a0a0a0c0c1a1a0a0a0a0"),
    ("nobody compares the strings", "pairing-comparing",
     r"\[(string_\w)\]", r"\1", "c1c1a1a1"),
    ("the client's user does not compare", "pairing-comparing",
     r"ASSERT\(string_c, .*\?", "HASH(string_s)", "c1c0a0a1"),
    ("the server's user does not compare", "pairing-comparing",
     r"ASSERT\(string_s, .*\?", "HASH(string_c)", "c0c1a1a0"),
    ("the commitment is not checked", "pairing-comparing",
     r"ASSERT\(HASH\(.*\?", "HASH(commitment)", "c0c1a1a0"),
    ("the string leaves out the server's value", "pairing-comparing",
     r"HASH\(y_s, r_c\)", "HASH(r_c)", "c1c1a1a1"),
    ("the shared value is not used", "pairing-comparing",
     r"HKDF\(z_\w", "HKDF(nil", "c1c1a1a1"),
    ("one key for both confirmations", "pairing-comparing",
     r"MAC\(confirm_s", "MAC(confirm_c", "c0c0a0a1"),
    ("the client's confirmation is not checked", "pairing-comparing",
     r"ASSERT\(MAC\(confirm_c_, .*\?", "HASH(tag_c)", "c0c0a1a0"),
    ("the server's confirmation is not checked", "pairing-comparing",
     r"ASSERT\(MAC\(confirm_s, .*\?", "HASH(tag_s)", "c0c0a0a1"),
    ("the code is not used", "pairing-code",
     r"HASH\(code, (DH_KEX\(.*?\))\)", r"\1", "c1c1a1a1"),
    ("the code in place of an exchange", "pairing-code",
     r"HASH\(code, DH_KEX\(.*?\)\)", "HASH(code, y_c, y_s)", "c1c1a0a0"),
    ("one key for both confirmations", "pairing-code",
     r"MAC\(confirm_s", "MAC(confirm_c", "c1c0a0a1"),
    ("the client's confirmation is not checked", "pairing-code",
     r"ASSERT\(MAC\(confirm_c_, .*\?", "HASH(tag_c)", "c0c1a1a0"),
    ("the server's confirmation is not checked", "pairing-code",
     r"ASSERT\(MAC\(confirm_s, .*\?", "HASH(tag_s)", "c1c0a0a1"),
]


def main():
    verifpal = install()
    models = {name: (HERE / f"{name}.vp").read_text() for name in HOLDS}
    expected = dict(HOLDS)
    models[BOTH] = side_by_side(models["modp2048"], models["x25519"])
    expected[BOTH] = HOLDS["modp2048"] + HOLDS["x25519"]
    for name, (first, second) in DEFAULT.items():
        models[name] = one_server(models[first], models[second], models["x25519"])
        expected[name] = HOLDS[first] + HOLDS[second]
    # One of each form has what the other cases take where both meet, and two
    # take long.
    cases = [(name, models[name], SESSIONS, expected[name]) for name in [*HOLDS, BOTH]]
    cases += [(name, models[name], 1, expected[name]) for name in DEFAULT]
    for what, name, pattern, weaker, lost in WEAKENED:
        weakened, count = re.subn(pattern, weaker, models[name])
        assert count, f"{what}: nothing to weaken in {name}"
        sessions = SESSIONS if name in HOLDS else 1
        cases.append((f"{name}, {what}", weakened, sessions, lost))
    failed = 0
    for title, model, sessions, code in cases:
        start = time.monotonic()
        found = verify(verifpal, title, model, sessions)
        failed += found != code
        verdict = "ok" if found == code else "FAILED"
        print(f"{verdict:6}  {found:26} {time.monotonic() - start:4.0f} s  {title}", flush=True)
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
    return joined(modp2048, renamed(x25519, SHARED))


def one_server(first, second, opening):
    """Clients of both forms, and servers that accept either, in one session
    with one nonce and one exponent."""
    drawn = r"principal Server\[[^]]*generates nonce_s, x_s\n\]\n"
    second = renamed(second, SHARED | {"Server", "nonce_s", "x_s"})
    # As the form that needs more constants begins.
    first = re.sub(drawn, re.search(drawn, opening)[0], first)
    return joined(first, re.sub(drawn, "", second))


def joined(model, other):
    (body, queries), (more_body, more_queries) = sections(model), sections(other)
    return (
        f"attacker[active]\n{body}{more_body}"
        f"phase[1]\nprincipal Client[leaks k]\nqueries[{queries}{more_queries}]\n"
    )


def sections(model):
    pattern = r"attacker\[active\]\n(.*)phase\[1\].*queries\[(.*?)\]"
    return re.search(pattern, model, re.DOTALL).groups()


def renamed(model, shared):
    """With names of its own for all but what both forms share."""
    words = r"\b[A-Za-z]\w*\b(?!\()"
    own = lambda word: word[0] if word[0] in shared else f"{word[0]}_x"
    return re.sub(words, own, re.sub(r"//.*", "", model))


SHARED = set(
    """attacker active principal knows private public generates leaks phase queries
    confidentiality authentication equivalence nil k label n0 n1""".split()
)


if __name__ == "__main__":
    sys.exit(main())
