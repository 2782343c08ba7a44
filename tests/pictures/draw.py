#!/usr/bin/env python3
"""Draws docs/status-watch.svg and docs/status-page.png: draw.py [DIRECTORY-OF-PROGRAMS]

Both show a real daemon of several pipes, with connections, traffic, peers that are refused and a
target that is down. Needs Chromium and pngquant.
"""

import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import terminal

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """
control = "control"
metrics = "127.0.0.1:19464"

[defaults]
mode = "decrypt"

[pipe.redis]
source = "[127.0.0.1]:16390"
target = "[127.0.0.1]:16379"
key = "keys"
max-connections = 500

[pipe.postgres]
source = "[127.0.0.1]:15433"
target = ["[127.0.0.1]:15432", "[127.0.0.1]:15439"]
balance = "spread"
key = "shared.key"

[pipe.mail]
mode = "encrypt"
source = "[127.0.0.1]:12525"
target = "[127.0.0.1]:12465"
key = "shared.key"
"""
# Names of files with a key each, the port that leads to whoever takes it, and bytes a second.
CLIENTS = [
    ("keys/app1", 16390, 3_400_000),
    ("keys/app1", 16390, 90_000),
    ("keys/app2", 16390, 210_000),
    ("shared.key", 15433, 12_000_000),
    ("shared.key", 15433, 0),
    ("shared.key", 16390, 0),
]


def main() -> None:
    programs = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/release").resolve()
    with tempfile.TemporaryDirectory() as scratch:
        running: list[subprocess.Popen[bytes]] = []
        try:
            draw(programs / "spiped", Path(scratch), running)
        finally:
            for process in running:
                process.kill()


def draw(spiped: Path, scratch: Path, running: list) -> None:
    (scratch / "keys").mkdir(mode=0o700)
    for name in ["keys/app1", "keys/app2", "keys/backup", "shared.key"]:
        subprocess.run([spiped, "keygen", name], cwd=scratch, check=True, capture_output=True)
    (scratch / "spiped.toml").write_text(SETTINGS)
    for port in [16379, 15432]:
        threading.Thread(target=serve, args=[listen(port)], daemon=True).start()

    def run(*words: object) -> None:
        running.append(subprocess.Popen([spiped, "-F", *map(str, words)], cwd=scratch))

    run("--config", "spiped.toml")
    for number, (key, port, rate) in enumerate(CLIENTS):
        at = 17000 + number
        run("-e", "-s", f"[127.0.0.1]:{at}", "-t", f"[127.0.0.1]:{port}", "-k", key)
        threading.Thread(target=talk, args=[at, rate], daemon=True).start()
    # Nobody is there.
    threading.Thread(target=talk, args=[12525, 0], daemon=True).start()
    command = [str(spiped), "status", "--watch", "--control", str(scratch / "control")]
    time.sleep(5)
    terminal.draw(ROOT / "docs/status-watch.svg", 4.5, 30, command)
    screenshot(scratch)


def screenshot(scratch: Path) -> None:
    page = scratch / "page.png"
    chromium = """chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage
        --no-first-run --disable-background-networking --disable-component-update --disable-sync
        --hide-scrollbars --disable-lcd-text --force-color-profile=srgb --window-size=1100,620"""
    command = [*chromium.split(), f"--user-data-dir={scratch}/profile", f"--screenshot={page}"]
    subprocess.run([*command, "http://127.0.0.1:19464/"], check=True, capture_output=True)
    output = str(ROOT / "docs/status-page.png")
    subprocess.run(
        ["pngquant", "--strip", "--speed", "1", "--force", "--output", output, str(page)],
        check=True,
    )


def listen(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))


def serve(listener: socket.socket) -> None:
    """Sends everything back."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=echo, args=[connection], daemon=True).start()


def echo(connection: socket.socket) -> None:
    try:
        while data := connection.recv(65536):
            connection.sendall(data)
    except OSError:
        pass


def talk(port: int, rate: int) -> None:
    """Sends so many bytes a second and takes them back; begins again when it is refused."""
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(b"x")
                while data := connection.recv(65536):
                    if rate:
                        time.sleep(len(data) / rate)
                        connection.sendall(bytes(min(65536, max(1, rate // 20))))
        except OSError:
            pass
        time.sleep(1)


main()
