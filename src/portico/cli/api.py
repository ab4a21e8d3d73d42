"""The HTTP client of the commands: a few lines over the standard library, because it starts in no time."""

import json
import os
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from typing import Annotated, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

from cyclopts import Parameter

from portico.cli.progress import told
from portico.cli.say import Unhappy
from portico.cli.sending import Form
from portico.settings import is_address

DEFAULT_URL = "http://127.0.0.1:8700"
TIMEOUT_SECONDS = 600.0

UrlOption = Annotated[str, Parameter(name="--url", help="Address of the gateway (PORTICO_URL).")]
TokenOption = Annotated[str, Parameter(name="--token", help="API token (PORTICO_TOKEN).")]
JsonOption = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON instead of a table.")]
AccountOption = Annotated[
    str,
    Parameter(
        name=("--account", "-a"),
        help="The account (PORTICO_ACCOUNT); not needed with an account token, or where there is only one.",
    ),
]
Json = dict[str, Any]


class Api:
    """One gateway and one token."""

    def __init__(self, url: str = "", token: str = "") -> None:
        self.url = (url or os.environ.get("PORTICO_URL", "") or DEFAULT_URL).rstrip("/")
        if not is_address(self.url):
            raise Unhappy(
                f"{self.url!r} is not the address of a gateway: write it as {DEFAULT_URL}, in PORTICO_URL or --url."
            )
        self._token = token or os.environ.get("PORTICO_TOKEN", "")
        if not self._token:
            raise Unhappy("There is no API token: give one with --token or in PORTICO_TOKEN.")

    @property
    def is_for_one_account(self) -> bool:
        return self._token.startswith("ptc_acc_")

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
        try:
            with told(f"Waiting for {self.url}") as progress:
                data: Any = None
                if isinstance(body, Form):
                    data = body.pieces(progress)
                    headers |= {"Content-Type": body.content_type, "Content-Length": str(body.size_bytes)}
                elif body is not None:
                    data = json.dumps(body).encode()
                    headers["Content-Type"] = "application/json"
                return _OPENER.open(Request(address, data, headers, method=verb), timeout=TIMEOUT_SECONDS)  # noqa: S310 -- the user's own gateway
        except HTTPError as problem:
            with problem:
                raise Unhappy(_sentence(problem)) from None
        except (URLError, HTTPException, OSError) as problem:
            reason = getattr(problem, "reason", problem)
            raise Unhappy(
                f"No gateway answers at {self.url} ({reason}). Is it running? Set --url or PORTICO_URL."
            ) from None


class _Staying(HTTPRedirectHandler):
    """Goes nowhere else: the token would go along, and what was to be written would not."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        """None: what was answered is told like every refusal."""


_OPENER = build_opener(_Staying)


def account_of(api: Api, account: str) -> str:
    """The account that is meant: the one given, an account token's own, or the only one that there is."""
    if given := account or os.environ.get("PORTICO_ACCOUNT", ""):
        return given
    if api.is_for_one_account:
        return api.get("/integrated-account/me")["id"]
    known = api.get("/integrated-account", limit=2)["result"]
    if not known:
        raise Unhappy("There is no account yet; connect one with `portico accounts connect`.")
    if len(known) > 1:
        raise Unhappy("There are several accounts: name one with --account or in PORTICO_ACCOUNT.")
    return known[0]["id"]


def _sentence(problem: HTTPError) -> str:
    if 300 <= problem.code < 400:
        there = problem.headers.get("location") or "no address"
        return (
            f"{problem.url} sends on to {there} ({problem.code}), and the token stays here: "
            "if that is your gateway, set --url or PORTICO_URL to its address."
        )
    try:
        body = json.loads(problem.read())
        return f"{body['message']} ({problem.code})"
    except (ValueError, KeyError, TypeError):
        return f"The gateway answered with status {problem.code}."
