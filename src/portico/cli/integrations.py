"""`portico integrations …`: the vendors that this environment has, and what is said of their methods."""

from typing import Annotated, Any

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import Unhappy, say_json, say_record, say_table

Json = dict[str, Any]
Name = Annotated[str, Parameter(help="The integration's name, such as openai.")]
Resource = Annotated[str, Parameter(help="Only what is said of this resource.")]
Method = Annotated[str, Parameter(help="Only what is said of methods of this name.")]
_MOST_LETTERS = 100


def list_(*, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """List the integrations that came with Portico, and those that the environment has brought."""
    found = list(Api(url, token).pages("/integration"))
    if json:
        say_json(found)
        return
    rows = [(each["name"], each["label"], each["category"], _origin(each), each["version"]) for each in found]
    say_table(("name", "label", "category", "from", "version"), rows, "There is no integration.")


def show(name: Name, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """Show one integration: where it calls, which keys it takes, what it can do. `--json`: its whole definition."""
    api = Api(url, token)
    found = _found(api, name)
    if json:
        say_json(found)
        return
    able = api.get(f"/integration/{found['id']}/capabilities", has_description=False)
    methods = sum(len(each["methods"]) for each in able["proxy"])
    say_record(
        {
            "name": found["name"],
            "label": found["label"],
            "category": found["category"],
            "from": _origin(found),
            "version": found["version"],
            "calls": found["config"].get("base_url"),
            "takes": ", ".join(each["name"] for each in able["auth"]["fields"]),
            "can": f"{methods} methods of {len(able['proxy'])} resources",
            "unified": ", ".join(f"{each['model']}/{each['resource']}" for each in able["unified"]),
        }
    )


def texts(
    name: Name,
    *,
    resource: Resource = "",
    method: Method = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """List what the definition says of its methods, and what the environment says instead (`/documentation`)."""
    api = Api(url, token)
    wanted = {"integration_id": _found(api, name)["id"], "resource": resource, "method": method}
    found = list(api.pages("/documentation", **wanted))
    if json:
        say_json(found)
        return
    rows = [
        (each["resource"], each["method"], each["type"], "environment" if each["created_at"] else "definition",
         " ".join(each["content"].split())[:_MOST_LETTERS])
        for each in found
    ]  # fmt: skip
    say_table(("resource", "method", "type", "from", "says"), rows, "Nothing is said.")


def _found(api: Api, name: str) -> Json:
    found = next((each for each in api.pages("/integration") if name in {each["name"], each["id"]}), None)
    if found is None:
        raise Unhappy(f"There is no integration {name!r}; `portico integrations list` shows those that there are.")
    return found


def _origin(found: Json) -> str:
    return "environment" if found["created_at"] else "Portico"
