"""`portico webhooks …`: addresses of your own that hear of events, what was sent to them, and what is sent again."""

import time
from typing import Annotated, Any

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.moments import moment
from portico.cli.say import Unhappy, complain, say, say_json, say_record, say_table

TEST_SECONDS = 20.0
Events = Annotated[
    list[str] | None,
    Parameter(name="--event", negative="", help="An event, `group:*` or `*`; repeat for several. All when left out."),
]
Webhook = Annotated[str, Parameter(help="The webhook's id.")]
When = Annotated[str, Parameter(help="A time: `2026-10-31T08:00Z`, `2 days ago`, `yesterday`.", show_default=False)]


def list_(*, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """List webhooks, newest first."""
    found = list(Api(url, token).pages("/webhook"))
    if json:
        say_json(found)
        return
    rows = [
        (each["id"], each["target_url"], ", ".join(each["event_types"]), _state(each), each["last_success_at"])
        for each in found
    ]
    columns = ("id", "address", "events", "state", "last success")
    say_table(columns, rows, "There are no webhooks yet; make one with `portico webhooks create`.")


def create(
    target: Annotated[str, Parameter(help="Where events are sent: an https address.")],
    *,
    event: Events = None,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Have events sent to an address. Its signing secret is shown this once."""
    made = Api(url, token).post("/webhook", {"target_url": target, "event_types": event or ["*"]})
    if json:
        say_json(made)
        return
    say(f"{made['id']} hears of {', '.join(made['event_types'])}.")
    _say_secret(made["secret"])


def show(webhook: Webhook, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """Show one webhook."""
    found = Api(url, token).get(f"/webhook/{webhook}")
    say_json(found) if json else say_record(found)


def update(
    webhook: Webhook,
    *,
    target: Annotated[str, Parameter(help="A new address.", show_default=False)] = "",
    event: Events = None,
    active: Annotated[
        bool | None, Parameter(name="--on", negative="--off", help="Switch it on or off.", show_default=False)
    ] = None,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Change a webhook's address or events, or switch it on or off."""
    body: dict[str, Any] = {}
    if target:
        body["target_url"] = target
    if event:
        body["event_types"] = event
    if active is not None:
        body["is_active"] = active
    if not body:
        raise Unhappy("Say what to change: --target, --event, --on or --off.")
    found = Api(url, token).patch(f"/webhook/{webhook}", body)
    say_json(found) if json else say_record(found)


def send_test(webhook: Webhook, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> int:
    """Send a test event and wait for what comes of it."""
    api = Api(url, token)
    sent = api.post("/webhook/test", {"id": webhook})
    end = time.monotonic() + TEST_SECONDS
    while sent["state"] == "waiting" and time.monotonic() < end:
        time.sleep(0.1)
        sent = api.get(f"/webhook/{webhook}/deliveries/{sent['id']}")
    if json:
        say_json(sent)
    elif sent["state"] == "delivered":
        attempt = sent["attempts"][-1]
        say(f"Delivered: it answered {attempt['status']} after {attempt['duration_ms']} ms.")
    elif sent["state"] == "waiting":
        complain(f"It is still on its way; look again with `portico webhooks deliveries {webhook}`.")
    else:
        complain(f"Not delivered. {_last_problem(sent)}")
    return 0 if sent["state"] == "delivered" else 1


def rotate(
    webhook: Webhook,
    *,
    keep_old_hours: Annotated[int, Parameter(help="So long messages carry the old secret's signature too.")] = 24,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Give a webhook a new signing secret, shown this once."""
    made = Api(url, token).post(f"/webhook/{webhook}/rotate", {"keep_old_hours": keep_old_hours})
    if json:
        say_json(made)
        return
    until = made["previous_secret_valid_until"]
    complain(f"Messages carry both signatures until {until}." if until else "The old secret has ended.")
    _say_secret(made["secret"])


def deliveries(
    webhook: Webhook,
    *,
    state: Annotated[str, Parameter(help="waiting, delivered, failed or dropped.", show_default=False)] = "",
    limit: Annotated[int, Parameter(help="How many at most.")] = 50,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """What was sent to a webhook, newest first, with how often it was tried."""
    found = Api(url, token).get(f"/webhook/{webhook}/deliveries", state=state, limit=limit)["result"]
    if json:
        say_json(found)
        return
    rows = [
        (
            each["id"],
            each["event"],
            each["created_at"][:19].replace("T", " "),
            each["state"],
            len(each["attempts"]),
            each["next_attempt_at"] or "",
            _last_problem(each),
        )
        for each in found
    ]
    columns = ("id", "event", "time", "state", "tries", "next try", "what went wrong")
    say_table(columns, rows, "Nothing was sent to it yet.")


def replay(
    webhook: Webhook,
    delivery: Annotated[str, Parameter(help="One delivery's id.", show_default=False)] = "",
    *,
    since: When = "",
    until: When = "",
    all_: Annotated[
        bool, Parameter(name="--all", negative="", help="What arrived, too, not only what did not.")
    ] = False,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Send again: one delivery, or what a webhook missed in a stretch of time."""
    api = Api(url, token)
    if bool(delivery) == bool(since):
        raise Unhappy("Say what to send again: the id of a delivery, or --since (and --until).")
    if delivery:
        again = api.post(f"/webhook/{webhook}/deliveries/{delivery}/replay")
        say_json(again) if json else say(f"{again['event']} is on its way again.")
        return
    body = {"since": moment(since, "--since"), "which": "all" if all_ else "missed"}
    if until:
        body["until"] = moment(until, "--until")
    queued = api.post(f"/webhook/{webhook}/replay", body)
    say_json(queued) if json else say(f"{queued['queued']} messages are on their way.")


def delete(webhook: Webhook, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """Delete a webhook. What is on its way to it is dropped."""
    gone = Api(url, token).delete(f"/webhook/{webhook}")
    say_json(gone) if json else say(f"Deleted {gone['id']}.")


def events(*, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """List the events that a webhook can ask for."""
    found = list(Api(url, token).pages("/webhook-event-type"))[::-1]
    if json:
        say_json(found)
        return
    say_table(("event", "meaning"), [(each["event_type"], each["meaning"]) for each in found], "There are none.")


def _say_secret(secret: str) -> None:
    complain("The secret that its messages are signed with, shown this once:")
    say(secret)


def _state(webhook: dict[str, Any]) -> str:
    if webhook["is_active"]:
        return "on"
    return f"off: {webhook['disabled_reason']}" if webhook["disabled_reason"] else "off"


def _last_problem(delivery: dict[str, Any]) -> str:
    return delivery["attempts"][-1]["problem"] if delivery["attempts"] else ""
