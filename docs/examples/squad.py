"""Onboarding of a squad: a project, a service account with its key, limits, budget and people, all of it or nothing.

One recipe instead of seven calls. The idempotency key makes it safe to repeat: asked twice, it is done once, and the
second answer is the first one's. Where a step fails, what was done before is undone, and the answer says what and why.

    make demo                                          # in another terminal; export what it prints
    .venv/bin/python docs/examples/squad.py            # or: squad.py NAME

For production: take the key from what asks for the squad, such as the ticket's number, so that a repeated message or a
restarted job never makes a second one. `dry_run` shows every request first.
"""

import sys
from typing import Any

from portico_client import Portico, ToolFailed

RECIPE = "openai_onboard_team"
MODEL_THAT_IS_NOT = "gpt-4o-imaginary"


def main(name: str) -> None:
    with Portico() as portico:
        order = {**squad(name), "idempotency_key": f"squad {name}"}
        made = portico.tools.run(RECIPE, order).checked().structured
        for step in made["done"]:
            print(f"  {step}")
        key = made["service_account"]["api_key"]["value"]
        print(f"the key is for whoever opens {key['link']} first; it ends in {key['ends_in']}")

        again = portico.tools.run(RECIPE, order).checked().structured
        if not again.get("replayed") or again["project"]["id"] != made["project"]["id"]:
            raise SystemExit("This must never happen: the same order was carried out twice.")
        print(f"asked again: still {again['project']['id']}, nothing was done")

        print(undone(portico, {**squad(f"{name}-Two"), "rate_limits": [limit(MODEL_THAT_IS_NOT)]}))
        active = [project["name"] for project in portico.proxy.list("projects")]
        if f"{name}-Two" in active:
            raise SystemExit("This must never happen: half a squad was left behind.")
        print(f"active: {name} {active.count(name)} time, {name}-Two never")


def squad(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "service_account": f"{name}-CI-CD",
        "rate_limits": [limit("gpt-4o")],
        "monthly_limit_usd": 250,
        "alert_usd": 200,
        "alert_emails": ["platform@larkfield.example"],
        "members": [{"user": "oliver.grant@larkfield.example", "role": "owner"}, {"user": "Yuki Tanaka"}],
    }


def limit(model: str) -> dict[str, Any]:
    return {"model": model, "requests_per_minute": 500, "tokens_per_minute": 90_000}


def undone(portico: Portico, order: dict[str, Any]) -> str:
    """What the recipe says that it took back, when something in the middle of it is wrong."""
    try:
        portico.tools.run(RECIPE, order).checked()
    except ToolFailed as problem:
        told: Any = problem.result.structured
        if told["code"] != "rolled_back" or told["not_undone"]:
            raise SystemExit(f"Look at it yourself: {told}") from None
        return f"failed: {told['error'][:60]}…\n  undone: {'; '.join(told['undone'])}"
    raise SystemExit("This must never happen: there is no such model.")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "Alpha-RAG-Testing")
