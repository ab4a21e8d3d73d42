"""Half a gigabyte through a gateway that holds none of it: what its process takes at most is told by the kernel.

64 MB each way in the everyday suite, 512 MB with PORTICO_SIZE=full.
"""

import itertools
import json
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import MASTER_KEY
from tests.forms import form
from tests.outside.sink import MADE, PATIENCE_SECONDS, Counted, Sink, blocks, send_until_stuck, sink
from tests.programs import gateway
from tests.served import exchanged
from tests.size import IS_FULL

MEGABYTE = 1 << 20
SIZE = (512 if IS_FULL else 64) * MEGABYTE
# What is on its way in buffers of sockets and streams; a body that is held would take four times as much, or thirty.
MOST_GROWTH = 16 * MEGABYTE
MOST_IN_ALL = 100 * MEGABYTE
TOKEN = "ptc_bootstrap_for_tests_0123456789abcdef"
CLEAR_THE_PEAK = "5"
pytestmark = [
    pytest.mark.outside,
    pytest.mark.timeout(300 if IS_FULL else 60),
    pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="what a process uses is read from /proc"),
]


@dataclass(frozen=True)
class Place:
    url: str
    account_id: str
    process_id: int
    vendor: Sink

    @contextmanager
    def holding_little(self) -> Generator[None]:
        """The most that the process took meanwhile, against what it took before."""
        (Path("/proc") / str(self.process_id) / "clear_refs").write_text(CLEAR_THE_PEAK)
        before = self._memory()
        yield
        after = self._memory()
        growth = after["VmHWM"] - before["VmRSS"]
        own = after["VmHWM"] - after["RssFile"] - after["RssShmem"]
        sys.stdout.write(f"{SIZE / MEGABYTE:.0f} MB: {growth / MEGABYTE:.1f} more, {own / MEGABYTE:.1f} in all\n")
        assert growth < MOST_GROWTH, (before, after)
        assert own < MOST_IN_ALL, (before, after)

    def _memory(self) -> dict[str, int]:
        lines = (Path("/proc") / str(self.process_id) / "status").read_text().splitlines()
        told = dict(line.split(":", 1) for line in lines)
        return {name: int(told[name].split()[0]) * 1024 for name in ("VmHWM", "VmRSS", "RssFile", "RssShmem")}

    def opened(self, verb: str, path: str, headers: dict[str, str]) -> HTTPConnection:
        """A connection on which the head of a request has been sent."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE_SECONDS)
        connection.putrequest(verb, path, skip_accept_encoding=True)
        for name, value in ({"authorization": f"Bearer {TOKEN}"} | headers).items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection


@pytest.fixture(scope="module")
def _place(tmp_path_factory: pytest.TempPathFactory) -> Generator[Place]:
    with sink() as vendor:
        environment = {
            "PORTICO_DATA_DIR": str(tmp_path_factory.mktemp("large")),
            "PORTICO_MASTER_KEY": MASTER_KEY,
            "PORTICO_BOOTSTRAP_TOKEN": TOKEN,
            "PORTICO_VENDOR_BASE_URLS": f"openai={vendor.url}",
        }
        with gateway(environment) as (process, url):
            headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
            asked = {"integration": "openai", "tenant_id": "acme", "context": {"api_key": "sk-proj-stage"}}
            made = exchanged(url, "POST", "/integrated-account", headers, json.dumps(asked).encode())
            assert made.status == 201, made.content
            place = Place(url, made.json["id"], process.pid, vendor)
            for way in WAYS:  # what is loaded at the first call is not what a body takes
                uploaded(place, way, size=MEGABYTE)
                downloaded(place, "proxy", f"sized-{MEGABYTE}")
            yield place


@pytest.fixture
def place(_place: Place) -> Place:
    _place.vendor.bodies.clear()
    _place.vendor.is_stuck.clear()
    return _place


# Where an upload goes, and whether it is a form, says its length, and may act only once.
WAYS = {
    "passthrough": ("/passthrough/{account}/files", "sized"),
    "passthrough-form": ("/passthrough/{account}/files", "form"),
    "passthrough-chunked": ("/passthrough/{account}/files", "chunked"),
    "custom": ("/custom/files?integrated_account_id={account}", "form"),
    "proxy": ("/proxy/files?integrated_account_id={account}", "form"),
    "proxy-once": ("/proxy/files?integrated_account_id={account}", "form once"),
}
DOWNLOADS = {
    "passthrough": ("GET", "/passthrough/{account}/files/{file}/content"),
    "custom": ("GET", "/custom/files/{file}/content?integrated_account_id={account}"),
    "proxy": ("POST", "/proxy/files/content?integrated_account_id={account}&id={file}"),
}
FRAMINGS = ("sized", "chunked")


@pytest.mark.parametrize("way", WAYS if IS_FULL else ["passthrough-chunked", "proxy-once"])
def test_an_upload_goes_through_without_being_held(place: Place, way: str) -> None:
    with place.holding_little():
        uploaded(place, way)
    assert place.vendor.bodies == [whole()]


@pytest.mark.parametrize("way", ["passthrough", "proxy"])
def test_an_upload_waits_for_a_vendor_that_does_not_read(place: Place, way: str) -> None:
    place.vendor.may_read.clear()
    is_stuck = threading.Event()
    sending = threading.Thread(target=uploaded, args=(place, way), kwargs={"is_stuck": is_stuck})
    with place.holding_little():
        sending.start()
        try:
            assert is_stuck.wait(PATIENCE_SECONDS)
        finally:
            place.vendor.may_read.set()
            sending.join(PATIENCE_SECONDS)
    assert place.vendor.bodies == [whole()]


@pytest.mark.parametrize(
    ("way", "framing"),
    list(itertools.product(DOWNLOADS, FRAMINGS)) if IS_FULL else [("passthrough", "chunked"), ("proxy", "sized")],
)
def test_a_download_goes_through_without_being_held(place: Place, way: str, framing: str) -> None:
    with place.holding_little():
        got = downloaded(place, way, f"{framing}-{SIZE}")
    assert got == whole()


def test_a_download_waits_for_a_client_that_does_not_read(place: Place) -> None:
    with place.holding_little():
        got = downloaded(place, "passthrough", f"sized-{SIZE}", until=place.vendor.is_stuck)
    assert got == whole()


@cache
def whole() -> tuple[int, str]:
    return Counted(blocks(SIZE)).told()


def uploaded(place: Place, way: str, *, size: int = SIZE, is_stuck: threading.Event | None = None) -> None:
    """`is_stuck` is set when the gateway takes nothing more, or has taken all."""
    is_stuck = is_stuck or threading.Event()
    path, kind = WAYS[way]
    body, content_type = form(("purpose", "user_data"), ("file", "a.bin", "application/octet-stream", b"%%"))
    before, _, after = body.partition(b"%%") if "form" in kind else (b"", b"", b"")
    sent = {"content-type": content_type if "form" in kind else "application/octet-stream"}
    if kind == "chunked":
        sent["transfer-encoding"] = kind
    else:
        sent["content-length"] = str(len(before) + size + len(after))
    if "once" in kind:
        sent["idempotency-key"] = f"once-{size}"
    connection = place.opened("POST", path.format(account=place.account_id), sent)
    for piece in itertools.chain([before], blocks(size), [after]):
        framed = b"%x\r\n%s\r\n" % (len(piece), piece) if kind == "chunked" and piece else piece
        send_until_stuck(connection.sock, framed, is_stuck)
    connection.send(b"0\r\n\r\n" if kind == "chunked" else b"")
    is_stuck.set()
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, MADE)
    connection.close()


def downloaded(place: Place, way: str, file: str, *, until: threading.Event | None = None) -> tuple[int, str]:
    """(bytes, SHA-256) of what came. `until`: the answer is not read before."""
    verb, path = DOWNLOADS[way]
    connection = place.opened(verb, path.format(account=place.account_id, file=file), {"content-length": "0"})
    if until is not None:
        assert until.wait(PATIENCE_SECONDS)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read(1000)
    got = Counted(iter(lambda: answer.read(MEGABYTE), b"")).told()
    connection.close()
    return got
