#!/usr/bin/env python3
"""Checks that every relative link in the documentation leads somewhere.

A link names a file of the project, or a heading in one: `page.md#a-heading`, with
headings spelled as GitHub spells them. Fails if there is no such file or heading, if a path
of the tree in backticks does not exist, and if docs/README.md, the index, leaves a page of
docs out.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
NAMED = re.compile(r'<a (?:id|name)="([^"]+)"')
PATH = re.compile(r"`((?:core-wasm|docs|host|tests|wit)/[\w./@-]+)`")
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)


def main():
    listed = subprocess.check_output(["git", "ls-files", "*.md"], cwd=ROOT, text=True)
    pages = {ROOT / name: FENCE.sub("", (ROOT / name).read_text()) for name in listed.split()}
    faults = [
        f"{page.relative_to(ROOT)}: {link} leads nowhere"
        for page, text in pages.items()
        for link in LINK.findall(text)
        if not leads_somewhere(page, link, pages)
    ]
    faults += [
        f"{page.relative_to(ROOT)}: there is no {path}"
        for page, text in pages.items()
        for path in PATH.findall(text)
        if not (ROOT / path).exists()
    ]
    index = ROOT / "docs" / "README.md"
    indexed = {(index.parent / link).resolve() for link in LINK.findall(pages[index])}
    faults += [
        f"docs/README.md does not list {page.name}"
        for page in pages
        if page.parent == index.parent and page not in indexed | {index}
    ]
    for fault in faults:
        print(f"links.py: {fault}", file=sys.stderr)
    return 1 if faults else 0


def leads_somewhere(page, link, pages):
    if re.match(r"[a-z]+:", link):
        return True
    name, _, heading = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not heading:
        return target.exists()
    text = pages.get(target, "")
    return heading in {*map(anchor, HEADING.findall(text)), *NAMED.findall(text)}


def anchor(heading):
    """The name of a heading in a link."""
    plain = LINK.sub(lambda link: link[0][1 : link[0].index("]")], heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


if __name__ == "__main__":
    sys.exit(main())
