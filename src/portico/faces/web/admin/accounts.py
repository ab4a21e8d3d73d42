"""Accounts: the list, connecting one, and one account with its keys, its state and what it can do."""

from collections import Counter
from typing import Any

from starlette.routing import Route

from portico.errors import Failure, InvalidArguments
from portico.faces.web.admin import limits
from portico.faces.web.admin.frame import Frame, Turn
from portico.faces.web.admin.words import IN_TROUBLE
from portico.faces.web.connect import has_no_key, told_of
from portico.faces.web.page import Reply
from portico.shapes import Json, is_list

PANIC_KEYS = (
    ("delete", "deleted at the vendor"),
    ("rotate", "replaced by new ones at the vendor"),
    ("keep", "left as they are; only stop the account"),
)
OF_CONNECTING = ("tenant_id", "integration", "base_url", "do")


def routes(frame: Frame) -> list[Route]:
    return [
        frame.route("/accounts", show_all),
        frame.route("/accounts/new", show_new, {"connect": connect}),
        frame.route(
            "/accounts/{id}",
            show_one,
            {
                "prove": prove,
                "change": change,
                "block": block,
                "unblock": unblock,
                "token": make_token,
                "panic": panic,
                "limit": limit,
                "lift": lift,
                "delete": delete,
            },
        ),
    ]


async def show_all(turn: Turn) -> Reply:
    filters = [(name, turn.asked(name)) for name in ("tenant_id", "status") if turn.asked(name)]
    found = await turn.do("listIntegratedAccounts", query=[*turn.paging(), *filters])
    return turn.page(
        "accounts.html",
        "accounts",
        accounts=found["result"],
        next_page=turn.next_page(found["next_cursor"]),
        cursor=turn.asked("cursor"),
        tenant=turn.asked("tenant_id"),
        status=turn.asked("status"),
        is_filtered=bool(filters),
        in_trouble=IN_TROUBLE,
    )


async def show_new(turn: Turn) -> Reply:
    known = (await turn.do("listIntegrations"))["result"]
    wanted = turn.filled("integration", turn.asked("integration", known[0]["name"]))
    chosen = next((each for each in known if each["name"] == wanted), known[0])
    view = await turn.parts.views.base(turn.environment.id, chosen["name"])
    auth = (await turn.do("getIntegrationCapabilities", path={"id": chosen["id"]}))["auth"]
    return turn.page(
        "connect.html",
        "accounts",
        integrations=[(each["name"], each["label"]) for each in known],
        chosen=chosen,
        fields=auth["fields"],
        hints={each.field: told_of(each, view) for each in view.integration.credentials},
        base_urls=[("", "The usual one"), *((each, each) for each in _base_urls(chosen))],
    )


async def connect(turn: Turn) -> Reply:
    form = turn.visit.form
    body: Json = {
        "tenant_id": form.get("tenant_id", "").strip(),
        "integration": form.get("integration", ""),
        "base_url": form.get("base_url", ""),
        "context": _context(form),
    }
    try:
        made = await turn.do("importIntegratedAccount", body=body)
    except InvalidArguments as problem:
        if has_no_key(problem):
            raise InvalidArguments([Failure("A key", "is missing", "at least one of those below")]) from None
        raise
    return turn.back(f"/accounts/{made['id']}", "account-connected")


async def show_one(turn: Turn, **shown: Any) -> Reply:
    account = await turn.do("getIntegratedAccount", path=turn.ids)
    capabilities = await turn.do("getIntegratedAccountCapabilities", path=turn.ids)
    servers = await turn.do("listMcpServers", path=turn.ids, query=[("limit", "20")])
    held = {name for name, key in account["keys"].items() if key["present"]}
    return turn.page(
        "account.html",
        "accounts",
        account=account,
        fields=capabilities["auth"]["fields"],
        can=can(capabilities["proxy"], held),
        servers=servers["result"],
        limits=(await turn.do("listAccountQuotas", path=turn.ids))["result"],
        **limits.choices(),
        made={"token": "", "expires_at": "", "fates": [], "is_stopped": False, **shown},
        panic_keys=PANIC_KEYS,
        is_form=turn.problem is not None and turn.visit.form.get("do") == "change",
    )


