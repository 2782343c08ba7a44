"""The compiled component, and the clock that stops calls which do not end."""

import os
import threading
import time
from functools import cache
from importlib.resources import files

from wasmtime import Config, Engine, FuncType, Instance, Linker, Module, Store, ValType

from spiped_pipe._signatures import check

# Twice what a session needs with batches of 64 packets.
_MEMORY_MAX = 2 << 20

# A call that takes longer than a second has broken down. The clock stands still
# while the process does, and a busy machine gets as much again.
_TICK = 0.25
_TICKS_MAX = 8


class Code:
    """The component's core module, compiled once a process: about half a second."""

    def __init__(self, wasm: bytes) -> None:
        config = Config()
        config.epoch_interruption = True
        self._engine = Engine(config)
        self._module = Module(self._engine, wasm)
        check(self._module)
        self._linker = Linker(self._engine)
        # The tables of handles that a component runtime keeps. There is one
        # resource in an instance: its representation is its handle.
        i32 = ValType.i32()
        for item in self._module.imports:
            results = [i32] if "[resource-new]" in (item.name or "") else []
            kind = FuncType([i32], results)
            self._linker.define_func(item.module, item.name or "", kind, _new if results else _drop)
        self.ticker = Ticker(self._engine)

    def instantiate(self) -> tuple[Store, Instance]:
        """A new instance, alone in its store."""
        store = Store(self._engine)
        store.set_limits(memory_size=_MEMORY_MAX)
        self.limit(store)
        return store, self._linker.instantiate(store, self._module)

    def limit(self, store: Store) -> None:
        """Gives the next call its time."""
        store.set_epoch_deadline(_TICKS_MAX)
        self.ticker.run()


class Ticker:
    """Advances the engine's epoch while there are calls, on a thread of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reset()
        # A fork takes no threads along, and locks as they happen to be.
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._start = threading.Lock()
        self._called = threading.Event()
        self._started = False

    def run(self) -> None:
        """Has it run for longer than a call that begins now may take."""
        if not self._called.is_set():
            self._called.set()
        if not self._started:
            with self._start:
                if not self._started:
                    threading.Thread(target=self._tick, name="spiped_pipe", daemon=True).start()
                    self._started = True

    def _tick(self) -> None:
        while self._called.wait():
            self._called.clear()
            for _ in range(_TICKS_MAX + 1):
                time.sleep(_TICK)
                self._engine.increment_epoch()


@cache
def _wasm() -> bytes:
    return files("spiped_pipe").joinpath("spiped-portable.core.wasm").read_bytes()


_lock = threading.Lock()
_code: Code | None = None


def code() -> Code:
    """The component, compiled by the first that asks."""
    global _code
    with _lock:
        if _code is None:
            _code = Code(_wasm())
        return _code


def _new(representation: int) -> int:
    return representation


def _drop(_handle: int) -> None:
    return None
