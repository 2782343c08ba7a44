#!/usr/bin/env python3
"""Checks docs/security.md against the tree: security.py [--write]

- Each paragraph, item and row names what shows it, in backticks: `test(NAME)` is
  a test, `make NAME` a command of the Makefile, anything that begins like a path
  of the tree is one. Lead-ins that end with a colon need none, nor does a section
  whose heading begins with "Not": nothing shows an absence. Every reference in a
  section has to exist.
- The table of unsafe code has every file with the keyword, and how often.
- The tables of dependencies, between two comments, are what this script makes
  of Cargo.lock; with --write it puts them there.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "security.md"
GENERATED = re.compile(r"(?<=<!-- Made by tests/security.py -->\n).*?(?=<!-- End -->)", re.S)
TARGET = "x86_64-unknown-linux-gnu"
WASM = "wasm32-unknown-unknown"

# What is linked, and what is only run while that is compiled.
EDGES = ("normal,no-proc-macro", "normal,build")

SPAN = re.compile(r"`([^`\n]+)`")
TEST = re.compile(r"test\((\w+)\)")
MAKE = re.compile(r"make ([a-z-]+)")
UNSAFE_ROW = re.compile(r"^\| `(\S+\.rs)` \| (\d+) \|", re.M)
# What may contain the keyword without being code.
NO_CODE = re.compile(
    r"""r(#+)".*?"\1|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])'|//[^\n]*|/\*.*?\*/""", re.S
)


def main():
    page = PAGE.read_text()
    made = dependencies()
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(GENERATED.sub(lambda _: made, page))
        return 0
    faults = [*claims(GENERATED.sub("", page)), *unsafe_code(page)]
    if GENERATED.findall(page) != [made]:
        faults.append("the tables of dependencies are out of date: run tests/security.py --write")
    for fault in faults:
        print(f"security.py: {fault}", file=sys.stderr)
    return 1 if faults else 0


def claims(page):
    """What is claimed without a reference, and references that lead nowhere."""
    exists = References()
    for heading, block in blocks(page):
        references = [span for span in SPAN.findall(block) if exists.is_reference(span)]
        for span in references:
            if not exists(span):
                yield f"there is no {span}"
        exempt = heading.startswith("Not ") or block.endswith(":")
        if not references and not exempt:
            yield f'nothing shows "{" ".join(block.split())[:70]}" ({heading})'


def blocks(page):
    """Paragraphs, items and rows from the first section on, with their headings."""
    heading, before_sections = "", True
    for chunk in re.sub(r"^```.*?^```$", "", page, flags=re.S | re.M).split("\n\n"):
        chunk = re.sub(r"<!--.*?-->", "", chunk, flags=re.S).strip("\n")
        if chunk.startswith("## "):
            heading, before_sections = chunk.removeprefix("## "), False
            continue
        if before_sections or not chunk:
            continue
        if chunk.startswith("|"):
            # Without the names of the columns and the line below them.
            pieces = chunk.split("\n")[2:]
        else:
            pieces = re.split(r"\n(?=- )", chunk)
        for piece in pieces:
            yield heading, piece.strip()


class References:
    def __init__(self):
        self.paths = set(paths())
        self.tops = {path.parts[0] for path in self.paths}
        self.targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
        attributes = r"(?:#\[.*\]\s*|//.*\s*)*"
        function = re.compile(rf"#\[(?:tokio::)?test\b.*\]\s*{attributes}(?:async )?fn (\w+)")
        self.tests = {name for _, text in rust(self.paths) for name in function.findall(text)}

    def is_reference(self, span):
        return bool(TEST.match(span) or MAKE.match(span)) or self.path(span) is not None

    def path(self, span):
        """The path that a command or a name begins with, if it is one of ours."""
        path = Path(span.split()[0])
        return path if path.parts and path.parts[0] in self.tops else None

    def __call__(self, span):
        if test := TEST.fullmatch(span):
            return test[1] in self.tests
        if make := MAKE.match(span):
            return make[1] in self.targets
        return self.path(span) in self.paths


def unsafe_code(page):
    """Files whose unsafe code is not in the table as it is."""
    listed = {name: int(count) for name, count in UNSAFE_ROW.findall(page)}
    found = {str(path): count for path, text in rust(paths()) if (count := count_unsafe(text))}
    for name in sorted(listed.keys() | found.keys()):
        if listed.get(name) != found.get(name):
            yield f"{name} has {found.get(name, 0)} unsafe, listed are {listed.get(name, 0)}"


def count_unsafe(text):
    return len(re.findall(r"\bunsafe\b", NO_CODE.sub('""', text))) if "unsafe" in text else 0


def dependencies():
    """The crates in what we ship, by the owner of their repository."""
    package = {
        (package["name"], package["version"]): package
        for package in json.loads(
            run("cargo", "metadata", "--locked", "--format-version=1",
                f"--filter-platform={TARGET}", f"--filter-platform={WASM}")
        )["packages"]
    }
    linked, at_build = (tree("spiped", edges, TARGET) for edges in EDGES)
    inside, at_build_inside = (tree("spiped-core", edges, WASM, "--features=native") for edges in EDGES)
    at_build = (at_build | at_build_inside) - linked - inside
    return "".join(
        f"**{title}: {len({name for name, _ in crates})}**\n\n{table(crates, package, marked)}\n"
        for title, crates, marked in [
            ("In `spiped` and `spipe`", linked, True),
            ("In the component", inside, True),
            ("Only while they are compiled (macros, build scripts)", at_build, False),
        ]
    )


def tree(package, edges, target, *options):
    lines = run(
        "cargo", "tree", "--locked", f"--package={package}", f"--edges={edges}",
        f"--target={target}", "--prefix=none", "--no-dedupe", "--format={p}", *options,
    ).splitlines()
    crates = {tuple(line.split()[:2]) for line in lines if line}
    # Ours have a path.
    return {(name, version.removeprefix("v")) for name, version in crates
            if name not in ("spiped", "spiped-core")}


def table(crates, package, marked):
    owners = {}
    for name, version in sorted(crates):
        found = package[name, version]
        where = re.match(r"https://github\.com/([^/]+)", found["repository"] or "")
        sources = Path(found["manifest_path"]).parent.glob("src/**/*.rs")
        safe = marked and not any(count_unsafe(file.read_text()) for file in sources)
        crates_of = owners.setdefault(where[1] if where else "(not stated)", {})
        # There may be two versions.
        crates_of[name] = safe and crates_of.get(name, True)
    rows = (
        f"| {owner} | {', '.join(f'**{name}**' if safe else name for name, safe in crates.items())} |\n"
        for owner, crates in sorted(owners.items(), key=lambda entry: entry[0].lower())
    )
    return "| owner | crates |\n|---|---|\n" + "".join(rows)


def paths():
    """Our files and folders, from the top of the tree."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in ("target", ".git", "node_modules")]
        for name in folders + files:
            yield (Path(folder) / name).relative_to(ROOT)


def rust(paths):
    return ((path, (ROOT / path).read_text()) for path in paths if path.suffix == ".rs")


def run(*command):
    return subprocess.run(command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout


if __name__ == "__main__":
    sys.exit(main())