async def prove(turn: Turn) -> Reply:
    await turn.do("refreshCredentials", body=turn.ids)
    return turn.back(f"/accounts/{turn.ids['id']}", "account-proved")


async def change(turn: Turn) -> Reply:
    form = turn.visit.form
    context = _context(form)
    tenant_id = form.get("tenant_id", "").strip()
    if not tenant_id:
        raise InvalidArguments([Failure("tenant_id", "must not be empty", "your own id for the customer")])
    body: Json = {"tenant_id": tenant_id} | ({"context": context} if context else {})
    await turn.do("updateIntegratedAccount", path=turn.ids, body=body)
    return turn.back(f"/accounts/{turn.ids['id']}", "account-changed")


async def block(turn: Turn) -> Reply:
    await turn.do("updateIntegratedAccount", path=turn.ids, body={"status": "blocked"})
    return turn.back(f"/accounts/{turn.ids['id']}", "account-blocked")


async def unblock(turn: Turn) -> Reply:
    """Its keys say in which state it is."""
    await turn.do("updateIntegratedAccount", path=turn.ids, body={"status": "active"})
    await turn.do("refreshCredentials", body=turn.ids)
    return turn.back(f"/accounts/{turn.ids['id']}", "account-unblocked")


async def make_token(turn: Turn) -> Reply:
    made = await turn.do("createIntegratedAccountToken", body={"integrated_account_id": turn.ids["id"]})
    return await show_one(turn, token=made["integrated_account_token"], expires_at=made["expires_at"])


async def panic(turn: Turn) -> Reply:
    form = turn.visit.form
    body: Json = {
        "keys": form.get("panic_keys", ""),
        "reason": form.get("reason", "").strip(),
        "resume": bool(form.get("resume")),
    }
    done = await turn.do("panicIntegratedAccount", path=turn.ids, body=body)
    turn.visit.fields = []
    return await show_one(turn, fates=done["keys"], is_stopped=True)


async def limit(turn: Turn) -> Reply:
    return await limits.set_own(turn, "integrated_account", turn.ids["id"], f"/accounts/{turn.ids['id']}")


async def lift(turn: Turn) -> Reply:
    return await limits.lift_own(turn, turn.ids["id"], f"/accounts/{turn.ids['id']}")


async def delete(turn: Turn) -> Reply:
    gone = await turn.do("deleteIntegratedAccount", path=turn.ids)
    return turn.back("/accounts", "account-deleted-but" if "left_at_vendor" in gone else "account-deleted")


def _context(form: dict[str, str]) -> Json:
    """The fields of the integration that were filled in; an empty one leaves what there is."""
    return {name.removeprefix("context."): text for name, text in form.items() if text and name.startswith("context.")}


def _base_urls(integration: Json) -> list[str]:
    found: Any = integration["config"].get("base_urls")
    return [str(each) for each in found] if is_list(found) else []


def can(resources: list[Json], held: set[str]) -> Json:
    """How many tools there are for looking and for changing, by area, and how many wait for a key."""
    methods = [method for each in resources for method in each["methods"] if method["has_description"]]
    usable = [each for each in methods if not each["key"] or each["key"] in held]
    areas: dict[str, Counter[str]] = {}
    for each in usable:
        for tag in each["tags"] or ["other"]:
            areas.setdefault(tag, Counter())["looks" if each["effect"] == "read" else "changes"] += 1
    missing = Counter(each["key"] for each in methods if each["key"] and each["key"] not in held)
    return {
        "looks": sum(each["effect"] == "read" for each in usable),
        "changes": sum(each["effect"] != "read" for each in usable),
        "areas": sorted((tag, counts["looks"], counts["changes"]) for tag, counts in areas.items()),
        "missing": sorted(missing.items()),
    }
