"""The demo organization's agents: two saved ones, a session with some turns behind it, and a weekly automation."""

from portico.sandbox.agents import clockwork, delivery, settings
from portico.sandbox.agents.automation import AUTOMATIONS, Automation
from portico.sandbox.agents.environments import IDLE_SECONDS
from portico.sandbox.agents.hosting import ENVIRONMENT
from portico.sandbox.agents.opening import hear, open_session
from portico.sandbox.agents.owner import Owner
from portico.sandbox.agents.session import AGENTS, SESSIONS
from portico.sandbox.agents.wish import Wish, messages
from portico.sandbox.checks import fields
from portico.sandbox.demo.lessons import GOODS, HOUSE
from portico.sandbox.demo.steady import steady
from portico.sandbox.shapes import Json
from portico.sandbox.state import Organization, World

DAY = 86_400
NAME, NUMBER, NEED, MONTH = GOODS[7]
PLANNER: Json = {
    "model": "gpt-6-sol",
    "instructions": HOUSE,
    "reasoning": {"effort": "medium", "summary": "auto"},
    "tools": [{"type": "web_search", "location": {"city": "Bergen", "country": "NO"}}, {"type": "automations"}],
    "multi_agent": {"enabled": True},
}
BUYER: Json = {
    "model": "gpt-5.4-mini",
    "instructions": "Compare offers. Order nothing by yourself.",
    "tools": [
        {
            "type": "function",
            "name": "find_order",
            "description": "Finds an order by its number",
            "parameters": {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]},
        }
    ],
}
# What was said in the session, and how many seconds after its beginning.
SAID = (
    (90, f"Search the web for {NAME} storage. Then put the advice into care-plan.md"),
    (400, "Run `head -n 3 outputs/care-plan.md`"),
)
BRIEF = f"Summarize: The {NAME} ({NUMBER}) wants {NEED}. It is planted in {MONTH}. Customers ask for it in spring."
MONDAYS = "Summarize: the beds are cut back first. The bulbs follow. Tools are oiled last."
PLANNED_AGE = 24 * DAY
TALKED_AGE = 3 * DAY


def seed(world: World, organization: Organization) -> None:
    project = organization.default_project
    key = next((key for key in world.keys.by_secret.values() if key.project_id == project.id), None)
    owner = Owner(world, organization, project, organization.owner.id, key.id if key else "")
    rows = len(organization.usage)
    with steady(world, "demo crew"):
        planner = _agent(owner, "Garden planner", PLANNER, 75)
        _agent(owner, "Buyer", BUYER, 18)
        _automation(owner, planner)
        _session(owner, planner)
        for session in owner.held(SESSIONS):
            clockwork.catch_up(session, world.time())
    # What was used before the emulator began is told by the organization's history alone.
    del organization.usage[rows:]


def _agent(owner: Owner, name: str, described: Json, age: float) -> str:
    checked = fields(described, {}, settings.checks(saved=True))
    made_at = int(owner.world.now() - age * DAY)
    agent: Json = {
        "id": owner.new_id(AGENTS.prefix),
        "object": "agent",
        "created_at": made_at,
        "updated_at": made_at,
        "name": name,
        "metadata": {"shop": "online"},
        **settings.settled(described, checked),
    }
    return owner.held(AGENTS).add(agent["id"], agent)["id"]


def _session(owner: Owner, agent_id: str) -> None:
    began = owner.world.time() - TALKED_AGE
    hosted = ENVIRONMENT({"type": "openai_hosted"}, "environment")
    wish = Wish(None, agent_id, hosted, messages(BRIEF, "input"), metadata={"topic": NAME})
    session = open_session(owner, wish, began)
    for later, text in SAID:
        clockwork.catch_up(session, began + later)
        hear(session, messages(text, "input"))
    clockwork.catch_up(session, began + IDLE_SECONDS)


def _automation(owner: Owner, agent_id: str) -> None:
    """A plan for every Monday, and what came of those that have passed."""
    made_at = owner.world.time() - PLANNED_AGE
    wish = Wish(None, agent_id, {"type": "none"}, messages(MONDAYS, "input"), metadata={"plan": "weekly"})
    target: Json = {
        "type": "new_session",
        "agent": None,
        "agent_id": agent_id,
        "environment": wish.environment,
        "input": [{"type": "message", "role": "user", "content": content} for content in wish.messages],
        "metadata": wish.metadata,
        "vault_ids": [],
    }
    timing: Json = {"type": "periodic", "expression": "0 7 * * 1", "timezone": "UTC"}
    automation = Automation(
        owner.new_id(AUTOMATIONS.prefix),
        owner,
        "Monday plan",
        made_at,
        target,
        timing,
        {"type": "developer"},
        {"team": "nursery"},
        wish,
    )
    owner.held(AUTOMATIONS).add(automation.id, automation)
    automation.plan(made_at)
    delivery.attend(owner)
    delivery.act(owner.project, owner.world.time())
