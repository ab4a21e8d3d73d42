"""A gateway's address that sends on: the token goes nowhere but where it was meant to go."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import cast

import pytest

from tests.cli.conftest import Command


class Place(HTTPServer):
    """Notes who came with which token, and sends them on."""

    def __init__(self, leads_to: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.leads_to, self.tokens = leads_to, list[str]()
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        noted = cast("Place", self.server)
        self.rfile.read(int(self.headers.get("content-length") or 0))
        noted.tokens.append(self.headers["authorization"])
        self.send_response(302)
        self.send_header("location", f"{noted.leads_to}{self.path}")
        self.send_header("content-length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def place(leads_to: str) -> Generator[Place]:
    with Place(leads_to) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("words", [("accounts", "list"), ("tools", "call", "list_all_openai_files", "--account", "a")])
def test_a_token_does_not_follow_to_another_address(bare: Command, words: tuple[str, ...]) -> None:
    with place("http://127.0.0.1:9") as other, place(other.url) as first:
        ran = bare(*words, "--url", first.url, "--token", "ptc_api_canary")
    assert (first.tokens, other.tokens) == (["Bearer ptc_api_canary"], [])
    assert ran.code == 1
    assert f"sends on to {other.url}/" in ran.err
    assert "set --url or PORTICO_URL" in ran.err
    assert "canary" not in ran.err
