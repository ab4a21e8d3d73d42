"""`portico watches …`: jobs at a vendor that Portico looks at until they are over."""

import time
from typing import Annotated, Any

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import Unhappy, complain, say, say_json, say_record, say_table

LOOK_SECONDS = 1.0
Account = Annotated[str, Parameter(help="The integrated account's id.")]
WatchId = Annotated[str, Parameter(help="The watch's id.")]
AccountOption = Annotated[str, Parameter(name="--account", help="The account.", show_default=False)]


def list_(
    *,
    account: AccountOption = "",
    state: Annotated[str, Parameter(help="watching, completed, failed or canceled.", show_default=False)] = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """List watched jobs, newest first."""
    found = list(Api(url, token).pages("/watch", integrated_account_id=account, state=state))
    if json:
        say_json(found)
        return
    rows = [
        (
            each["id"],
            each["integrated_account_id"],
            each["resource"],
            each["object_id"],
            each["state"],
            each["status"],
            each["looks"],
            each["problem"],
        )
        for each in found
    ]
    columns = ("id", "account", "what", "job", "state", "vendor says", "looks", "problem")
    say_table(columns, rows, "Nothing is being watched; begin with `portico watches start`.")


def start(
    account: Account,
    job: Annotated[str, Parameter(help="The job's id at the vendor.")],
    *arguments: Annotated[str, Parameter(help="Its parents, as name=value.")],
    tool: Annotated[str, Parameter(help="The tool that started it or looks at it.", show_default=False)] = "",
    resource: Annotated[str, Parameter(help="Or the resource, such as batches.", show_default=False)] = "",
    wait: Annotated[bool, Parameter(negative="", help="Stay until it is over; fails if the job does.")] = False,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> int:
    """Watch a job to its end; webhooks hear of it as job:completed or job:failed.

    Parents that the job has go behind it: `portico watches start ACCOUNT run_1 thread_id=thread_1 --resource runs`.
    """
    api = Api(url, token)
    body: dict[str, Any] = {"id": job, "tool": tool, "resource": resource, "arguments": _pairs(arguments)}
    watch = api.post(f"/integrated-account/{account}/watch", body)
    if not wait:
        say_json(watch) if json else say(watch["id"])
        return 0
    while watch["state"] == "watching":
        time.sleep(LOOK_SECONDS)
        watch = api.get(f"/integrated-account/{account}/watch/{watch['id']}")
    say_json(watch) if json else _tell(watch)
    return 0 if watch["state"] == "completed" else 1


def show(
    account: Account, watch: WatchId, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = ""
) -> None:
    """Show one watched job."""
    found = Api(url, token).get(f"/integrated-account/{account}/watch/{watch}")
    say_json(found) if json else say_record(found)


def stop(
    account: Account, watch: WatchId, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = ""
) -> None:
    """Stop watching. The job itself goes on."""
    found = Api(url, token).delete(f"/integrated-account/{account}/watch/{watch}")
    say_json(found) if json else say(f"{found['object_id']} is no longer watched.")


def _tell(watch: dict[str, Any]) -> None:
    words = f"{watch['object_id']}: {watch['status'] or watch['state']}. {watch['problem']}".rstrip()
    say(words) if watch["state"] == "completed" else complain(words)


def _pairs(arguments: tuple[str, ...]) -> dict[str, str]:
    pairs = [each.partition("=") for each in arguments]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise Unhappy(f"{name!r} is not name=value; a job's parents are given so: thread_id=thread_1.")
    return {name: value for name, _, value in pairs}
