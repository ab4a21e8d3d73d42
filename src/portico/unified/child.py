"""The program that runs mappings which tenants wrote: a process without secrets, with little memory and less time.

Work comes in on standard input and results leave on standard output, each as a length and JSON. It ends by itself
when its memory is used up, and is killed by whoever started it when it takes too long.
"""

import resource
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import msgspec

from portico.errors import MappingFailed
from portico.unified import mapping

MEMORY_BYTES = 256 * 1024 * 1024
CPU_SECONDS = 2
LENGTH = struct.Struct(">I")
_encoder = msgspec.json.Encoder(decimal_format="number")


def main() -> None:
    read, write = sys.stdin.buffer, sys.stdout.buffer
    mapping.run("1", {})  # the library is loaded before memory is counted
    _fence()
    while (asked := receive(read)) is not None:
        _more_time()
        try:
            told = _answer(asked)
        except MemoryError:
            send(write, b'{"problem": "The mapping needs too much memory."}')
            return
        send(write, told)


def _answer(asked: bytes) -> bytes:
    work: dict[str, Any] = mapping.read(asked)
    kinds: dict[str, Callable[[dict[str, Any]], Any]] = {"check": _check, "run": _run}
    try:
        return _encoder.encode({"result": kinds[work["kind"]](work)})
    except MappingFailed as problem:
        return _encoder.encode({"problem": problem.sentence})


def _check(work: dict[str, Any]) -> Any:
    return mapping.check(work["tree"], work["path"])


def _run(work: dict[str, Any]) -> list[Any]:
    scope = work["scope"]
    return [mapping.run(work["tree"], scope | {work["name"]: item}) for item in work["items"]]


def _fence() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 16),
    ):
        resource.setrlimit(what, (most, most))


def _more_time() -> None:
    """Processor time for one piece of work, counted from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (spent + CPU_SECONDS, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def receive(stream: BinaryIO) -> bytes | None:
    head = stream.read(LENGTH.size)
    return stream.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else None


def send(stream: BinaryIO, content: bytes) -> None:
    stream.write(LENGTH.pack(len(content)) + content)
    stream.flush()


if __name__ == "__main__":
    main()
