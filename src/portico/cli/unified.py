"""`portico unified`: the Unified API from a terminal, one shape for every vendor."""

from typing import Annotated, Any

from cyclopts import Parameter

from portico.cli.api import AccountOption, Api, JsonOption, TokenOption, UrlOption, account_of
from portico.cli.call import as_text, say
from portico.cli.say import say_table
from portico.cli.sending import VALUES_HELP, read_values

Model = Annotated[str, Parameter(help="As `portico unified models` shows it.")]
Resource = Annotated[str, Parameter(help="A resource of the model.")]
Identity = Annotated[str, Parameter(help="The record's id; none where there is only one record.")]
Filters = Annotated[str, Parameter(help=f"Filters, limit, next_cursor, sort_by. {VALUES_HELP}")]
Values = Annotated[str, Parameter(help=f"The record's fields; id=… names the record. {VALUES_HELP}")]
_VERBS = {"create": "POST", "update": "PATCH", "delete": "DELETE"}


def models(
    *, account: AccountOption = "", json: JsonOption = False, url: UrlOption = "", token: TokenOption = ""
) -> None:
    """List the unified models that an account has, with their resources and methods."""
    api = Api(url, token)
    answer = api.get(f"/integrated-account/{account_of(api, account)}/capabilities", type="unified")
    rows: list[Any] = answer["unified"]
    if json:
        say({"result": rows}, json=True)
        return
    told = [(row["model"], row["resource"], ", ".join(row["methods"]), row["description"]) for row in rows]
    say_table(("model", "resource", "methods", "description"), told, "This account has no unified models.")


def list_(
    model: Model,
    resource: Resource,
    *filters: Filters,
    account: AccountOption = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """List records, for example `portico unified list user-directory users status=active limit=5`."""
    _read(Api(url, token), f"/unified/{model}/{resource}", account, filters, json=json)


def get(
    model: Model,
    resource: Resource,
    id: Identity = "",
    *,
    account: AccountOption = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Show one record, for example `portico unified get user-directory me`."""
    path = f"/unified/{model}/{resource}" + (f"/{id}" if id else "")
    _read(Api(url, token), path, account, (), json=json)


def call(
    model: Model,
    resource: Resource,
    method: Annotated[str, Parameter(help="create, update, delete, or one of the resource's own.")],
    *values: Values,
    account: AccountOption = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Change something, for example `portico unified call user-directory users assign_role id=user-1 role_id=owner`."""
    api, body = Api(url, token), read_values(values)
    path = f"/unified/{model}/{resource}"
    if method in _VERBS:
        path += f"/{body.pop('id')}" if body.get("id") else ""
    else:
        path += f"/{method}"
    query = {"integrated_account_id": account_of(api, account)} | ({} if json else _WITHOUT_REMOTE)
    sent = None if method == "delete" else body
    say(api.send(_VERBS.get(method, "POST"), path, body=sent, query=query), json=json)


_WITHOUT_REMOTE: dict[str, Any] = {"truto_ignore_remote_data": "true"}


def _read(api: Api, path: str, account: str, filters: tuple[str, ...], *, json: bool) -> None:
    """The vendor's own record is left out of tables, where it would be most of what is seen."""
    query = {"integrated_account_id": account_of(api, account)} | ({} if json else _WITHOUT_REMOTE)
    query |= {name: as_text(value) for name, value in read_values(filters).items()}
    say(api.get(path, **query), json=json)
