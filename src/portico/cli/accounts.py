"""`portico accounts …`: customers' connected accounts."""

import sys
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import Unhappy, complain, say, say_json, say_record, say_table

_NOTHING = "There are no accounts yet; connect one with `portico accounts connect`."
_COLUMNS = ("id", "tenant", "integration", "status", "keys", "created")
Key = Annotated[
    str,
    Parameter(
        help="The key; `-` reads it from standard input, so that it stays out of the shell's history.",
        allow_leading_hyphen=True,
    ),
]
StoredKey = Annotated[str, Parameter(help="The name of a stored secret that is the project key.")]
StoredAdminKey = Annotated[str, Parameter(help="The name of a stored secret that is the admin key.")]
Account = Annotated[str, Parameter(help="The account's id.")]
Tenant = Annotated[str, Parameter(help="Only those of this customer.")]
Status = Annotated[
    str,
    Parameter(
        help="Only those in these states, with commas between them: active, connecting, needs_reauth, blocked, "
        "validation_error, post_install_error."
    ),
]
NewTenant = Annotated[str, Parameter(help="Your own name for the customer whose account it is.")]
NewStatus = Annotated[str, Parameter(help="blocked or active.")]
Integration = Annotated[str, Parameter(help="The vendor.", show_default=True)]
KeysOption = Annotated[
    Literal["delete", "rotate", "keep"], Parameter(help="What happens to its keys at the vendor.", show_default=True)
]
Through = Annotated[str, Parameter(help="Another account, whose admin key deletes this one's keys.")]
LogBodies = Annotated[
    Literal["", "on", "off", "as-environment"],
    Parameter(help="Whether bodies of its calls are kept beside the request log: on, off or as-environment."),
]
_LOG_BODIES = {"on": True, "off": False, "as-environment": None}
Reason = Annotated[str, Parameter(help="Why; for the audit trail.")]
Resume = Annotated[bool, Parameter(negative="", help="With --keys rotate: let calls go on once all keys are new.")]
BaseUrl = Annotated[str, Parameter(help="Another address of the vendor's, one of those that this gateway allows.")]


def list_(
    *, tenant: Tenant = "", status: Status = "", json: JsonOption = False, url: UrlOption = "", token: TokenOption = ""
) -> None:
    """List accounts, newest first."""
    found = list(Api(url, token).pages("/integrated-account", tenant_id=tenant, status=status))
    if json:
        say_json(found)
        return
    rows = [
        (
            each["id"],
            each["tenant_id"],
            each["integration"]["name"],
            each["status"],
            _keys(each),
            each["created_at"][:10],
        )
        for each in found
    ]
    nothing = "No account is like that; `portico accounts list` shows all." if tenant or status else _NOTHING
    say_table(_COLUMNS, rows, nothing)


