"""What `spipe` does, or with `-d` what `spiped -d` does, in Python.

    spiped_client.py -t TARGET -k KEYFILE [--kex NAME] [-f | -g] [-o SECONDS]
    spiped_client.py -d -s SOURCE -t TARGET -k KEYFILE... [--kex NAME] [-f | -g] [-o SECONDS]

The key exchange is `modp2048` or `x25519`. The default is the former, and with
`-d` whichever the client chooses.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import TypeVar, cast

from spiped_asyncio import PLAIN_BATCH, Pipe, PipeError, connect, reset, split_address
from spiped_component import DEFAULT_PATH, Component, Trap
from spiped_types import (
    AnyConfig,
    CallFailed,
    ForwardSecrecy,
    KeyExchange,
    Modp2048Config,
    ServerConfig,
    X25519Config,
)

T = TypeVar("T")


async def run_client(component: Component, options: argparse.Namespace) -> None:
    """Standard input to the pipe, the pipe to standard output."""
    (psk,) = options.psks
    async with asyncio.timeout(options.time_limit):
        pipe = await Pipe.connect(component, options.target, psk, options.config)

    async def send() -> None:
        while data := await in_thread(lambda: os.read(0, PLAIN_BATCH)):
            await pipe.write(data)
        await pipe.write_eof()

    async def receive() -> None:
        while data := await pipe.read():
            await in_thread(lambda: _write_all(1, data))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    await both(send(), receive())
    await pipe.close()


async def run_server(component: Component, options: argparse.Namespace) -> None:
    """From pipes to the target, until it is stopped."""
    acceptor = component.acceptor(options.config, options.psks)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(options.time_limit):
                pipe = await Pipe.accept(acceptor, reader, writer)
            await relay(pipe, options)
        except (PipeError, Trap, OSError) as error:
            complain(error)

    if options.source.startswith("/"):
        server = await asyncio.start_unix_server(serve, options.source)
    else:
        server = await asyncio.start_server(serve, *split_address(options.source))
    await server.serve_forever()


async def relay(pipe: Pipe, options: argparse.Namespace) -> None:
    """From one pipe to the target and back."""
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(options.time_limit):
            reader, writer = await connect(options.target)
        target = writer

        async def send() -> None:
            while data := await reader.read(PLAIN_BATCH):
                await pipe.write(data)
            await pipe.write_eof()

        async def receive() -> None:
            while data := await pipe.read():
                target.write(data)
                await target.drain()
            target.write_eof()

        await both(send(), receive())
        await pipe.close()
        target.close()
    except BaseException:
        pipe.reset()
        if writer is not None:
            reset(writer)
        raise


async def both(one: Awaitable[None], other: Awaitable[None]) -> None:
    """Waits for both; the first that fails ends the other."""
    tasks = [asyncio.ensure_future(one), asyncio.ensure_future(other)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def in_thread(call: Callable[[], T]) -> T:
    """Makes a blocking call that need not end before the program does."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: OSError | None) -> None:
        if result.done():
            return
        if error is not None:
            result.set_exception(error)
        else:
            result.set_result(cast(T, value))

    def run() -> None:
        value, failed = None, None
        try:
            value = call()
        except OSError as error:
            failed = error
        # The loop may have ended meanwhile.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, value, failed)

    Thread(target=run, daemon=True).start()
    return await result


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def complain(problem: object) -> None:
    """One line on standard error."""
    print(f"spiped_client: {str(problem) or 'timed out'}", file=sys.stderr, flush=True)


def main() -> int:
    """Run as a program; the exit code."""
    parser = argparse.ArgumentParser(description="spipe, or with -d spiped, in Python.")
    parser.add_argument("-d", dest="serve", action="store_true", help="serve, as spiped -d")
    parser.add_argument("-s", dest="source", metavar="ADDRESS", help="listen here, with -d")
    parser.add_argument("-t", dest="target", metavar="ADDRESS", required=True)
    parser.add_argument("-k", dest="keys", metavar="FILE", action="append", required=True)
    names = [key_exchange.value for key_exchange in KeyExchange]
    parser.add_argument("--kex", choices=names, help="the key exchange")
    weak_or_strict = parser.add_mutually_exclusive_group()
    weak_or_strict.add_argument("-f", dest="omit", action="store_true", help="no forward secrecy")
    weak_or_strict.add_argument("-g", dest="require", action="store_true", help="require it")
    parser.add_argument("-o", dest="time_limit", metavar="SECONDS", type=float, default=5.0)
    parser.add_argument("--component", type=Path, default=DEFAULT_PATH)
    try:
        options = parser.parse_args()
        if options.serve != bool(options.source) or not options.serve and len(options.keys) > 1:
            parser.error("-d and -s go together, and several -k with them only")
        if options.omit and options.kex == KeyExchange.X25519.value:
            parser.error("-f does not go with --kex x25519")
    except SystemExit as usage:
        return 1 if usage.code else 0
    options.config = config(options)

    try:
        options.psks = [sha256(Path(key).read_bytes()).digest() for key in options.keys]
        component = Component(options.component)
        asyncio.run((run_server if options.serve else run_client)(component, options))
    except (PipeError, CallFailed, Trap, OSError, ValueError) as error:
        complain(error)
        return 1
    return 0


def config(options: argparse.Namespace) -> ServerConfig:
    """What the command line says about the handshake; a client's is a server's, too."""
    forward_secrecy = ForwardSecrecy.OFFER
    if options.omit:
        forward_secrecy = ForwardSecrecy.OMIT
    elif options.require:
        forward_secrecy = ForwardSecrecy.REQUIRE
    if options.kex == KeyExchange.X25519.value:
        return X25519Config()
    if options.kex is None and options.serve:
        return AnyConfig(forward_secrecy)
    return Modp2048Config(forward_secrecy)


if __name__ == "__main__":
    sys.exit(main())
