"""Draws what a command shows on a terminal."""

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from html import escape
from pathlib import Path

COLUMNS = 80
CELL, ROW, EDGE, BAR = 8.4, 20, 16, 32


def draw(output: Path, seconds: float, rows: int, command: list[str]) -> None:
    """What the command shows after so long, in 80 columns.

    It may write text, move the cursor home and clear, as `spiped status --watch` does, and ends
    when the user presses q.
    """
    title = "spiped status --watch"
    output.write_text(picture(frame(run(command, seconds, rows)), title), encoding="utf-8")


def run(command: list[str], seconds: float, rows: int) -> str:
    """What it has written after so long."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, COLUMNS, 0, 0))
    written = b""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            written += os.read(terminal, 65536)
    os.write(terminal, b"q")
    # It ends when all that it writes is read.
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass
    os.waitpid(child, 0)
    return written.decode()


def frame(written: str) -> list[str]:
    """The lines of the last screen that was drawn to its end."""
    screens = written.split("\x1b[H")
    whole = [screen for screen in screens[1:] if screen.endswith("\x1b[J")]
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", whole[-1])
    return text.split("\r\n")


def picture(lines: list[str], title: str) -> str:
    width, height = COLUMNS * CELL + 2 * EDGE, len(lines) * ROW + BAR + 2 * EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img" aria-label="{escape(title)}">',
        "<style>text { font: 14px ui-monospace, 'JetBrains Mono', Menlo, Consolas, "
        "'DejaVu Sans Mono', monospace; fill: #e6e6e6; white-space: pre } "
        ".title { fill: #9aa0a6 } .loud { fill: #ffb86c; font-weight: 600 } "
        ".head { fill: #8be9fd }</style>",
        f'<rect width="{width:g}" height="{height:g}" rx="8" fill="#1d2026"/>',
        f'<text class="title" x="{width / 2:g}" y="21" text-anchor="middle">{escape(title)}</text>',
    ]
    for number, line in enumerate(lines):
        kind = "head" if line.startswith("PIPE ") else "loud" if "DOWN" in line else ""
        kind = f' class="{kind}"' if kind else ""
        length = f' textLength="{len(line) * CELL:.1f}"' if line else ""
        y = BAR + EDGE + number * ROW + 10
        parts.append(f'<text x="{EDGE}" y="{y}"{kind}{length}>{escape(line)}</text>')
    return "\n".join(parts) + "\n</svg>\n"

