"""What the package's streams do when things go wrong: pipes.py"""

import asyncio
import gc
import logging
import socket
import sys
import time
import unittest
from collections.abc import Awaitable, Callable
from typing import Any
from unittest import mock

from serving import HANDSHAKE, HOST, PACKET_LEN, PSK, Attacker, echo, serving
from spiped_pipe import KeyExchange, PipeError, _pipe, open_connection, start_server
from spiped_pipe.server import network_of
from spiped_pipe.session import Acceptor
from spiped_pipe.types import More


class Truncated(unittest.IsolatedAsyncioTestCase):
    """What was authenticated is read first, and then reading raises."""

    async def read_through(
        self, key_exchange: KeyExchange, more: int, flip: bool = False
    ) -> tuple[bytes, str]:
        """What a client reads of two packets, `one` and `two`, and how that ends."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"one")
            # What is written at once becomes one packet.
            while writer.transport.get_write_buffer_size() > 0:
                await asyncio.sleep(0)
            await reader.readexactly(1)
            writer.write(b"two")
            writer.write_eof()
            await reader.read(-1)
            writer.close()

        handshake = HANDSHAKE[key_exchange]
        async with serving(serve) as port, Attacker(port, handshake, more, flip) as between:
            reader, writer = await open_connection(
                HOST, between, psk=PSK, key_exchange=key_exchange
            )
            writer.write(b"x")
            # So that all has come, and the failure too, before anything is read.
            while reader.exception() is None and not reader.at_eof():
                await asyncio.sleep(0.001)
                if getattr(reader, "_eof"):
                    break
            data = b""
            try:
                while piece := await reader.read(2):
                    data += piece
                return data, "end"
            except PipeError as error:
                self.assertFalse(reader.at_eof())
                return data, error.code
            finally:
                writer.transport.abort()

    async def test_in_a_packet(self) -> None:
        for key_exchange in KeyExchange:
            ended = await self.read_through(key_exchange, PACKET_LEN + 1)
            self.assertEqual(ended, (b"one", "truncated-in-packet"))

    async def test_forged(self) -> None:
        for key_exchange in KeyExchange:
            ended = await self.read_through(key_exchange, 2 * PACKET_LEN, flip=True)
            self.assertEqual(ended, (b"one", "forged-packet"))

    async def test_before_the_end_mark(self) -> None:
        ended = await self.read_through(KeyExchange.X25519, 2 * PACKET_LEN)
        self.assertEqual(ended, (b"onetwo", "truncated-before-end-mark"))

    async def test_not_at_all(self) -> None:
        ended = await self.read_through(KeyExchange.X25519, 3 * PACKET_LEN)
        self.assertEqual(ended, (b"onetwo", "end"))
        ended = await self.read_through(KeyExchange.MODP2048, 2 * PACKET_LEN)
        self.assertEqual(ended, (b"onetwo", "end"))


class Ended(unittest.IsolatedAsyncioTestCase):
    """A reset is the default end; a clean one is earned."""

    async def read_from(self, serve: Callable[..., Awaitable[None]]) -> bytes:
        """All that a client reads from this server."""
        async with serving(serve) as port:
            reader, writer = await open_connection(HOST, port, psk=PSK)
            try:
                return await reader.read()
            finally:
                writer.transport.abort()

    async def test_by_closing(self) -> None:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(bytes(1_000_000))
            writer.close()

        self.assertEqual(await self.read_from(serve), bytes(1_000_000))

    async def test_by_closing_while_the_peer_is_sending(self) -> None:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(bytes(1_000_000))
            writer.close()

        for key_exchange in KeyExchange:
            async with serving(serve) as port:
                reader, writer = await open_connection(
                    HOST, port, psk=PSK, key_exchange=key_exchange
                )
                writer.write(bytes(3_000_000))
                writer.write_eof()
                self.assertEqual(await reader.read(), bytes(1_000_000))
                writer.close()
                await writer.wait_closed()

    async def test_by_abort(self) -> None:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"not all")
            await asyncio.sleep(0)
            writer.transport.abort()

        with self.assertRaises(ConnectionResetError):
            await self.read_from(serve)

    async def test_by_a_handler_that_raises(self) -> None:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"not all")
            raise ValueError("as expected")

        said: list[Any] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: said.append(context["exception"]))
        with self.assertRaises(ConnectionResetError):
            await self.read_from(serve)
        self.assertEqual([str(error) for error in said], ["as expected"])

    async def test_by_a_loop_that_is_closed(self) -> None:
        # Not in this loop, which is not to be closed.
        await asyncio.to_thread(self.close_a_loop)

    def close_a_loop(self) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                writer.write(b"x")
                await reader.read()
            finally:
                writer.close()

        async def leave() -> None:
            async with serving(serve) as port:
                reader, _ = await open_connection(HOST, port, psk=PSK)
                await reader.readexactly(1)

        said: list[Any] = []
        with mock.patch.object(sys, "unraisablehook", said.append):
            loop = asyncio.new_event_loop()
            loop.run_until_complete(leave())
            loop.close()
            del loop
            gc.collect()
        self.assertEqual([one.exc_value for one in said], [])

    async def test_by_ourselves_before_the_peer(self) -> None:
        async with serving() as port:
            reader, writer = await open_connection(HOST, port, psk=PSK)
            writer.write(b"hello")
            self.assertEqual(await reader.readexactly(3), b"hel")
            writer.close()
            await writer.wait_closed()
            self.assertEqual(await reader.read(100), b"lo")
            with self.assertRaises(ConnectionAbortedError):
                await reader.read(100)


class Used(unittest.IsolatedAsyncioTestCase):
    """Streams, as asyncio's own."""

    async def test_half_close_leaves_the_other_direction_open(self) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            request = await reader.read()
            writer.write(request[::-1])
            writer.close()

        for key_exchange in KeyExchange:
            async with serving(serve) as port:
                reader, writer = await open_connection(
                    HOST, port, psk=PSK, key_exchange=key_exchange
                )
                writer.write(b"hello")
                writer.write_eof()
                self.assertEqual(await reader.read(), b"olleh")
                writer.close()
                await writer.wait_closed()

    async def test_extra_info(self) -> None:
        told: "asyncio.Future[tuple[Any, ...]]" = asyncio.get_running_loop().create_future()

        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            names = "peername", "psk_index", "key_exchange"
            told.set_result(tuple(map(writer.get_extra_info, names)))
            writer.close()

        server = await start_server(serve, HOST, 0, psks=[bytes(32), PSK])
        port = server.sockets[0].getsockname()[1]
        reader, writer = await open_connection(HOST, port, psk=PSK, key_exchange="x25519")
        self.assertEqual(await reader.read(), b"")
        sockname = writer.get_extra_info("sockname")
        self.assertEqual(await told, (sockname, 1, KeyExchange.X25519))
        self.assertIs(writer.get_extra_info("key_exchange"), KeyExchange.X25519)
        writer.close()
        server.close()

    async def test_peer_that_does_not_read_makes_the_writer_wait(self) -> None:
        go_on = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await go_on.wait()
            await echo(reader, writer)

        async with serving(serve) as port:
            reader, writer = await open_connection(HOST, port, psk=PSK)
            sent = 0
            with self.assertRaises(TimeoutError):
                while True:
                    writer.write(bytes(10_000))
                    sent += 10_000
                    async with asyncio.timeout(0.3):
                        await writer.drain()
            self.assertLess(writer.transport.get_write_buffer_size(), 400_000)
            go_on.set()
            receiving = asyncio.ensure_future(reader.readexactly(sent))
            await writer.drain()
            self.assertEqual(await receiving, bytes(sent))
            writer.close()

    async def test_bytes_and_nothing_else(self) -> None:
        async with serving() as port:
            reader, writer = await open_connection(HOST, port, psk=PSK)
            for data in "text", 5, None, [1, 2]:
                with self.assertRaises(TypeError):
                    writer.write(data)  # type: ignore[arg-type]
            writer.writelines([b"a", bytearray(b"b"), memoryview(b"c")])
            self.assertEqual(await reader.readexactly(3), b"abc")
            writer.close()

    async def test_idle_session_sleeps_and_wakes(self) -> None:
        idle, _pipe._IDLE = _pipe._IDLE, 0.02
        try:
            async with serving() as port:
                reader, writer = await open_connection(HOST, port, psk=PSK)
                sleeper = getattr(writer.transport, "_pipe")._sleeper
                for _ in range(3):
                    while sleeper._session is not None:
                        await asyncio.sleep(0.005)
                    writer.write(b"awake")
                    self.assertEqual(await reader.readexactly(5), b"awake")
                writer.close()
        finally:
            _pipe._IDLE = idle

    async def test_quiet_stranger_gives_way_after_a_second(self) -> None:
        async with serving(strangers_max=2) as port:
            started = time.monotonic()
            older, newer = [await self.stranger(port, n) for n in (2, 3)]
            for reader, _ in older, newer:
                await reader.readexactly(32)
            await asyncio.sleep(0.5)
            # As much as it is asked for first.
            older[1].write(bytes(96))
            while not await (late := await self.stranger(port, 4))[0].read(32):
                late[1].close()
            self.assertGreaterEqual(time.monotonic() - started, 1)
            self.assertEqual(await newer[0].read(), b"")
            with self.assertRaises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await older[0].read()
            for _, writer in older, newer, late:
                writer.close()

    async def test_network_has_no_more_than_half_of_the_places(self) -> None:
        async with serving(strangers_max=4) as port:
            crowd = [await self.stranger(port, n) for n in (1, 1)]
            for reader, _ in crowd:
                self.assertEqual(len(await reader.readexactly(32)), 32)
            refused, other = [await self.stranger(port, n) for n in (1, 2)]
            self.assertEqual(await refused[0].read(), b"")
            self.assertEqual(len(await other[0].readexactly(32)), 32)
            for _, writer in *crowd, refused, other:
                writer.close()

    async def stranger(
        self, port: int, n: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection from another address of this host."""
        return await asyncio.open_connection(HOST, port, local_addr=(f"127.0.0.{n}", 0))

    async def test_refused_stranger_sees_an_end_and_what_it_sends_is_dropped(self) -> None:
        async with serving() as port:
            reader, writer = await asyncio.open_connection(HOST, port)
            # More than a hello: what is left unread would make a reset of the end.
            writer.write(bytes(5000))
            self.assertEqual(len(await reader.read()), 32)
            writer.write(bytes(1000))
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    async def test_refused_stranger_that_goes_on_sending_is_reset(self) -> None:
        async with serving() as port:
            _, writer = await asyncio.open_connection(HOST, port)
            with self.assertRaises(ConnectionError):
                while True:
                    writer.write(bytes(1000))
                    await writer.drain()
            writer.close()

    async def test_networks_give_way_not_addresses(self) -> None:
        for one, other, same in [
            ("192.0.2.1", "192.0.2.2", False),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::", True),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
            ("fe80::1%lo", "fe80::2%lo", True),
        ]:
            self.assertEqual(network_of(one) == network_of(other), same, (one, other))

    async def test_acceptor_that_asks_for_too_much(self) -> None:
        with mock.patch.object(Acceptor, "identify", return_value=More(1 << 31)):
            async with serving() as port:
                reader, writer = await asyncio.open_connection(HOST, port)
                self.assertEqual(len(await reader.read()), 32)
                writer.close()

    async def test_silent_stranger_is_refused_in_time(self) -> None:
        async with serving(handshake_timeout=0.05) as port:
            reader, writer = await asyncio.open_connection(HOST, port)
            self.assertEqual(len(await reader.read()), 32)
            writer.close()

    async def test_server_that_says_nothing(self) -> None:
        with socket.create_server((HOST, 0)) as silent:
            port = silent.getsockname()[1]
            with self.assertRaises(TimeoutError):
                await open_connection(HOST, port, psk=PSK, timeout=0.05)


if __name__ == "__main__":
    logging.disable()
    unittest.main()
