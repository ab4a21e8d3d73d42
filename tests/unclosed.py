"""Who opened a socket that nobody closed.

Python tells of it when it happens to look for garbage, which is in a test that has nothing to do with it. So what
opened each socket is written down. Where the product did, the test at hand fails and the end of the run says why; where
only tests did, it is only said there.
"""

import os
import socket
import sys
from collections.abc import Callable, Generator, Sequence
from inspect import currentframe
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, cast

import pytest

PROPERTY = "left open"
_ROOT = Path(__file__).parent.parent
_PRODUCT, _TESTS = f"{_ROOT}/src/", f"{_ROOT}/tests/"
_MOST_PLACES = 4


class Opened(NamedTuple):
    test: str
    # From the inside out.
    places: Sequence[str]

    @property
    def is_the_products(self) -> bool:
        return any(place.startswith("src/") for place in self.places)

    def __str__(self) -> str:
        return f"a socket that {' < '.join(self.places) or 'something'} opened in {self.test or 'no test'}"


class Sockets:
    """What opened the sockets of this process, by their numbers, and which of the tests' own were left open."""

    def __init__(self) -> None:
        self._opened: dict[int, Opened] = {}
        self._left: list[str] = []

    def watch(self) -> Callable[[], None]:
        """Returns what ends it."""
        kind: Any = socket.socket
        begin = kind.__init__
        tell: Any = sys.unraisablehook

        def opening(made: socket.socket, *args: Any, **more: Any) -> None:
            begin(made, *args, **more)
            self._opened[made.fileno()] = Opened(_test(), _places(currentframe()))

        def telling(trouble: Any) -> None:
            opened = self._opener(trouble)
            if opened is None or opened.is_the_products or not opened.places:
                tell(trouble)
            if opened is not None:
                self._left.append(str(opened))

        kind.__init__ = opening
        sys.unraisablehook = telling

        def end() -> None:
            kind.__init__ = begin
            sys.unraisablehook = tell

        return end

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        report.user_properties.extend((PROPERTY, each) for each in self.left())
        return report

    def left(self) -> list[str]:
        """Those since the last look."""
        found, self._left = self._left, []
        return found

    def _opener(self, trouble: Any) -> Opened | None:
        is_ours = isinstance(trouble.exc_value, ResourceWarning) and isinstance(trouble.object, socket.socket)
        return self._opened.get(trouble.object.fileno()) if is_ours else None


def _test() -> str:
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]


def _places(frame: FrameType | None) -> list[str]:
    found: list[str] = []
    while frame is not None and len(found) < _MOST_PLACES:
        name = frame.f_code.co_filename
        if name.startswith((_PRODUCT, _TESTS)) and name != __file__:
            found.append(f"{name.removeprefix(f'{_ROOT}/')}:{frame.f_lineno}")
        frame = frame.f_back
    return found


def noted(reports: Sequence[Any]) -> list[str]:
    """What the tests of all workers left open."""
    said = [cast("pytest.TestReport", each).user_properties for each in reports if hasattr(each, "user_properties")]
    return sorted({str(text) for each in said for name, text in each if name == PROPERTY})


SOCKETS = Sockets()
