"""Webhook signatures: the published vector, another library's opinion, and every way in which a message is refused."""

import base64
import hashlib
import hmac

import pytest
from openai import InvalidWebhookSignatureError, OpenAI

from portico.vault import signatures
from portico.vault.signatures import SecretMalformed, Signed, is_signed

# The vector that the reference libraries of Standard Webhooks share.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, SECONDS, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
RIGHT = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
GOOD = Signed(MESSAGE, str(SECONDS), RIGHT, BODY)


def test_signature_equals_the_published_vector() -> None:
    assert signatures.sign(SECRET, MESSAGE, SECONDS, BODY) == RIGHT


def test_the_official_client_of_a_vendor_accepts_what_we_sign() -> None:
    client = OpenAI(api_key="unused")
    secret = signatures.make_secret()
    body = b'{"id":"evt_1","object":"event","type":"batch.completed","created_at":1,"data":{"id":"batch_1"}}'
    headers = {
        "webhook-id": MESSAGE,
        "webhook-timestamp": str(SECONDS),
        "webhook-signature": signatures.sign(secret, MESSAGE, SECONDS, body),
    }
    client.webhooks.verify_signature(body, headers, secret=secret, tolerance=10**9)
    with pytest.raises(InvalidWebhookSignatureError):
        client.webhooks.verify_signature(body + b" ", headers, secret=secret, tolerance=10**9)


@pytest.mark.parametrize("seconds", [SECONDS, SECONDS + 300, SECONDS - 300])
def test_message_is_taken_within_five_minutes(seconds: int) -> None:
    assert is_signed(SECRET, GOOD, seconds)


@pytest.mark.parametrize(
    "signatures_sent",
    [RIGHT, f"v1,{'A' * 43}= {RIGHT}", f"{RIGHT} v1a,somethingelse", f"v2,whatever {RIGHT}"],
)
def test_any_of_several_signatures_is_enough(signatures_sent: str) -> None:
    assert is_signed(SECRET, GOOD._replace(signatures=signatures_sent), SECONDS)


REFUSED = {
    "body": (GOOD._replace(body=BODY + b" "), SECONDS),
    "id": (GOOD._replace(message_id="msg_other"), SECONDS),
    "no id": (GOOD._replace(message_id=""), SECONDS),
    "endless id": (GOOD._replace(message_id="m" * 256), SECONDS),
    "time": (GOOD._replace(timestamp=str(SECONDS + 1)), SECONDS),
    "too old": (GOOD, SECONDS + 301),
    "too early": (GOOD, SECONDS - 301),
    "no time": (GOOD._replace(timestamp=""), SECONDS),
    "time in words": (GOOD._replace(timestamp="now"), SECONDS),
    "negative time": (GOOD._replace(timestamp=f"-{SECONDS}"), SECONDS),
    "time in other digits": (GOOD._replace(timestamp="١٦١٤٢٦٥٣٣٠"), SECONDS),
    "endless time": (GOOD._replace(timestamp="1" * 5000), SECONDS),
    "no signature": (GOOD._replace(signatures=""), SECONDS),
    "signature without its version": (GOOD._replace(signatures=RIGHT.removeprefix("v1,")), SECONDS),
    "signature cut short": (GOOD._replace(signatures=RIGHT[:-1]), SECONDS),
    "strange characters": (GOOD._replace(signatures="v1,\udcffé"), SECONDS),
    "right one behind too many others": (GOOD._replace(signatures=" ".join(["v1,x"] * 20 + [RIGHT])), SECONDS),
}


@pytest.mark.parametrize(("signed", "seconds"), REFUSED.values(), ids=REFUSED)
def test_message_is_refused(signed: Signed, seconds: int) -> None:
    assert not is_signed(SECRET, signed, seconds)


def test_signature_of_another_secret_is_refused() -> None:
    assert not is_signed(signatures.make_secret(), GOOD, SECONDS)


def test_secrets_are_long_and_never_the_same() -> None:
    made = {signatures.make_secret() for _ in range(50)}
    assert len(made) == 50
    assert {len(signatures.key_of(each)) for each in made} == {32}


@pytest.mark.parametrize("secret", ["whsec_", "whsec_not base64", "whsec_äöü", ""])
def test_malformed_secret_is_refused(secret: str) -> None:
    with pytest.raises(SecretMalformed):
        signatures.key_of(secret)


def test_secret_without_its_prefix_is_the_same_key() -> None:
    assert signatures.key_of(SECRET.removeprefix("whsec_")) == base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def test_the_references_header_is_an_hmac_of_the_body_with_the_secrets_text() -> None:
    expected = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
    assert signatures.sign_body(SECRET, BODY) == f"format=sha256,v={expected}"
