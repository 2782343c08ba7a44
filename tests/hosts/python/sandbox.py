"""What the package does about a component that breaks down or lies: sandbox.py"""

import os
import threading
import unittest

from wasmtime import wat2wasm

from spiped_pipe import Acceptor, AnyConfig, Modp2048Config, Session, Trap, _code, _signatures
from spiped_pipe._code import Code

# Where the module below has its results: all zeros, which is a session or an output,
# and what is written over it.
RESULTS = {
    "zeros": (64, b""),
    "far_list": (128, bytes([0, 255, 255, 255, 0, 16, 0, 0])),
    "long_list": (192, bytes([0, 0, 0, 0, 255, 255, 255, 255])),
    "no_status": (256, bytes(16) + b"\x04"),
    "no_failure": (320, bytes(16) + b"\x03" + bytes(7) + b"\x03"),
    "no_fault": (384, bytes(16) + b"\x03" + bytes(15) + b"\x0c"),
    "no_misuse": (448, b"\x01" + bytes(3) + b"\x0d"),
}
SESSION = "spiped:pipe/session@0.1.0#[method]session."


def fake(**bodies: str) -> Code:
    """A module of the component's shape whose functions do other things."""

    def body(name: str) -> str:
        short = name.removeprefix(SESSION).replace("-", "_")
        return bodies.get(short, "i32.const 64")

    functions = "".join(
        f'(func (export "{name}") {"(param i32)" * count} '
        + (")" if "[dtor]" in name else f"(result i32) {body(name)})")
        for name, count in _signatures.PARAMETERS.items()
    )
    data = "".join(
        f'(data (i32.const {at}) "{"".join(f"{chr(92)}{byte:02x}" for byte in result)}")'
        for at, result in RESULTS.values()
    )
    return Code(bytes(wat2wasm(f'(module (memory (export "memory") 1) {functions} {data})')))


def result(name: str) -> str:
    """A body that returns this result."""
    return f"i32.const {RESULTS[name][0]}"


class Sandbox(unittest.TestCase):
    """One instance a session, which is given up when it misbehaves."""

    def setUp(self) -> None:
        self.code = _code._code

    def tearDown(self) -> None:
        _code._code = self.code

    def session(self, **bodies: str) -> Session:
        """A session of a fake component."""
        _code._code = fake(**bodies)
        return Session.connect(Modp2048Config(), bytes(32), bytes(64))

    def test_trap_ends_its_session_and_no_other(self) -> None:
        session = self.session(compute="unreachable")
        other = Session.connect(Modp2048Config(), bytes(32), bytes(64))
        with self.assertRaisesRegex(Trap, "unreachable"):
            session.compute()
        with self.assertRaisesRegex(Trap, "over"):
            session.start()
        self.assertEqual(other.start().to_crypt, b"")

    def test_call_that_does_not_return_is_stopped(self) -> None:
        session = self.session(start="(loop br 0) unreachable")
        with self.assertRaisesRegex(Trap, "interrupt"):
            session.start()
        with self.assertRaisesRegex(Trap, "over"):
            session.start()

    def test_memory_has_a_limit(self) -> None:
        # The old size is 1 page, or -1 if there is no more: then it traps.
        grow = "(if (i32.eq (memory.grow (i32.const 100)) (i32.const -1)) (then unreachable))"
        session = self.session(start=f"{grow} i32.const 64")
        with self.assertRaises(Trap):
            session.start()

    def test_nonsense_is_a_trap(self) -> None:
        for name in RESULTS.keys() - {"zeros", "no_misuse"}:
            session = self.session(start=result(name))
            with self.subTest(name), self.assertRaises(Trap):
                session.start()
        for body in ("i32.const 65520", "i32.const -8"):
            session = self.session(start=body)
            with self.subTest(body), self.assertRaises(Trap):
                session.start()
        resume = "spiped:pipe/session@0.1.0#[static]session.resume"
        _code._code = fake(**{resume: result("no_misuse")})
        with self.assertRaises(Trap):
            Session.resume(b"")

    def test_memory_for_arguments_beyond_the_end_is_a_trap(self) -> None:
        for body in ("i32.const 65535", "i32.const -1"):
            session = self.session()
            _code._code = fake(cabi_realloc=body)
            with self.subTest(body), self.assertRaises(Trap):
                Session.connect(Modp2048Config(), bytes(32), bytes(64))
            session.close()

    def test_other_module_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "the component has no "):
            Code(bytes(wat2wasm("(module)")))

    def test_closed_session_and_two_threads(self) -> None:
        session = self.session(start="(loop br 0) unreachable")
        ended = threading.Event()

        def run() -> None:
            with self.assertRaises(Trap):
                session.start()
            ended.set()

        thread = threading.Thread(target=run)
        thread.start()
        while not session._guest._in_use.locked() and not ended.is_set():
            pass
        with self.assertRaisesRegex(RuntimeError, "another thread"):
            session.compute()
        session.close()
        thread.join()
        with self.assertRaises(Trap):
            session.compute()

    def test_acceptor_goes_on_after_a_trap(self) -> None:
        _code._code = None
        acceptor = Acceptor(AnyConfig(), [bytes(32)])
        first = acceptor._guest
        first._over = "as after a trap"
        with self.assertRaises(Trap):
            acceptor.identify(os.urandom(32), b"")
        self.assertIsNot(acceptor._guest, first)
        acceptor.identify(os.urandom(32), b"")


if __name__ == "__main__":
    unittest.main()
