"""A person at the door, without a browser: signs in over the socket, says yes, and goes where they are sent."""

from contextlib import closing
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener

from tests.faces.oauth.browser import forms_in
from tests.outside.mcp_house import PASSWORD, PERSON, House


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:
        return None


class Visitor:
    def __init__(self, house: House) -> None:
        self._url = house.url
        self._opener = build_opener(_Stay, HTTPCookieProcessor(CookieJar()))
        page = self._get(f"{house.url}/sign-in")
        self._submit(f"{house.url}/sign-in", page, name=PERSON, password=PASSWORD)

    def allow(self, door: str, **boxes: str) -> str:
        """Says yes to the program that sent them to this address; where the answer goes."""
        page = self._get(door)
        return self._submit(door, page, decision="allow", **boxes)

    def _get(self, url: str) -> bytes:
        with self._opener.open(url, timeout=20) as answer:
            return answer.read()

    def _submit(self, url: str, page: bytes, **filled: str) -> str:
        """The last form of the page; the address that the answer leads to."""
        form = forms_in(page)[-1]
        content = urlencode(form.fields | filled).encode()
        headers = {"Origin": self._url, "Content-Type": "application/x-www-form-urlencoded"}
        try:
            answer: Any = self._opener.open(Request(urljoin(url, form.action), content, headers), timeout=20)
        except HTTPError as refused:
            answer = refused
        with closing(answer):
            assert answer.code == 303, answer.read()[:2000]
            return answer.headers["location"]
