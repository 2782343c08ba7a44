"""What the component costs here.

    figures.py [REPETITIONS]

Prints one figure a line, its name and its value. `make bench-hosts` makes a table
of those of all hosts.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median

from ends import establish
from spiped_pipe import Modp2048Config, Output, Session

REPETITIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 400
# What 64 packets carry.
BATCH = b"Z" * 65536
# Connections of which the memory is measured.
CROWD = 100

times: dict[str, list[float]] = defaultdict(list)


def timed(name: str, call: Callable[[], Output]) -> Output:
    """What a call returns; its time is kept."""
    start = time.perf_counter()
    output = call()
    times[name].append(time.perf_counter() - start)
    return output


def transfer(client: Session, server: Session) -> None:
    """A batch on its way from one end to the other."""
    sealed = timed("seal", lambda: client.handle_plain(BATCH))
    opened = timed("open", lambda: server.handle_crypt(sealed.to_crypt))
    if opened.to_plain != BATCH:
        raise SystemExit(f"a batch arrived different: {opened.status}")


def instance() -> float:
    """What a new instance and its end take, in milliseconds of CPU."""
    start = time.process_time()
    for _ in range(REPETITIONS):
        Session.connect(Modp2048Config(), b"k" * 32, b"n" * 32 + b"x" * 32).close()
    return (time.process_time() - start) / REPETITIONS * 1000


def memory() -> float:
    """Memory of a session that has worked, in KiB."""
    before = resident()
    crowd = []
    for _ in range(CROWD // 2):
        crowd.append(establish())
        transfer(*crowd[-1])
    return (resident() - before) / (2 * len(crowd))


def resident() -> int:
    """Memory of this process, in KiB."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmRSS:")[2].split()[0])


def main() -> None:
    """Run as a program."""
    ends = establish()
    for _ in range(REPETITIONS):
        transfer(*ends)
    for _ in range(max(REPETITIONS // 4, 1)):
        establish(timed)
    figures = {
        "seal, MB/s": len(BATCH) / median(times["seal"]) / 1e6,
        "open, MB/s": len(BATCH) / median(times["open"]) / 1e6,
        "instance, CPU ms": instance(),
        "public value, µs": median(times["public value"]) * 1e6,
        "shared value, µs": median(times["shared value"]) * 1e6,
        "session, KiB": memory(),
    }
    for name, value in figures.items():
        print(f"{name}: {value:.3g}")


if __name__ == "__main__":
    main()
