"""`portico link …`: links by which customers connect their accounts themselves."""

from typing import Annotated

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import say, say_json, say_record

Tenant = Annotated[str, Parameter(help="Your own id for the customer; left out to connect an account again.")]
Account = Annotated[str, Parameter(help="The id of an account that is to be connected again; it keeps its id.")]
Integration = Annotated[str, Parameter(help="Which vendor; needed where there are several.")]
Keep = Annotated[bool, Parameter(negative="", help="Keep what the account holds and is not given anew.")]
Redirect = Annotated[str, Parameter(help="Where the person is led afterwards: an https:// address.")]


def create(
    tenant: Tenant = "",
    *,
    account: Account = "",
    integration: Integration = "",
    keep: Keep = False,
    redirect: Redirect = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Make a link that works once, within seven days; it is shown this once."""
    body = {"tenant_id": tenant, "integrated_account_id": account, "integration": integration}
    sent: dict[str, object] = {name: text for name, text in (body | {"redirect_uri": redirect}).items() if text}
    made = Api(url, token).post("/link-token", sent | ({"persist_previous_context": True} if keep else {}))
    say_json(made) if json else say(made["url"])


Allow = Annotated[
    list[str] | None,
    Parameter(
        name="--allow", negative="",
        help="A site that may show the page, such as https://app.example; repeat for several; added to the others.",
    ),
]  # fmt: skip
Forbid = Annotated[
    list[str] | None, Parameter(name="--forbid", negative="", help="A site that may no longer show the page.")
]


def page(
    *,
    allow: Allow = None,
    forbid: Forbid = None,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Show what the page is like that links lead to, or change it: only what is given changes."""
    api = Api(url, token)
    found = api.get("/link-page")
    if allow or forbid:
        kept = [each for each in (*found["allowed_origins"], *(allow or ())) if each not in (forbid or ())]
        found = api.patch("/link-page", {"allowed_origins": kept})
    if json:
        say_json(found)
        return
    say_record(found)
