"""`portico link …`: links by which customers connect their accounts themselves."""

from base64 import b64encode
from mimetypes import guess_type
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import Unhappy, say, say_json, say_record

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
Name = Annotated[str | None, Parameter(help='Your name, shown above the page; "" for none.')]
Color = Annotated[str | None, Parameter(help='Colour of buttons and links, such as #0b5a62; "" for Portico\'s own.')]
Paper = Annotated[str | None, Parameter(help='Colour around the page, such as #f5f6f4; "" for Portico\'s own.')]
LogoFile = Annotated[str | None, Parameter(help='A PNG, JPEG or WebP file of at most 96 kB; "" for none.')]


def page(
    *,
    allow: Allow = None,
    forbid: Forbid = None,
    name: Name = None,
    color: Color = None,
    paper: Paper = None,
    logo: LogoFile = None,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Show what the page is like that links lead to, or change it: only what is given changes."""
    api = Api(url, token)
    found = api.get("/link-page")
    body: dict[str, object] = {"name": name, "main_color": color, "paper_color": paper}
    body["logo"] = None if logo is None else _picture(logo)
    if allow or forbid:
        body["allowed_origins"] = [
            each for each in (*found["allowed_origins"], *(allow or ())) if each not in (forbid or ())
        ]
    if changes := {field: value for field, value in body.items() if value is not None}:
        found = api.patch("/link-page", changes)
    say_json(found) if json else say_record(found)


def _picture(path: str) -> str:
    """The file as a data: address; what it really is, the gateway looks for itself."""
    if not path:
        return ""
    try:
        content = Path(path).read_bytes()
    except OSError as problem:
        raise Unhappy(f"{path} cannot be read: {problem.strerror}.") from None
    kind = guess_type(path)[0] or "application/octet-stream"
    return f"data:{kind};base64,{b64encode(content).decode()}"
