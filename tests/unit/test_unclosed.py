"""A socket that nobody closes: what opened it is known."""

import gc
import socket
import sys
from collections.abc import Generator
from http.client import HTTPConnection
from typing import Any

import pytest

from portico.upstream import transport
from tests.unclosed import Sockets


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the watcher passes on."""
    found: list[str] = []

    def tell(trouble: Any) -> None:
        found.append(str(trouble.exc_value))

    monkeypatch.setattr(sys, "unraisablehook", tell)
    return found


@pytest.fixture
def sockets(told: list[str]) -> Generator[Sockets]:
    made = Sockets()
    end = made.watch()
    yield made
    end()


def forget(opening: Any) -> None:
    """In a circle, so that it lasts until somebody looks for garbage."""
    circle: list[Any] = [opening()]
    circle.append(circle)
    del circle
    gc.collect()


def test_a_tests_own_is_noted_with_the_test_and_the_line(sockets: Sockets, told: list[str]) -> None:
    forget(socket.socket)
    (left,) = sockets.left()
    assert left.startswith("a socket that tests/unit/test_unclosed.py:")
    assert left.endswith("test_a_tests_own_is_noted_with_the_test_and_the_line")
    assert told == []
    assert sockets.left() == []


def test_the_products_is_passed_on(sockets: Sockets, told: list[str]) -> None:
    as_product: dict[str, Any] = {}
    exec(compile("import socket\ndef opened():\n  return socket.socket()", transport.__file__, "exec"), as_product)
    forget(as_product["opened"])
    assert len(told) == 1
    assert sockets.left()[0].startswith("a socket that src/portico/upstream/transport.py:3 < tests/unit/")


def test_what_is_closed_is_nobodys_business(sockets: Sockets, told: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = HTTPConnection(*server.getsockname())
        connection.connect()
        server.accept()[0].close()
        connection.close()
    gc.collect()
    assert (sockets.left(), told) == ([], [])


def test_other_trouble_is_passed_on(sockets: Sockets, told: list[str]) -> None:
    class Bad:
        def __del__(self) -> None:
            raise ValueError("bad")

    forget(Bad)
    assert told == ["bad"]
    assert sockets.left() == []
