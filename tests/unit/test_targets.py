"""Where webhooks may go: what the address's form tells already. What names lead to is checked when they are called."""

import pytest

from portico.errors import ForbiddenAddress
from portico.upstream.targets import check_target

ALLOWED = [
    "https://hooks.example.com/portico",
    "https://hooks.example.com:8443/a?b=c",
    "https://8.8.8.8/x",
    "https://[2606:4700:4700::1111]/x",
    "https://xn--bcher-kva.example/x",
]
REFUSED = [
    "", "hooks.example.com", "//hooks.example.com/x", "http://hooks.example.com/x", "ftp://hooks.example.com/x",
    "https://", "https:///x", "https://user@hooks.example.com/", "https://user:word@hooks.example.com/",
    "https://hooks.example.com/x#part", "https://hooks.example.com/a b", "https://hooks.example.com\\@evil.example/",
    "https://bücher.example/", "https://hooks.example.com/\nx", "https://hooks.example.com:0/",
    "https://hooks.example.com:99999/", "https://hooks.example.com:port/", "https://" + "a" * 2050 + ".example/",
    "https://localhost/x", "https://a.localhost/x", "https://printer.local/x", "https://db.internal/x",
    "https://127.0.0.1/x", "https://10.1.2.3/x", "https://192.168.0.1/", "https://172.16.0.1/", "https://169.254.169.254/",
    "https://[::1]/", "https://[fd00::1]/", "https://[fe80::1]/", "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/",
    "https://2130706433/", "https://127.1/", "https://0/", "https://0177.0.0.1/", "https://0x7f.0.0.1/",
    "https://224.0.0.1/", "https://100.64.0.1/", "javascript:alert(1)", "file:///etc/passwd", "https://[::1",
]  # fmt: skip


@pytest.mark.parametrize("url", ALLOWED)
def test_public_https_address_is_allowed(url: str) -> None:
    target = check_target(url, ())
    assert target.url == url
    assert not target.is_trusted


@pytest.mark.parametrize("url", REFUSED)
def test_address_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        check_target(url, ())


def test_scheme_is_written_small_and_space_around_is_dropped() -> None:
    assert check_target(" HTTPS://Hooks.Example.com/x ", ()).url == "https://Hooks.Example.com/x"


def test_missing_path_becomes_the_root() -> None:
    assert check_target("https://hooks.example.com", ()).url == "https://hooks.example.com/"


TRUST = [
    ("http://127.0.0.1", "http://127.0.0.1:9000/x", True),
    ("http://127.0.0.1:9000", "http://127.0.0.1:9000/x", True),
    ("http://127.0.0.1:9000", "http://127.0.0.1:9001/x", False),
    ("http://127.0.0.1", "https://127.0.0.1/x", False),
    ("http://127.0.0.1", "http://127.0.0.1.example/x", False),
    ("http://127.0.0.1", "http://127.0.0.2/x", False),
    ("https://hooks.internal", "https://hooks.internal/x", True),
    ("not an address", "http://127.0.0.1/x", False),
]


@pytest.mark.parametrize(("trusted", "url", "is_allowed"), TRUST)
def test_operator_vouches_for_an_origin_and_no_more(trusted: str, url: str, is_allowed: bool) -> None:
    if is_allowed:
        assert check_target(url, (trusted,)).is_trusted
        return
    with pytest.raises(ForbiddenAddress):
        check_target(url, (trusted,))


def test_refusal_names_the_setting_that_allows_it() -> None:
    with pytest.raises(ForbiddenAddress, match="PORTICO_ALLOWED_WEBHOOK_URLS"):
        check_target("http://127.0.0.1:9000/x", ())
