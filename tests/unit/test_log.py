"""The one rule by which secrets are kept out of logs, whatever shape they come in."""

import io
import json
import logging
import os
import sys
from collections.abc import Generator
from contextlib import suppress
from typing import Any

import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st

from portico.cli.say import complain
from portico.log import HIDDEN, Redacting, RedactingJson, about, configure, facts, logger, redact
from portico.vault import tokens

CANARY = "CANARYcanary0123456789"
TOKEN = tokens.make("api")
LINES = {
    "project key": f"key is sk-proj-{CANARY}",
    "service account's key": f"sk-svcacct-{CANARY}_x-y",
    "user's key": f"(sk-{CANARY})",
    "admin key in a URL": f"https://api.example/v1?key=sk-admin-{CANARY}&x=1",
    "bearer": f"Authorization: Bearer {CANARY}",
    "bearer in small letters": f"authorization: bearer {CANARY}",
    "basic": f"Authorization: Basic {CANARY}==",
    "address of a server": f"POST /mcp/{CANARY} failed",
    "address of a server with more behind it": f"https://h/mcp/{CANARY}/x?y=1",
    "api token": f"token ptc_api_{CANARY}",
    "account token in a query": f"/connect?link_token=ptc_link_{CANARY}",
    "file link": f"GET /file/ptc_file_{CANARY} 200",
    "several": f"sk-proj-{CANARY}, Bearer {CANARY} and ptc_acc_{CANARY}",
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_what_looks_like_a_secret_is_hidden_wherever_it_stands(line: str) -> None:
    shown = redact(line)
    assert CANARY not in shown
    assert HIDDEN in shown


SECRET_NAMES = [
    "api_key", "apikey", "X-Api-Key", "admin_key", "key", "Authorization", "password", "client_secret", "access_token",
    "token", "Cookie", "set-cookie", "credentials",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize("value", [CANARY, CANARY.encode(), [CANARY], {"inner": CANARY}, (CANARY,)], ids=type)
def test_what_has_a_secrets_name_is_hidden_whatever_it_is(name: str, value: Any) -> None:
    assert CANARY not in str(redact({name: value}))


PIECES = [
    "sk-",
    "SK-",
    "proj-",
    "admin-",
    "ptc_",
    "api_",
    "/mcp/",
    "/",
    "whsec_",
    "bEaReR",
    "Basic",
    "BASIC",
    " ",
    "x9",
    "é",
    ";",
]


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=8))
@example(["sk-", "x9x9x9"])
@example(["ptc_", "api_", "x9"])
@example(["/mcp/", "x9"])
@example(["whsec_", "x9"])
@example(["bEaReR", " ", "x9"])
@example(["bearer", " ", "x9"])
@example(["Basic", " ", "x9"])
@example(["BASIC", " ", "x9"])
def test_nothing_is_passed_over_because_it_looks_harmless(pieces: list[str]) -> None:
    text = "".join(pieces)
    for before in ("c ", "r "):  # with either of them in front it has to be looked at closely
        assert redact(before + text) == before + redact(text)


def test_what_is_no_secret_stays_readable() -> None:
    event = {"event": "call", "tokens": 12, "status": 401, "token_limit": 5, "path": "/v1/files", "keyboard": "qwerty",
             "ratio": 0.5, "ok": True, "none": None, "list": ["a", 1]}  # fmt: skip
    assert redact(event) == event
    sentence = "needs the admin API key (it starts with sk-admin-), or sk-proj- or sk-svcacct-."
    assert redact(sentence) == sentence


def test_the_kind_of_a_secret_stays_visible() -> None:
    assert redact(f"sk-proj-{CANARY}") == f"sk-proj{HIDDEN}"
    assert redact(TOKEN) == f"ptc_api_{HIDDEN}"
    assert redact(f"/mcp/{CANARY}?x") == f"/mcp/{HIDDEN}?x"


class Holder:
    """Something whose picture in the log is its repr."""

    def __repr__(self) -> str:
        return f"Holder(sk-proj-{CANARY})"


