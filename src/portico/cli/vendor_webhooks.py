"""`portico webhooks register` and its kin: have a vendor send an account's events to Portico."""

import sys
from typing import Annotated

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import say, say_json, say_record

Account = Annotated[str, Parameter(help="The integrated account's id.")]
Types = Annotated[
    list[str] | None,
    Parameter(
        name="--event",
        negative="",
        help="A type in the vendor's words (batch.completed); repeat for several. Left out: all that end a job.",
    ),
]
Secret = Annotated[
    str,
    Parameter(
        help="You made the endpoint at the vendor by hand: what it signs with; `-` reads it from standard input.",
        show_default=False,
        allow_leading_hyphen=True,
    ),
]


def register(
    account: Account,
    *,
    event: Types = None,
    secret: Secret = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Have the vendor send an account's events here: made through the vendor's own API."""
    body: dict[str, object] = {"event_types": event or []}
    if given := _read(secret):
        body["secret"] = given
    made = Api(url, token).post(f"/integrated-account/{account}/vendor-webhook", body)
    if json:
        say_json(made)
    else:
        told = ", ".join(made["event_types"]) or "whatever was chosen there"
        say(f"The vendor sends {told} to {made['url']}")


def registered(account: Account, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """What an account's vendor was asked to send, and when it last did."""
    found = Api(url, token).get(f"/integrated-account/{account}/vendor-webhook")
    say_json(found) if json else say_record(found)


def renew(account: Account, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """Have the vendor sign with a new secret. Portico takes both for a day."""
    found = Api(url, token).post(f"/integrated-account/{account}/vendor-webhook/rotate")
    say_json(found) if json else say(f"The vendor signs what it sends to {found['url']} with a new secret.")


def sample(
    account: Account,
    *,
    event: Annotated[str, Parameter(help="Its type; left out, the first that was asked for.")] = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Have the vendor send a sample now."""
    body = {"event_type": event} if event else {}
    said = Api(url, token).post(f"/integrated-account/{account}/vendor-webhook/test", body)
    say_json(said) if json else say_record(said["vendor_answer"])


def unregister(account: Account, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """Have the vendor send nothing any more."""
    gone = Api(url, token).delete(f"/integrated-account/{account}/vendor-webhook")
    say_json(gone) if json else say(f"The vendor sends nothing more to {gone['url']}")


def _read(text: str) -> str:
    return sys.stdin.readline().strip() if text == "-" else text
