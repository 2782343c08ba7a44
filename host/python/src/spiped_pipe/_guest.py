"""One instance of the component, called by the canonical ABI.

`docs/core-module.md` describes that. Values cross as 32-bit integers, a list as
an address and a length in the instance's memory. Arguments are put there with
`cabi_realloc` and belong to the callee. Results lie in an area whose address is
returned; what they point to is freed by the function's `cabi_post_`.
"""

import ctypes
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from wasmtime import Trap as WasmTrap
from wasmtime import WasmtimeError

# The same library as all of `wasmtime`, without its conversions: they take
# 0.1 ms a call and 0.8 ms an instance.
from wasmtime import _bindings as capi

from spiped_pipe._code import Code
from spiped_pipe._signatures import PARAMETERS
from spiped_pipe.errors import Trap

T = TypeVar("T")

BytesLike = bytes | bytearray | memoryview


class Lists(tuple[BytesLike, ...]):
    """A list of lists of bytes."""


Argument = int | BytesLike | Lists
Lift = Callable[[memoryview, int], T]
"""Reads a result out of the instance's memory, at this address."""

_LIST = struct.Struct("<II")
_WORD = 0xFFFFFFFF


class Nonsense(Exception):
    """What the instance answered cannot be an answer."""


class Guest:
    """An instance. It is over after a trap, and when it is closed."""

    def __init__(self, code: Code, interface: str) -> None:
        self._code = code
        self._prefix = f"spiped:pipe/{interface}@0.1.0#"
        self._functions: dict[str, _Function | None] = {}
        # Two calls at once would be two threads in one instance's memory.
        self._in_use = threading.Lock()
        self._over = ""
        self._store, self._instance = code.instantiate()
        self._context = self._store._context()
        item = self._export("memory")
        assert item is not None, "the module was checked"
        self._memory = item.of.memory
        realloc = self._function("cabi_realloc")
        assert realloc is not None, "the module was checked"
        self._realloc = realloc

    def call(self, name: str, lift: Lift[T], *arguments: Argument) -> T:
        """What a function of the interface answers.

        TypeError, and no call, if something that is to be bytes is not.
        """
        # Before anything is taken for them.
        lowered = [_checked(argument) for argument in arguments]
        words = sum(1 if isinstance(argument, int) else 2 for argument in lowered)
        if words != PARAMETERS[self._prefix + name]:
            raise TypeError("a bytes-like object is required, not 'int'")
        if not self._in_use.acquire(blocking=False):
            raise RuntimeError("the instance is in use by another thread")
        try:
            if self._over:
                raise Trap(self._over)
            self._code.limit(self._store)
            return self._call(self._prefix + name, lift, lowered)
        except (WasmtimeError, WasmTrap, Nonsense, struct.error, IndexError) as error:
            self._over = "the instance is over"
            raise Trap(str(error)) from error
        finally:
            if self._over:
                self._drop()
            self._in_use.release()

    def close(self) -> None:
        """Gives up the instance with its memory, as soon as no call is in it."""
        self._over = self._over or "the instance is closed"
        if self._in_use.acquire(blocking=False):
            self._drop()
            self._in_use.release()

    def _drop(self) -> None:
        self._functions.clear()
        self._store.close()

    def _call(self, name: str, lift: Lift[T], arguments: "list[_Lowered]") -> T:
        words: list[int] = []
        for argument in arguments:
            if isinstance(argument, int):
                words.append(argument)
            elif isinstance(argument, list):
                words += self._put_all(argument)
            else:
                words += self._put(argument)
        function = self._function(name)
        assert function is not None, "the module was checked"
        area = function(*words)
        answer = lift(self._view(), area)
        free = self._function("cabi_post_" + name)
        if free is not None:
            free(area)
        return answer

    def _put(self, data: memoryview) -> tuple[int, int]:
        """Copies bytes into the instance."""
        length = len(data)
        if length == 0:
            return 1, 0
        address = self._realloc(0, 0, 1, length)
        view = self._view()
        if address + length > len(view):
            raise Nonsense("memory beyond its end")
        view[address : address + length] = data
        return address, length

    def _put_all(self, lists: list[memoryview]) -> tuple[int, int]:
        """Copies lists of bytes into the instance."""
        if not lists:
            return 4, 0
        pairs = [self._put(data) for data in lists]
        address = self._realloc(0, 0, 4, _LIST.size * len(pairs))
        view = self._view()
        for at, pair in enumerate(pairs):
            _LIST.pack_into(view, address + _LIST.size * at, *pair)
        return address, len(pairs)

    def _view(self) -> memoryview:
        """The instance's memory, until the next call: it may grow, or go."""
        memory = ctypes.byref(self._memory)
        size = capi.wasmtime_memory_data_size(self._context, memory)
        start = capi.wasmtime_memory_data(self._context, memory)
        array = (ctypes.c_ubyte * size).from_address(ctypes.addressof(start.contents))
        return memoryview(array).cast("B")

    def _function(self, name: str) -> "_Function | None":
        if name not in self._functions:
            item = self._export(name)
            count = PARAMETERS.get(name, 1)
            function = None if item is None else _Function(self._context, item.of.func, count)
            self._functions[name] = function
        return self._functions[name]

    def _export(self, name: str) -> capi.wasmtime_extern | None:
        item = capi.wasmtime_extern()
        encoded = name.encode()
        buffer = ctypes.create_string_buffer(encoded)
        found = capi.wasmtime_instance_export_get(
            self._context,
            ctypes.byref(self._instance._instance),
            buffer,
            len(encoded),
            ctypes.byref(item),
        )
        return item if found else None


