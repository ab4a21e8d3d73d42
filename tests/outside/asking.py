"""Requests with what Python brings along, whose refusals keep no connection open for whoever looks at them later."""

import io
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPResponse
from urllib.error import HTTPError
from urllib.request import Request, urlopen


@contextmanager
def answer_to(request: Request, seconds: float) -> Generator[HTTPResponse]:
    """The answer; HTTPError, with all that was said, where it is a refusal."""
    try:
        with urlopen(request, timeout=seconds) as answer:
            yield answer
    except HTTPError as problem:
        with problem:
            said = io.BytesIO(problem.read())
        raise HTTPError(problem.url, problem.code, str(problem.reason), problem.headers, said) from None
