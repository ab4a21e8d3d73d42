"""The audit log of an organization, newest first, with all its filters."""

from collections.abc import Callable

from portico.sandbox.audit import EVENTS, Event, is_tenant_type
from portico.sandbox.invitations import invites
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import invalid
from portico.sandbox.shelves import Rows
from portico.sandbox.values import Values
from portico.sandbox.wire import Answer, Ask, Route

LIST = Cursor(before=True)


def list_events(ask: Ask) -> Answer:
    matches = _filters(ask.query)
    # An invitation may have been accepted since anyone looked.
    invites(ask.world, ask.organization)
    # What happened earlier may have been written down later.
    everything = sorted(ask.organization.held(EVENTS), key=lambda event: event.effective_at)
    born = {event.id: place for place, event in enumerate(everything)}
    return LIST.answer(ask, Rows({event.id: event for event in everything if matches(event)}, born), Event.show)


def _filters(query: Values) -> Callable[[Event], bool]:
    """All filters of a request as one question to an entry."""
    projects, actors, targets = (set(query.many(name)) for name in ("project_ids", "actor_ids", "resource_ids"))
    emails = {email.lower() for email in query.many("actor_emails")}
    is_tenant_wide = query.flag("tenant_only")
    types = _types(query, is_tenant_wide)
    first, last = _span(query)

    def matches(event: Event) -> bool:
        return (
            event.is_tenant_wide == is_tenant_wide
            and first <= event.effective_at <= last
            and (not types or event.type in types)
            and (not projects or (event.project is not None and event.project.id in projects))
            and (not actors or not actors.isdisjoint(event.actor.ids))
            and (not emails or (event.actor.email or "").lower() in emails)
            and (not targets or not targets.isdisjoint(event.targets))
        )

    return matches


def _types(query: Values, is_tenant_wide: bool) -> set[str]:
    """The wanted types. Those of the whole tenant and those of the organization can't be asked for together."""
    types = set(query.many("event_types"))
    for kind in sorted(types):
        if kind not in TYPES and not kind.startswith("tenant."):
            raise invalid(f"There are no events of the type '{kind}'.", "event_types")
        if is_tenant_type(kind) != is_tenant_wide:
            wanted = str(not is_tenant_wide).lower()
            raise invalid(f"Events of the type '{kind}' need tenant_only={wanted}.", "event_types")
    return types


def _span(query: Values) -> tuple[float, float]:
    """The first and the last second that `effective_at` lets through."""
    first, last = float("-inf"), float("inf")
    for word, text in query.group("effective_at").items():
        if word not in ("gt", "gte", "lt", "lte") or not text.lstrip("-").isdigit():
            message = "'effective_at' takes gt, gte, lt and lte, each with Unix seconds."
            raise invalid(message, f"effective_at[{word}]", "invalid_type")
        if word.startswith("g"):
            first = max(first, int(text) + (word == "gt"))
        else:
            last = min(last, int(text) - (word == "lt"))
    return first, last


# What stands before the dot, and after it. Types that begin with `tenant.` are many more, and all are taken.
TYPES = {
    f"{thing}.{verb}"
    for things, verbs in (
        ("api_key certificate group ip_allowlist role service_account tunnel", "created updated deleted"),
        ("workload_identity_provider workload_identity_provider_mapping", "created updated deleted"),
        ("certificates ip_allowlist.config", "activated deactivated"),
        ("checkpoint.permission role.assignment", "created deleted"),
        ("external_key external_storage", "registered removed"),
        ("invite", "sent accepted deleted"),
        ("login logout", "succeeded failed"),
        ("organization", "updated"),
        ("project", "created updated archived deleted"),
        ("rate_limit", "updated deleted"),
        ("resource", "deleted"),
        ("role", "bound_to_resource unbound_from_resource"),
        ("scim", "enabled disabled"),
        ("user", "added updated deleted"),
    )
    for thing in things.split()
    for verb in verbs.split()
}

ROUTES = (Route("GET", "/organization/audit_logs", list_events),)
