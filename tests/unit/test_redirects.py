"""Where an OAuth answer may be sent: which addresses can be one at all, and when two are the same."""

import pytest

from portico.gateway.oauth.redirects import is_allowed, read, with_answer

APPS = ("cursor", "vscode")
GOOD = {
    "https://program.example/cb": ("program.example", "https://program.example", False),
    "https://Program.Example:8443/cb?a=1": ("program.example:8443", "https://program.example:8443", False),
    "http://127.0.0.1:4000/cb": ("127.0.0.1:4000", "http://127.0.0.1:4000", True),
    "http://localhost/": ("localhost", "http://localhost", True),
    "http://[::1]:9/cb": ("[::1]:9", "http://[::1]:9", True),
    "cursor://anysphere.cursor-mcp/oauth/callback": ("cursor:", "cursor:", True),
}
BAD = [
    "", "program.example/cb", "//program.example/cb", "http://program.example/cb", "https:///cb", "https://",
    "https://program.example/cb#x", "https://program.example#", "https://user@program.example/cb",
    "https://program.example:0/cb", "https://program.example:99999/cb", "https://program.example:/cb",
    "https://program.example\\@evil.example/", "https://program.example/a\nb", "https://program.example/ b",
    "https://program.example/../cb", "https://program.example/%2e%2e/cb", "https://program.example/é",
    "http://localhost.evil.example/", "http://127.0.0.1.evil.example/", "http://127.0.0.2/", "http://0.0.0.0/",
    "https://-a.example/", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "other-app://x",
    "CURSOR://x", "http:cursor", "https:program.example", "https://program.example/" + "x" * 2000,
]  # fmt: skip


@pytest.mark.parametrize("uri", GOOD)
def test_good_address_is_read_as_people_and_policies_name_it(uri: str) -> None:
    found = read(uri, APPS)
    assert found is not None
    assert (found.uri, found.host, found.source, found.is_local) == (uri, *GOOD[uri])


@pytest.mark.parametrize("uri", BAD)
def test_what_could_be_read_two_ways_or_lead_anywhere_is_refused(uri: str) -> None:
    assert read(uri, APPS) is None


@pytest.mark.parametrize("uri", ["http://x", "https://x"])
def test_web_schemes_cannot_be_made_app_schemes(uri: str) -> None:
    assert read("http://program.example/", ("http", "https")) is None
    assert read(uri.replace("//", ""), ("http", "https")) is None


@pytest.mark.parametrize(
    ("uri", "registered", "same"),
    [
        ("https://a.example/cb", "https://a.example/cb", True),
        ("https://a.example/cb/", "https://a.example/cb", False),
        ("https://a.example/cb?x", "https://a.example/cb", False),
        ("https://A.example/cb", "https://a.example/cb", False),
        ("https://a.example:443/cb", "https://a.example/cb", False),
        ("http://127.0.0.1:5000/cb", "http://127.0.0.1/cb", True),
        ("http://127.0.0.1/cb", "http://127.0.0.1:5000/cb", True),
        ("http://localhost:1/cb", "http://localhost:2/cb", True),
        ("http://[::1]:1/cb", "http://[::1]:2/cb", True),
        ("http://localhost:1/cb", "http://127.0.0.1:1/cb", False),
        ("http://127.0.0.1:1/other", "http://127.0.0.1:1/cb", False),
        ("http://127.0.0.1:0/cb", "http://127.0.0.1:1/cb", False),
        ("http://127.0.0.1:99999/cb", "http://127.0.0.1:1/cb", False),
    ],
)
def test_addresses_are_the_same_to_the_letter_but_for_a_port_of_this_computer(
    uri: str, registered: str, same: bool
) -> None:
    assert is_allowed(uri, ["https://other.example/", registered]) is same


def test_answer_is_put_behind_what_the_address_has_already() -> None:
    assert with_answer("https://a.example/cb", {"code": "a b", "iss": "x"}) == "https://a.example/cb?code=a+b&iss=x"
    assert with_answer("https://a.example/cb?k=1", {"code": "c"}) == "https://a.example/cb?k=1&code=c"
