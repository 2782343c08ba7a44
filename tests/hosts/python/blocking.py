"""What the package's blocking sockets do when things go wrong: blocking.py"""

import asyncio
import logging
import os
import socket
import threading
import time
import unittest

from serving import HOST, PSK, serving
from spiped_pipe import KeyExchange, PipeError
from spiped_pipe.session import Session
from spiped_pipe.sockets import PipeSocket, connect
from spiped_pipe.types import X25519Config


class Blocking(unittest.TestCase):
    """Against a server in another thread."""

    def setUp(self) -> None:
        ready = threading.Event()
        self.loop = asyncio.new_event_loop()

        async def serve() -> None:
            async with serving() as self.port:
                self.stop = asyncio.Event()
                ready.set()
                await self.stop.wait()

        self.thread = threading.Thread(target=self.loop.run_until_complete, args=[serve()])
        self.thread.start()
        self.assertTrue(ready.wait(30))

    def tearDown(self) -> None:
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join()
        self.loop.close()

    def test_echo_peek_and_end(self) -> None:
        for key_exchange in KeyExchange:
            with connect((HOST, self.port), 30, psk=PSK, key_exchange=key_exchange) as pipe:
                pipe.sendall(b"hello")
                self.assertEqual(pipe.recv(1, socket.MSG_PEEK), b"h")
                self.assertEqual(pipe.recv(2), b"he")
                buffer = bytearray(10)
                self.assertEqual(pipe.recv_into(buffer), pipe.pending() or 3)
                self.assertEqual(buffer[:3], b"llo")
                pipe.shutdown(socket.SHUT_WR)
                self.assertEqual(pipe.recv(1), b"")

    def test_two_threads(self) -> None:
        data = os.urandom(2_000_000)
        with connect((HOST, self.port), 30, psk=PSK) as pipe:
            sender = threading.Thread(target=pipe.sendall, args=[data])
            sender.start()
            received = bytearray()
            while len(received) < len(data):
                received += pipe.recv(1 << 16)
            sender.join()
            self.assertEqual(received, data)

    def test_close_and_shutdown_do_not_wait_for_another_thread(self) -> None:
        with socket.create_server((HOST, 0)) as relay:
            pipes: list[PipeSocket] = []
            address = relay.getsockname()
            making = threading.Thread(target=lambda: pipes.append(connect(address, 30, psk=PSK)))
            making.start()
            near, _ = relay.accept()
            with near, socket.create_connection((HOST, self.port)) as far:
                # The handshake, and nothing after it.
                for source, sink, length in [
                    (near, far, 32), (far, near, 32), (near, far, 288), (far, near, 288),
                ]:  # fmt: skip
                    while length > 0:
                        data = source.recv(length)
                        sink.sendall(data)
                        length -= len(data)
                making.join()
                [pipe] = pipes
                sending = threading.Thread(target=self.send_too_much, args=[pipe])
                sending.start()
                while not pipe._sending.locked():
                    time.sleep(0.001)
                self.expect_no_wait(pipe, socket.SHUT_WR)
                self.expect_no_wait(pipe, socket.SHUT_RDWR)
                pipe.close()
                near.close()
                sending.join()

    def test_shutdown_does_not_wait_for_the_peer(self) -> None:
        with connect((HOST, self.port), 30, psk=PSK, key_exchange="x25519") as pipe:
            # It echoes, and nobody reads that.
            pipe.setblocking(False)
            # Buffers grow for a while.
            refusals = 0
            while refusals < 20:
                try:
                    pipe.sendall(bytes(1_000_000))
                    refusals = 0
                except BlockingIOError:
                    refusals += 1
                    time.sleep(0.02)
            pipe.settimeout(None)
            self.expect_no_wait(pipe, socket.SHUT_RDWR)
            self.assertIsNone(pipe.gettimeout())

    def expect_no_wait(self, pipe: PipeSocket, how: int) -> None:
        raised: list[BaseException] = []

        def shut_down() -> None:
            try:
                pipe.shutdown(how)
            except OSError as error:
                raised.append(error)

        thread = threading.Thread(target=shut_down, daemon=True)
        thread.start()
        thread.join(20)
        self.assertFalse(thread.is_alive(), "it waits")
        self.assertEqual([type(error) for error in raised], [BlockingIOError])

    def send_too_much(self, pipe: PipeSocket) -> None:
        with self.assertRaises(OSError):
            pipe.sendall(bytes(100_000_000))

    def test_timeouts(self) -> None:
        with connect((HOST, self.port), 30, psk=PSK) as pipe:
            pipe.settimeout(0.02)
            with self.assertRaises(TimeoutError):
                pipe.recv(1)
            pipe.setblocking(False)
            with self.assertRaises(BlockingIOError):
                pipe.recv(1)
        with socket.create_server((HOST, 0)) as silent:
            started = time.monotonic()
            with self.assertRaises(TimeoutError):
                connect(silent.getsockname(), 0.1, psk=PSK)
            self.assertLess(time.monotonic() - started, 20)

    def test_wrong_key(self) -> None:
        with self.assertRaises(PipeError) as raised:
            connect((HOST, self.port), 30, psk=bytes(32))
        self.assertEqual(raised.exception.code, "truncated-in-handshake")

    def test_bytes_and_nothing_else(self) -> None:
        with connect((HOST, self.port), 30, psk=PSK) as pipe:
            with self.assertRaises(TypeError):
                pipe.sendall("text")  # type: ignore[arg-type]
        with self.assertRaises(TypeError):
            connect((HOST, self.port), 30, psk="0" * 32)  # type: ignore[arg-type]
        with self.assertRaises(ValueError):
            connect((HOST, self.port), 30, psk=bytes(31))
        with self.assertRaises(TypeError):
            Session.connect(X25519Config(), 5, bytes(64))  # type: ignore[arg-type]
        with self.assertRaises(TypeError):
            Session.resume(1 << 20)  # type: ignore[arg-type]


if __name__ == "__main__":
    logging.disable()
    unittest.main()