@pytest.mark.parametrize(
    "value",
    [Holder(), {"deep": [{"er": (Holder(),)}]}, ValueError(f"Bearer {CANARY}"), f"sk-proj-{CANARY}".encode(),
     {f"sk-proj-{CANARY}": 1}, {f"ptc_api_{CANARY}"}],
    ids=["object", "nested", "exception", "bytes", "key of a mapping", "set"],
)  # fmt: skip
def test_secrets_inside_other_things_are_hidden(value: Any) -> None:
    assert CANARY not in str(redact(value))


@given(
    st.recursive(
        st.none() | st.text() | st.integers() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_anything_can_be_redacted_and_written_as_json(value: Any) -> None:
    json.dumps(redact(value))


@pytest.fixture
def configuration() -> Generator[None]:
    """The configuration of the log, put back afterwards."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.usefixtures("configuration")
def test_lines_and_tracebacks_leave_redacted(capsys: pytest.CaptureFixture[str], style: str) -> None:
    configure("info", style)
    log = logger("test")
    log.info("calling", url=f"https://h/mcp/{CANARY}", headers={"authorization": f"Bearer {CANARY}"}, caller=Holder())
    try:
        raise ValueError(f"refused sk-admin-{CANARY}")
    except ValueError as problem:
        log.exception("failed", problem=problem)
        log.error("failed again", exc_info=problem)
    text = capsys.readouterr().err
    assert "calling" in text
    assert text.count("ValueError") >= 2
    assert "Traceback" in text
    assert CANARY not in text
    if style == "json":
        assert [json.loads(line)["level"] for line in text.splitlines()] == ["info", "error", "error"]


@pytest.mark.usefixtures("configuration")
def test_quieter_levels_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure("warning", "json")
    log = logger("test")
    log.info("not this")
    log.warning("but this")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["but this"]


def test_what_libraries_log_is_redacted_too() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(Redacting("%(levelname)s %(name)s %(message)s"))
    log = logging.Logger("library")
    log.addHandler(handler)
    try:
        raise RuntimeError(f"Bearer {CANARY}")
    except RuntimeError:
        log.exception("for %s", f"ptc_mcp_{CANARY}")
    assert "RuntimeError" in written.getvalue()
    assert CANARY not in written.getvalue()


def test_what_libraries_log_is_json_too_where_json_is_wanted_and_says_which_request_it_was() -> None:
    record = logging.LogRecord("uvicorn.error", logging.WARNING, "x.py", 1, "refused %s", (f"sk-proj-{CANARY}",), None)
    try:
        about(request_id="r-1")
        line = json.loads(RedactingJson().format(record))
    finally:
        about(request_id="", trace_id="")
    assert (line["part"], line["level"], line["request_id"]) == ("uvicorn.error", "warning", "r-1")
    assert line["event"].startswith("refused sk-proj")
    assert CANARY not in str(line)
    assert line["timestamp"].endswith("Z")


def test_a_request_without_a_trace_does_not_keep_the_last_ones() -> None:
    try:
        about(request_id="r-1", trace_id="t-1")
        assert facts() == {"request_id": "r-1", "trace_id": "t-1"}
        about(request_id="r-2", trace_id="")
        assert facts() == {"request_id": "r-2"}
    finally:
        about(request_id="", trace_id="")


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.usefixtures("configuration")
def test_a_log_that_cannot_be_written_costs_a_line_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, style: str
) -> None:
    """The disk may be full, or whoever read the pipe be gone: the tasks that say so must go on."""
    reading, unread = os.pipe()
    os.close(reading)
    for sink in (os.fdopen(os.open("/dev/full", os.O_WRONLY), "w"), os.fdopen(unread, "w")):
        monkeypatch.setattr(sys, "stderr", sink)
        configure("info", style)
        logger("full").warning("something", reason="x" * 20_000)
        complain("something")
        with suppress(OSError):
            sink.close()
        logger("full").warning("something more")
