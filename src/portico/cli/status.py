"""`portico status` and `portico settings`: how a running gateway is, and what it was told."""

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import complain, say, say_json, say_table


def status(*, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> int:
    """Show database, migrations, processes and jobs; exit code 1 where something is not as it should be."""
    found = Api(url, token).get("/status")
    if json:
        say_json(found)
        return 0 if found["is_well"] else 1
    database, migrations = found["database"], found["migrations"]
    facts = [
        ("version", found["version"]),
        ("database", f"{database['kind']}, answered in {database['milliseconds']:g} ms"),
        ("migrations", f"{migrations['applied']}, the newest {migrations['newest']}"),
        *(("process", f"{each['host']}, {each['version']}, since {each['started_at']}") for each in found["processes"]),
    ]
    say_table(("what", "found"), facts, "")
    say()
    rows = [(each["kind"], each["planned"], each["under_way"], each["due"], each["next_at"]) for each in found["jobs"]]
    say_table(("jobs", "planned", "under way", "due", "next at"), rows, "Nothing waits to be done.")
    for each in found["problems"]:
        complain(each)
    return 0 if found["is_well"] else 1


def settings(*, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """Show which settings hold, and whether each comes from its variable, its default or the program."""
    found = Api(url, token).get("/settings")["result"]
    if json:
        say_json(found)
        return
    say_table(("setting", "value", "from"), [(each["name"], each["value"], each["source"]) for each in found], "")
