"""Safety alerts of a project and safety cases of an organization: made by OpenAI, only read here."""

from portico.sandbox import ids
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind
from portico.sandbox.state import Organization, World
from portico.sandbox.wire import Answer, Ask, Route

ALERTS = Kind[Json]("safety alert", "alert_")
CASES = Kind[Json]("safety case", "C-", organization_wide=True)
LONGEST_ALERT_ID = 38
LONGEST_CASE_ID = 128
DAY = 24 * 3600

# Name, age in days, what happened, how it is said, whether the request was held up.
DEMO_ALERTS = (
    ("mailbox export", 2, "potentially_unintended_data_transfer", "A tool sent data to an address of its own.", True),
    ("payroll read", 9, "potentially_unintended_data_access", "A tool read records that nobody asked for.", False),
    ("bucket cleanup", 30, "potentially_unintended_destructive_activity", "A tool tried to delete a store.", True),
)
DEMO_CASES = (
    ("warned customer", 5, "customer-4711", "warning", "fraud"),
    ("closed customer", 21, "customer-0815", "deactivation", "cyber_abuse"),
)


def get_alert(ask: Ask) -> Answer:
    return ask.held(ALERTS).get(_short(ask["id"], LONGEST_ALERT_ID))


def get_case(ask: Ask) -> Answer:
    return ask.held(CASES).get(_short(ask["id"], LONGEST_CASE_ID))


def _short(identity: str, longest: int) -> str:
    if len(identity) > longest:
        raise invalid(f"'id' may be {longest} characters long at most.", "id", "string_above_max_length")
    return identity


def seed(world: World, organization: Organization) -> None:
    """The demo organization's alerts and cases; their ids are the same in every demo."""
    for name, days, error_type, reason, paused in DEMO_ALERTS:
        alert: Json = {
            "id": ids.named(ALERTS.prefix, f"demo {name}"),
            "object": "safety.alert",
            "created_at": world.now() - days * DAY,
            "error_type": error_type,
            "model": "gpt-5.4",
            "reason": reason,
            "request_id": ids.named("req_", f"demo {name}"),
            "request_paused": paused,
            "response_id": ids.named("resp_", f"demo {name}"),
        }
        organization.default_project.shelf.of(ALERTS).add(alert["id"], alert)
    for name, days, identifier, notice, reason in DEMO_CASES:
        case: Json = {
            "id": ids.named(CASES.prefix, f"demo {name}"),
            "object": "safety.case",
            "created_at": world.now() - days * DAY,
            "entity_identifier": identifier,
            "notice": {"type": notice},
            "reason": reason,
        }
        organization.held(CASES).add(case["id"], case)


ROUTES = (
    Route("GET", "/safety/alerts/{id}", get_alert),
    Route("GET", "/safety/cases/{id}", get_case),
)
