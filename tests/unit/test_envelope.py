"""Sealed values: they open in their own place, under their own key, with every bit as it was, and nowhere else."""

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.vault import envelope
from portico.vault.envelope import CannotOpen, DataKey, KeyMalformed, LocalRoot, Place

PLACE = Place("account context", "environment-1", "accounts.sealed:1")
SECRET = b'{"api_key":"sk-proj-very-secret"}'


def make_key() -> DataKey:
    return DataKey(*envelope.new_data_key())


@given(plain=st.binary(max_size=2000), purpose=st.text(), environment=st.text(), row=st.text())
def test_what_was_sealed_opens_as_it_was(plain: bytes, purpose: str, environment: str, row: str) -> None:
    key, place = make_key(), Place(purpose, environment, row)
    assert key.open(key.seal(plain, place), place) == plain


def test_any_flipped_bit_is_refused() -> None:
    key = make_key()
    sealed = key.seal(SECRET, PLACE)
    for bit in range(len(sealed) * 8):
        damaged = bytearray(sealed)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CannotOpen):
            # The id of the key stands in clear: a reader looks the key up by it, and finds another or none.
            _open_as_stored(key, bytes(damaged))


def _open_as_stored(key: DataKey, sealed: bytes) -> bytes:
    if envelope.key_id_of(sealed) != key.key_id:
        raise CannotOpen
    return key.open(sealed, PLACE)


def test_any_shortened_or_lengthened_value_is_refused() -> None:
    key = make_key()
    sealed = key.seal(SECRET, PLACE)
    for end in range(len(sealed)):
        with pytest.raises(CannotOpen):
            _open_as_stored(key, sealed[:end])
    for tail in (b"\0", b"x", sealed):
        with pytest.raises(CannotOpen):
            _open_as_stored(key, sealed + tail)


ELSEWHERE = {
    "another row": PLACE._replace(row="accounts.sealed:2"),
    "another environment": PLACE._replace(environment_id="environment-2"),
    "another purpose": PLACE._replace(purpose="replay"),
    "row and environment swapped": Place(PLACE.purpose, PLACE.row, PLACE.environment_id),
    "nowhere": Place("", "", ""),
}


@pytest.mark.parametrize("place", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_a_value_moved_elsewhere_does_not_open(place: Place) -> None:
    key = make_key()
    with pytest.raises(CannotOpen):
        key.open(key.seal(SECRET, PLACE), place)


@given(st.text(), st.text(), st.text(), st.text(), st.text(), st.text())
def test_two_places_never_count_as_one(a: str, b: str, c: str, d: str, e: str, f: str) -> None:
    first, second = Place(a, b, c), Place(d, e, f)
    assert (first.bound() == second.bound()) == (first == second)


def test_places_whose_parts_run_into_each_other_stay_apart() -> None:
    split = [Place("p", "a\x1fb", "c"), Place("p", "a", "b\x1fc"), Place("p\x1fa", "b", "c")]
    assert len({place.bound() for place in split}) == 3


def test_another_key_does_not_open_it() -> None:
    key = make_key()
    sealed = key.seal(SECRET, PLACE)
    for other in (make_key(), DataKey(key.key_id, os.urandom(32))):
        with pytest.raises(CannotOpen):
            other.open(sealed, PLACE)


def test_the_same_value_never_looks_the_same_twice() -> None:
    key = make_key()
    sealed = [key.seal(SECRET, PLACE) for _ in range(2000)]
    start = 1 + envelope.KEY_ID_BYTES
    assert len({each[start : start + envelope.NONCE_BYTES] for each in sealed}) == 2000
    assert len({each[start + envelope.NONCE_BYTES :] for each in sealed}) == 2000


def test_nothing_of_the_value_can_be_read_in_its_sealed_form() -> None:
    sealed = make_key().seal(SECRET * 10, PLACE)
    assert not any(SECRET[start : start + 4] in sealed for start in range(len(SECRET) - 4))


def test_each_purpose_has_a_key_of_its_own() -> None:
    key = os.urandom(32)
    derived = {envelope.derive(key, label) for label in ("seal a", "seal b", "wrap data keys", "token pepper")}
    assert len(derived) == 4
    assert key not in derived
    assert envelope.derive(key, "seal a") in derived  # and always the same one


@pytest.mark.parametrize("text", [b"", b"\x01", b"\x01" + b"x" * 20, b"\x02" + b"x" * 60, b"plain text, not sealed"])
def test_what_is_no_sealed_value_says_so(text: bytes) -> None:
    with pytest.raises(CannotOpen):
        envelope.key_id_of(text)


class TestRoot:
    """The root key, which wraps data keys."""

    async def test_unwraps_what_it_wrapped(self) -> None:
        root, (_, key) = LocalRoot(os.urandom(32)), envelope.new_data_key()
        assert await root.unwrap(await root.wrap(key, b"environment"), b"environment") == key

    async def test_any_flipped_bit_is_refused(self) -> None:
        root, (_, key) = LocalRoot(os.urandom(32)), envelope.new_data_key()
        wrapped = await root.wrap(key, b"environment")
        for bit in range(len(wrapped) * 8):
            damaged = bytearray(wrapped)
            damaged[bit // 8] ^= 1 << bit % 8
            with pytest.raises(CannotOpen):
                await root.unwrap(bytes(damaged), b"environment")

    async def test_a_key_moved_to_another_environment_does_not_unwrap(self) -> None:
        root, (_, key) = LocalRoot(os.urandom(32)), envelope.new_data_key()
        with pytest.raises(CannotOpen):
            await root.unwrap(await root.wrap(key, b"environment-1"), b"environment-2")

    @pytest.mark.parametrize("wrapped", [b"", b"\x01", b"\x01" + b"0" * 12, b"x" * 200])
    async def test_what_is_no_wrapped_key_is_refused(self, wrapped: bytes) -> None:
        with pytest.raises(CannotOpen):
            await LocalRoot(os.urandom(32)).unwrap(wrapped, b"")


RAW = bytes(range(200, 232))
SPELLINGS = {
    "base64": base64.b64encode(RAW).decode(),
    "without padding": base64.b64encode(RAW).decode().rstrip("="),
    "url alphabet": base64.urlsafe_b64encode(RAW).decode(),
    "url alphabet without padding": base64.urlsafe_b64encode(RAW).decode().rstrip("="),
    "hex": RAW.hex(),
    "hex in capitals": RAW.hex().upper(),
    "with a line end": base64.b64encode(RAW).decode() + "\n",
    "between blanks": f"  {RAW.hex()}\t",
}
MALFORMED = {
    "nothing": "",
    "blank": "  \n",
    "a password": "correct horse battery staple",
    "31 bytes": base64.b64encode(RAW[:31]).decode(),
    "33 bytes": base64.b64encode(RAW + b"x").decode(),
    "63 hex digits": RAW.hex()[:63],
    "66 hex digits": RAW.hex() + "00",
    "a blank inside": base64.b64encode(RAW).decode()[:20] + " " + base64.b64encode(RAW).decode()[20:],
    "not ascii": "ä" * 43,
    "one character more than bytes have": "A" * 45,
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_root_key_is_read_in_every_usual_spelling(text: str) -> None:
    assert envelope.parse_root_key(text) == RAW


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_root_key_is_refused(text: str) -> None:
    with pytest.raises(KeyMalformed):
        envelope.parse_root_key(text)


def test_new_root_keys_differ_and_can_be_read() -> None:
    made = {envelope.parse_root_key(envelope.new_root_key()) for _ in range(100)}
    assert len(made) == 100