class Resource:
    """What an instance is for. It goes with the instance."""

    _guest: Guest

    def close(self) -> None:
        """Give up the instance with its memory."""
        self._guest.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _Function:
    """An exported function. Its type is that of `PARAMETERS`, which was checked."""

    def __init__(self, context: object, function: capi.wasmtime_func, count: int) -> None:
        self._context = context
        self._function = function
        self._by_reference = ctypes.byref(function)
        self._count = count
        self._words = (capi.wasmtime_val_raw * max(count, 1))()
        self._trap = ctypes.POINTER(capi.wasm_trap_t)()
        self._trap_by_reference = ctypes.byref(self._trap)

    def __call__(self, *words: int) -> int:
        """What it returns, if it does."""
        assert len(words) == self._count
        for slot, word in zip(self._words, words):
            slot.i32 = word
        error = capi.wasmtime_func_call_unchecked(
            self._context,
            self._by_reference,
            self._words,
            len(self._words),
            self._trap_by_reference,
        )
        if error:
            raise WasmtimeError._from_ptr(error)
        if self._trap:
            raise WasmTrap._from_ptr(self._trap)
        result: int = self._words[0].i32
        return result & _WORD


_Lowered = int | memoryview | list[memoryview]


def _checked(argument: Argument) -> _Lowered:
    """An argument as it is put into memory. TypeError if it is not made of bytes."""
    if isinstance(argument, int):
        return argument
    if isinstance(argument, Lists):
        return [memoryview(data).cast("B") for data in argument]
    return memoryview(argument).cast("B")


def view_of(view: memoryview, at: int) -> memoryview:
    """The list of bytes that a result points to, in its place."""
    address, length = _LIST.unpack_from(view, at)
    if address + length > len(view):
        raise Nonsense("a list beyond the memory's end")
    return view[address : address + length]


def take(view: memoryview, at: int) -> bytes:
    """A copy of the list of bytes that a result points to."""
    return bytes(view_of(view, at))


def take_secret(view: memoryview, at: int) -> bytearray:
    """The same, for the caller to wipe; none is left here."""
    there = view_of(view, at)
    secret = bytearray(there)
    there[:] = bytes(len(there))
    return secret
