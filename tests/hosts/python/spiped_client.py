"""What `spipe` does, or with `-d` what `spiped -d` does, in Python.

    spiped_client.py -t TARGET -k KEYFILE [--kex NAME] [-f | -g] [-o SECONDS]
    spiped_client.py -d -s SOURCE -t TARGET -k KEYFILE... [--kex NAME] [-f | -g] [-o SECONDS]

The key exchange is `modp2048` or `x25519`. The default is the former, and with
`-d` whichever the client chooses.
"""

import argparse
import asyncio
import logging
import os
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from threading import Thread
from typing import Any, TypeVar, cast

from spiped_pipe import ForwardSecrecy, KeyExchange, open_connection, start_server

T = TypeVar("T")

READ_MAX = 64 << 10


async def run_client(options: argparse.Namespace) -> None:
    """Standard input to the pipe, the pipe to standard output."""
    reader, writer = await open_connection(
        **options.target, **options.pipe, timeout=options.time_limit
    )

    async def send() -> None:
        while data := await in_thread(lambda: os.read(0, READ_MAX)):
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    async def receive() -> None:
        while data := await reader.read(READ_MAX):
            await in_thread(lambda: _write_all(1, data))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    await both(send(), receive())
    writer.close()
    await writer.wait_closed()


async def run_server(options: argparse.Namespace) -> None:
    """From pipes to the target, until it is stopped."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await relay(reader, writer, options)
        except OSError as error:
            complain(error)
            writer.transport.abort()

    server = await start_server(
        serve, **options.source, **options.pipe, handshake_timeout=options.time_limit
    )
    await server.serve_forever()


async def relay(
    pipe_reader: asyncio.StreamReader,
    pipe_writer: asyncio.StreamWriter,
    options: argparse.Namespace,
) -> None:
    """From one pipe to the target and back."""
    async with asyncio.timeout(options.time_limit):
        if "path" in options.target:
            reader, writer = await asyncio.open_unix_connection(**options.target)
        else:
            reader, writer = await asyncio.open_connection(**options.target)
    try:
        await both(copy(reader, pipe_writer), copy(pipe_reader, writer))
        pipe_writer.close()
        writer.close()
    except BaseException:
        reset(writer)
        raise


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """From one to the other, and the end."""
    while data := await reader.read(READ_MAX):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


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


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends the target's connection with a reset instead of a close."""
    connection = writer.get_extra_info("socket")
    if connection.fileno() >= 0:
        linger_for_nothing = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_nothing)
    writer.transport.abort()


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
    try:
        options = parser.parse_args()
        if options.serve != bool(options.source) or not options.serve and len(options.keys) > 1:
            parser.error("-d and -s go together, and several -k with them only")
        if options.omit and options.kex == KeyExchange.X25519.value:
            parser.error("-f does not go with --kex x25519")
    except SystemExit as usage:
        return 1 if usage.code else 0
    logging.basicConfig(level=logging.INFO, format="spiped_client: %(message)s")

    try:
        options.pipe = pipe(options)
        options.target = address(options.target)
        options.source = options.serve and address(options.source)
        asyncio.run((run_server if options.serve else run_client)(options))
    except (OSError, ValueError) as error:
        complain(error)
        return 1
    return 0


def pipe(options: argparse.Namespace) -> dict[str, Any]:
    """What the command line says about the pipe."""
    forward_secrecy = ForwardSecrecy.OFFER
    if options.omit:
        forward_secrecy = ForwardSecrecy.OMIT
    elif options.require:
        forward_secrecy = ForwardSecrecy.REQUIRE
    key = options.keys if options.serve else options.keys[0]
    said = {"key": key, "forward_secrecy": forward_secrecy}
    return said if options.kex is None else said | {"key_exchange": options.kex}


def address(text: str) -> dict[str, Any]:
    """An address, `[IP]:PORT`, `NAME:PORT` or `/PATH`. ValueError if it is none."""
    if text.startswith("/"):
        return {"path": text}
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit():
        raise ValueError(f"this is no address: {text}")
    return {"host": host.removeprefix("[").removesuffix("]"), "port": int(port)}


if __name__ == "__main__":
    sys.exit(main())