def show(account: Account, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """Show one account."""
    found = Api(url, token).get(f"/integrated-account/{account}")
    say_json(found) if json else say_record(_in_words(found))


def _in_words(account: dict[str, Any]) -> dict[str, Any]:
    """What went wrong in words; everything else as it is."""
    failed, forbidden = account["last_error"], account["last_forbidden_error"]
    told: dict[str, str] = {}
    if failed and failed.get("message"):
        told["last_error"] = f"{failed['message']} ({failed.get('occurred_at', 'no time is known')})"
    if forbidden:
        call = ".".join(part for part in (forbidden["resource"], forbidden["method"]) if part) or "a call"
        scopes = ", ".join(forbidden["missing_scopes"])
        lacking = f"missing scopes: {scopes}" if scopes else "the vendor names no missing scopes"
        told["last_forbidden_error"] = f"{call} was not allowed; {lacking} ({forbidden['occurred_at']})"
    return account | told


def connect(
    tenant: NewTenant,
    *,
    integration: Integration = "openai",
    key: Key = "",
    admin_key: Key = "",
    stored_key: StoredKey = "",
    stored_admin_key: StoredAdminKey = "",
    base_url: BaseUrl = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> int:
    """Connect an account: give the customer's project key, admin key, or both."""
    context = _context(key, admin_key, stored_key, stored_admin_key)
    if not context:
        raise Unhappy(
            "Give the customer's key: --key or --admin-key, where - reads standard input, or --stored-key or "
            "--stored-admin-key."
        )
    body: dict[str, Any] = {
        "tenant_id": tenant,
        "integration": integration,
        "context": context,
    }
    if base_url:
        body["base_url"] = base_url
    return _told(Api(url, token).post("/integrated-account", body), json=json)


def update(
    account: Account,
    *,
    tenant: NewTenant = "",
    status: NewStatus = "",
    key: Key = "",
    admin_key: Key = "",
    stored_key: StoredKey = "",
    stored_admin_key: StoredAdminKey = "",
    log_bodies: LogBodies = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> int:
    """Change an account's keys, tenant or state (`--status blocked` stops all its calls, `active` lets them go on)."""
    context = _context(key, admin_key, stored_key, stored_admin_key)
    body: dict[str, Any] = {name: value for name, value in (("tenant_id", tenant), ("status", status)) if value}
    if context:
        body["context"] = context
    if log_bodies:
        body["log_bodies"] = _LOG_BODIES[log_bodies]
    if not body:
        raise Unhappy(
            "Say what to change: --tenant, --status, --key, --admin-key, --stored-key, --stored-admin-key or "
            "--log-bodies."
        )
    return _told(Api(url, token).patch(f"/integrated-account/{account}", body), json=json)


def check(account: Account, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> int:
    """Prove an account's keys again with harmless calls."""
    api = Api(url, token)
    api.post("/integrated-account/refresh-credentials", {"id": account})
    return _told(api.get(f"/integrated-account/{account}"), json=json)


def token(account: Account, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """Make a token that speaks for one account, for 15 minutes."""
    made = Api(url, token).post("/integrated-account/token", {"integrated_account_id": account})
    say_json(made) if json else say(made["integrated_account_token"])


def delete(account: Account, *, json: JsonOption = False, url: UrlOption = "", token: TokenOption = "") -> None:
    """Delete an account with its tokens."""
    gone = Api(url, token).delete(f"/integrated-account/{account}")
    if json:
        say_json(gone)
        return
    say(f"Deleted {gone['id']}.")
    for each in gone.get("left_at_vendor", ()):
        called = each["vendor_webhook_id"] or each["url"]
        complain(f"Its webhook endpoint {called} stays at the vendor: {each['reason']}")


def panic(
    account: Account,
    *,
    keys: KeysOption = "delete",
    through: Through = "",
    reason: Reason = "",
    resume: Resume = False,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> int:
    """Stop an account at once, and have the vendor delete or replace its keys; each is tried to prove that it is dead.

    Nothing is asked first. Press again if something could not be done: it goes on from there.
    """
    body = {"keys": keys, "through": through, "reason": reason, "resume": resume}
    done = Api(url, token).post(f"/integrated-account/{account}/panic", body)
    fates: list[dict[str, Any]] = done["keys"]
    if json:
        say_json(done)
    else:
        say(f"{account} is {done['account']['status']}.")
        rows = [(each["credential"], each["hint"], each["fate"], each["new_hint"], each["message"]) for each in fates]
        say_table(("key", "was", "is", "new", "what happened"), rows, "No key was touched at the vendor.")
    return 0 if all(each["fate"] in {"deleted", "rotated"} for each in fates) else 1


def _told(account: dict[str, Any], *, json: bool) -> int:
    if json:
        say_json(account)
    elif account["status"] == "active":
        say(f"{account['id']} is active with {_keys(account) or 'no key'}.")
    else:
        error: dict[str, Any] = account.get("last_error") or {}
        why = error.get("message", "")
        say(f"{account['id']} is {account['status']}. {why}".rstrip())
    return 0 if account["status"] in {"active", "blocked"} else 1


def _keys(account: dict[str, Any]) -> str:
    return ", ".join(name for name, key in account["keys"].items() if key["present"])


def _context(key: str, admin_key: str, stored_key: str, stored_admin_key: str) -> dict[str, Any]:
    """The keys as they are typed, or the names under which they are stored."""
    given = {"api_key": (key, stored_key), "admin_key": (admin_key, stored_admin_key)}
    if any(typed and stored for typed, stored in given.values()):
        raise Unhappy("Give a key or the name of a stored one, not both.")
    typed: dict[str, Any] = {name: _read(key) for name, (key, _) in given.items() if key}
    return {**typed, **{name: {"stored": stored} for name, (_, stored) in given.items() if stored}}


def _read(key: str) -> str:
    return sys.stdin.readline().strip() if key == "-" else key
