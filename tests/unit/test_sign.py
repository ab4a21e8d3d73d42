"""A key goes onto a request for its own account's base URL and onto no other."""

import pytest

from portico.errors import ForbiddenAddress
from portico.gateway.sign import fill, sign
from portico.upstream.transport import UpstreamRequest
from tests.unit import lumen
from tests.unit.lumen import BASE_URL

CONTEXT = {"api_key": "lk-1", "admin_key": "lk-admin-1", "region": "eu"}


def request(url: str, *headers: tuple[str, str]) -> UpstreamRequest:
    return UpstreamRequest(verb="GET", url=url, headers=list(headers))


def signed(key: str, url: str, *headers: tuple[str, str], context: dict[str, str] = CONTEXT) -> list[tuple[str, str]]:
    connected = lumen.connected()
    return sign(request(url, *headers), connected.view.credentials[key], context, connected).headers


@pytest.mark.parametrize("rest", ["", "/", "/lamps", "/lamps?x=https://evil.example", "?x=1", "/@evil.example"])
def test_an_address_under_the_base_url_is_signed(rest: str) -> None:
    assert ("Authorization", "Bearer lk-1") in signed("user", BASE_URL + rest)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v2/lamps", "https://api.lumen.example.evil.example/v2", f"{BASE_URL}.evil.example/lamps",
        f"{BASE_URL}@evil.example/lamps", f"{BASE_URL}evil/lamps", "http://api.lumen.example/v2/lamps",
        "https://api.lumen.example:444/v2/lamps", "https://api.lumen.example/v1/lamps", "https://api.lumen.example/",
        "https://user@api.lumen.example/v2/lamps", "//api.lumen.example/v2/lamps", "/v2/lamps", "",
        f"{BASE_URL}#/lamps", " https://api.lumen.example/v2/lamps", "https://eu.lumen.example/v2/lamps",
    ],
)  # fmt: skip
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        signed("user", url)


def test_what_the_caller_sent_in_the_keys_place_stays_behind() -> None:
    sent = [("AUTHORIZATION", "Bearer mine"), ("Cookie", "a=b"), ("Host", "evil.example"), ("x-region", "moon")]
    assert signed("user", f"{BASE_URL}/lamps", *sent, ("Proxy-Authorization", "x"), ("X-Own", "1")) == [
        ("X-Own", "1"),
        ("Authorization", "Bearer lk-1"),
        ("X-Region", "eu"),
    ]


def test_each_key_fills_its_own_slot() -> None:
    assert signed("admin", f"{BASE_URL}/admin/house") == [("Authorization", "Bearer lk-admin-1")]


@pytest.mark.parametrize(
    ("headers", "context", "filled"),
    [
        ({"A": "Bearer {key}"}, {"key": "k"}, {"A": "Bearer k"}),
        ({"A": "{key}-x"}, {"key": "k"}, {"A": "k-x"}),
        ({"A": "fixed"}, {}, {"A": "fixed"}),
        ({"A": "Bearer {key}"}, {}, {}),
        ({"A": "Bearer {key}"}, {"key": ""}, {}),
        ({"A": "Bearer {key}"}, {"key": "{other}", "other": "o"}, {"A": "Bearer {other}"}),
    ],
)
def test_a_header_whose_field_is_empty_is_not_sent(
    headers: dict[str, str], context: dict[str, str], filled: dict[str, str]
) -> None:
    assert fill(headers, context) == filled
