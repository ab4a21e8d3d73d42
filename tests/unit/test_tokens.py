"""Tokens: unguessable, recognisable, and turned away before any look-up when they are not ours."""

import hashlib
import hmac
import itertools
import string
import zlib
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.vault import tokens
from portico.vault.tokens import TokenKind

KINDS: tuple[TokenKind, ...] = get_args(TokenKind)
BASE62 = set(string.ascii_letters + string.digits)


def test_a_hundred_thousand_tokens_are_all_different() -> None:
    made = {tokens.make("api") for _ in range(100_000)}
    assert len(made) == 100_000


@pytest.mark.parametrize("kind", KINDS)
def test_token_says_its_kind_and_has_one_length(kind: TokenKind) -> None:
    made = [tokens.make(kind) for _ in range(200)]
    assert {len(token) for token in made} == {len(f"ptc_{kind}_") + 43 + 6}
    assert all(token.startswith(f"ptc_{kind}_") for token in made)
    assert all(set(token.rpartition("_")[2]) <= BASE62 for token in made)
    assert all(tokens.is_well_formed(token) for token in made)


def test_every_random_character_takes_many_values() -> None:
    bodies = [tokens.make("api").rpartition("_")[2][:43] for _ in range(2000)]
    # The first one is the most significant digit of 256 bits in base 62, so it has fewer values than the others.
    assert all(len({body[place] for body in bodies}) > 50 for place in range(1, 43))


def test_any_changed_character_is_noticed() -> None:
    token = tokens.make("mcp")
    for place in range(len(token)):
        for other in ("0", "z", "-", "_", " "):
            if token[place] != other:
                assert not tokens.is_well_formed(token[:place] + other + token[place + 1 :]), place


def test_swapped_neighbours_are_noticed() -> None:
    token = tokens.make("api")
    for place in range(8, len(token) - 1):
        if token[place] != token[place + 1]:
            swapped = token[:place] + token[place + 1] + token[place] + token[place + 2 :]
            assert not tokens.is_well_formed(swapped)


def _with_checksum(stem: str) -> str:
    number, digits = zlib.crc32(stem.encode("utf-8", "surrogateescape")), ""
    alphabet = string.digits + string.ascii_uppercase + string.ascii_lowercase
    while number:
        number, rest = divmod(number, 62)
        digits = alphabet[rest] + digits
    return stem + digits.rjust(6, "0")


def test_the_checksum_of_this_test_is_the_right_one() -> None:
    token = tokens.make("api")
    assert _with_checksum(token[:-6]) == token


HOSTILE = {
    "nothing": "",
    "blank": " ",
    "prefix only": "ptc_",
    "no body": _with_checksum("ptc_api_"),
    "no kind": _with_checksum("ptc__" + "a" * 43),
    "short body": _with_checksum("ptc_api_" + "a" * 42),
    "long body": _with_checksum("ptc_api_" + "a" * 44),
    "megabyte": _with_checksum("ptc_api_" + "a" * 1_000_000),
    "other prefix": _with_checksum("pat_api_" + "a" * 43),
    "capital prefix": _with_checksum("PTC_api_" + "a" * 43),
    "blank in front": " " + tokens.make("api"),
    "blank behind": tokens.make("api") + " ",
    "line end": tokens.make("api") + "\n",
    "nul": tokens.make("api")[:-1] + "\0",
    "umlaut": _with_checksum("ptc_api_" + "ä" + "a" * 42),
    "full-width digit": _with_checksum("ptc_api_" + "\uff11" + "a" * 42),
    "surrogate": "ptc_api_" + "\udc80" + "a" * 48,
    "sql": "' OR 1=1 --",
    "sql in the body": _with_checksum("ptc_api_" + "' OR 1=1 --".ljust(43, "a"))[:-1] + "!",
    "vendor's key": "sk-proj-" + "a" * 48,
    "two tokens": tokens.make("api") + tokens.make("api"),
    "bearer twice": f"Bearer {tokens.make('api')}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_strings_are_not_well_formed(text: str) -> None:
    assert not tokens.is_well_formed(text)
    assert len(tokens.digest(text, b"pepper")) == 32  # and can still be digested, whatever they hold


@given(st.text())
def test_no_text_at_all_makes_the_parser_fail(text: str) -> None:
    assert not tokens.is_well_formed(text)


@given(st.text(alphabet=string.ascii_letters + string.digits, min_size=43, max_size=43), st.sampled_from(KINDS))
def test_well_formed_is_what_carries_its_own_checksum(body: str, kind: TokenKind) -> None:
    assert tokens.is_well_formed(_with_checksum(f"ptc_{kind}_{body}"))


def test_digest_is_keyed_and_depends_on_every_part() -> None:
    token = tokens.make("api")
    digests = {tokens.digest(text, pepper) for text, pepper in itertools.product((token, token[:-1]), (b"a", b"b"))}
    assert len(digests) == 4
    assert tokens.digest(token, b"a") == hmac.new(b"a", token.encode(), hashlib.sha256).digest()
    assert tokens.digest(token, b"a") != hashlib.sha256(token.encode()).digest()
