"""`portico unified override …`: what an account or a whole environment changes about the unified mappings."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from portico.cli.api import AccountOption, Api, JsonOption, TokenOption, UrlOption, account_of
from portico.cli.call import as_text
from portico.cli.say import Unhappy, say, say_json, say_table
from portico.cli.sending import VALUES_HELP, read_values
from portico.cli.unified import Model, Resource
from portico.shapes import NotJson, decode, is_record

File = Annotated[
    str,
    Parameter(
        help='A file of JSON, {"model": {"resource": {"method or every": change}}}; `-` reads standard input.',
        allow_leading_hyphen=True,
    ),
]
Everybody = Annotated[
    str,
    Parameter(
        name="--integration",
        help="An integration's name, such as openai: the override of its environment, for all accounts, not of one.",
    ),
]
Version = Annotated[str, Parameter(help="As `portico unified versions` shows it; 0 is before there was any.")]
AtVersion = Annotated[
    int | None, Parameter(help="One that `portico unified versions` shows, instead of the one that counts.")
]
Record = Annotated[str, Parameter(name="--record", help="The id of one record; without it the first of a list.")]
Level = Annotated[
    Literal["account", "environment"],
    Parameter(help="In whose override's place it is tried.", show_default=True),
]
Json = dict[str, Any]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Whose:
    """Whose override: an account's, or a whole environment's."""

    integration: Everybody = ""
    account: AccountOption = ""

    def place(self, api: Api) -> str:
        if not self.integration:
            return f"/integrated-account/{account_of(api, self.account)}"
        if self.account:
            raise Unhappy("Give --account or --integration, not both.")
        installed = {each["integration"]["name"]: each["id"] for each in api.pages("/environment-integration")}
        if self.integration not in installed:
            there = ", ".join(sorted(installed)) or "none"
            raise Unhappy(f"The integration {self.integration!r} is not installed here; installed: {there}.")
        return f"/environment-integration/{installed[self.integration]}"


_THE_ONE = Whose()


def override(
    *,
    version: AtVersion = None,
    whose: Whose = _THE_ONE,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Print an override of the unified mappings, as `portico unified change` takes it."""
    api = Api(url, token)
    place = whose.place(api)
    say_json(api.get(f"{place}/unified-override", version=version)["override"])


def change(
    file: File,
    *,
    whose: Whose = _THE_ONE,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Put an override in the place of the one before. Try it first with `portico unified test`."""
    api = Api(url, token)
    place = whose.place(api)
    api.patch(place, {"unified_model_override": _read(file)})
    _say_current(api.get(f"{place}/unified-override"), json=json)


def try_out(
    model: Model,
    resource: Resource,
    file: File,
    *filters: Annotated[str, Parameter(help=f"Filters, and limit: how many records. {VALUES_HELP}")],
    record: Record = "",
    level: Level = "account",
    account: AccountOption = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> int:
    """Try an override on live records: how they are now, how they would be. Nothing is kept; 1 where it fails."""
    api, query = Api(url, token), {name: as_text(each) for name, each in read_values(filters).items()}
    path = f"/integrated-account/{account_of(api, account)}/unified-override/test"
    body: Json = {"override": _read(file), "model": model, "resource": resource, "record_id": record, "level": level}
    limit = query.pop("limit", "5")
    if not limit.isdecimal():
        raise Unhappy(f"limit is {limit!r}; it is a number of records.")
    body |= {"query": query, "limit": int(limit)}
    tried = api.post(path, body)
    problem = tried["after"].get("error")
    if json:
        say_json(tried)
    elif problem:
        raise Unhappy(problem["message"])
    elif tried["before"].get("error"):
        say(f"Now it fails: {tried['before']['error']['message']}")
        say_json(tried["after"]["result"])
    else:
        rows = [(each.pop("id"), *_told(each)) for each in tried["difference"]]
        count = len(tried["after"]["result"])
        empty = f"Nothing would change in {count} record{'' if count == 1 else 's'}."
        say_table(("record", "what", "how", "before", "after"), rows, empty)
    return 1 if problem else 0


def versions(
    *,
    whose: Whose = _THE_ONE,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """List the versions of an override, newest first. The last fifty are kept."""
    api = Api(url, token)
    place = whose.place(api)
    found = list(api.pages(f"{place}/unified-override/version"))
    if json:
        say_json(found)
        return
    rows = [
        (
            each["version"],
            "yes" if each["is_current"] else "",
            each["created_at"],
            each["changed_by_name"],
            each["restored_from"],
        )
        for each in found
    ]
    say_table(("version", "counts", "made", "by", "put back from"), rows, "It was never changed.")


def difference(
    from_version: Annotated[int | None, Parameter(help="Without it, the one before the other.")] = None,
    to_version: Annotated[int | None, Parameter(help="Without it, the one that counts.")] = None,
    *,
    whose: Whose = _THE_ONE,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Show what two versions of an override differ in."""
    api = Api(url, token)
    place = whose.place(api)
    found = api.get(f"{place}/unified-override/difference", from_version=from_version, to_version=to_version)
    if json:
        say_json(found)
        return
    empty = f"Versions {found['from_version']} and {found['to_version']} are the same."
    say_table(("what", "how", "before", "after"), [_told(each) for each in found["difference"]], empty)


def restore(
    version: Version,
    *,
    whose: Whose = _THE_ONE,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Roll an override back to a version. That is a new version, and can be rolled back, too."""
    api = Api(url, token)
    place = whose.place(api)
    if not version.isdecimal():
        raise Unhappy(f"{version!r} is no version; `portico unified versions` lists them.")
    _say_current(api.post(f"{place}/unified-override/restore", {"version": int(version)}), json=json)


def _say_current(shown: Json, *, json: bool) -> None:
    if json:
        say_json(shown)
    else:
        origin = f", put back from version {shown['restored_from']}" if shown["restored_from"] is not None else ""
        say(f"Version {shown['version']} counts now{origin}.")


def _read(file: str) -> Json:
    """The override in a file. A whole account's or integration's JSON is told apart by the API."""
    try:
        content = sys.stdin.read() if file == "-" else Path(file).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise Unhappy(f"{file} cannot be read: {problem}") from None
    try:
        value = decode(content.encode())
    except NotJson as problem:
        raise Unhappy(f"{file} is not JSON: {problem}") from None
    if not is_record(value):
        raise Unhappy(f"{file} is no JSON object of models.")
    return value


def _told(each: Json) -> tuple[str, str, Any, Any]:
    return each["path"] or "the record", each["kind"], each.get("before", ""), each.get("after", "")
