"""A connection that moves between hosts.

    state.py suspend
    state.py resume CLIENT SERVER REST

`suspend` makes both ends of one, has them exchange something, and prints their
states in hexadecimal, and the rest of what is on the way to the client. `resume`
goes on from there, and prints what crossed in both directions.
"""

import sys

from ends import establish
from spiped_pipe import Session


def main() -> None:
    """Run as a program."""
    command, *words = sys.argv[1:]
    if command == "suspend":
        client, server = establish()
        cross(client, server, "before")
        # Half a packet is part of the state.
        on_the_way = server.handle_plain(b"on the way").to_crypt
        client.handle_crypt(on_the_way[:500])
        for part in (client.suspend(), server.suspend(), on_the_way[500:]):
            print(part.hex())
    else:
        state, other_state, rest = (bytes.fromhex(word) for word in words)
        client, server = Session.resume(state), Session.resume(other_state)
        print(client.handle_crypt(rest).to_plain.decode())
        print(cross(client, server, "there"))
        print(cross(server, client, "and back"))


def cross(source: Session, target: Session, text: str) -> str:
    """What arrives."""
    return target.handle_crypt(source.handle_plain(text.encode()).to_crypt).to_plain.decode()


if __name__ == "__main__":
    main()
