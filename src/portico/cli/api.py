"""The HTTP client of the commands: a few lines over the standard library, because it starts in no time."""

import json
import os
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from typing import Annotated, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from cyclopts import Parameter

from portico.cli.say import Unhappy

DEFAULT_URL = "http://127.0.0.1:8700"
TIMEOUT_SECONDS = 600.0

UrlOption = Annotated[str, Parameter(name="--url", help="Address of the gateway (PORTICO_URL).", show_default=False)]
TokenOption = Annotated[str, Parameter(name="--token", help="API token (PORTICO_TOKEN).", show_default=False)]
JsonOption = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON instead of a table.")]
Json = dict[str, Any]


class Api:
    """One gateway and one token."""

    def __init__(self, url: str = "", token: str = "") -> None:
        self.url = (url or os.environ.get("PORTICO_URL", "") or DEFAULT_URL).rstrip("/")
        self._token = token or os.environ.get("PORTICO_TOKEN", "")
        if not self._token:
            raise Unhappy("There is no API token: give one with --token or in PORTICO_TOKEN.")

    def get(self, path: str, **query: Any) -> Any:
        return self.send("GET", path, query=query)

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        return self.send("POST", path, body=body or {}, query=query)

    def patch(self, path: str, body: Any) -> Any:
        return self.send("PATCH", path, body=body)

    def delete(self, path: str) -> Any:
        return self.send("DELETE", path)

    def pages(self, path: str, **query: Any) -> Iterator[Json]:
        """Every item of a list, page after page."""
        cursor = ""
        while True:
            answer = self.get(path, **query, next_cursor=cursor)
            yield from answer["result"]
            cursor = answer.get("next_cursor") or ""
            if not cursor:
                return

    def send(self, verb: str, path: str, *, body: Any = None, query: Json | None = None) -> Any:
        """The answer as JSON; an error of the gateway as one sentence."""
        with self.open(verb, path, body=body, query=query) as response:
            content = response.read()
        return json.loads(content) if content else None

    def open(self, verb: str, path: str, *, body: Any = None, query: Json | None = None) -> HTTPResponse:
        given = {name: value for name, value in (query or {}).items() if value not in ("", None)}
        address = f"{self.url}{quote(path)}" + (f"?{urlencode(given, doseq=True)}" if given else "")
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "*/*", "User-Agent": "portico-cli"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        try:
            return urlopen(Request(address, data, headers, method=verb), timeout=TIMEOUT_SECONDS)  # noqa: S310 -- the user's own gateway
        except HTTPError as problem:
            raise Unhappy(_sentence(problem)) from None
        except (URLError, HTTPException, OSError) as problem:
            reason = getattr(problem, "reason", problem)
            raise Unhappy(
                f"No gateway answers at {self.url} ({reason}). Is it running? Set --url or PORTICO_URL."
            ) from None


def _sentence(problem: HTTPError) -> str:
    try:
        body = json.loads(problem.read())
        return f"{body['message']} ({problem.code})"
    except (ValueError, KeyError, TypeError):
        return f"The gateway answered with status {problem.code}."
