"""Spend and capacity audit: what did last week cost, and is the dearest project about to run into its rate limits?

Exact dollars by project, compared with the week before. Where they are more than the budget, the dearest project is
looked at model by model: how much of a day its busiest day would take at full rate. Nothing is sent to any model.

    make demo                                          # in another terminal; export what it prints
    .venv/bin/python docs/examples/spend_audit.py      # or with a weekly budget in dollars: spend_audit.py 800

For production: run it from cron and post what it prints; it ends with 1 where something is near its limit. A person
can ask an agent the same thing: these reports are tools of the account.
"""

import math
import sys
from decimal import Decimal
from typing import Any

from portico_client import Portico

PERIOD = "last 7 days"
NEAR_PERCENT = 50
MOST_MODELS = 3


def main(budget: Decimal) -> int:
    with Portico() as portico:
        costs = report(portico, "openai_costs_report", by=["project"])
        total = Decimal(costs["total"]["usd"])
        print(
            f"{PERIOD}: {total:.2f} dollars of {budget:.2f}, {costs['total']['change_percent']:+} % on the week before"
        )
        for row in rows_of(costs["tables"]["project"]):
            print(f"  {row['project']}: {Decimal(row['usd']):.2f} dollars, {row['share_percent']} %")
        if total <= budget:
            print("Within the budget: capacity is not looked at.")
            return 0
        dearest = rows_of(costs["tables"]["project"])[0]
        print(f"Over the budget. Capacity of {dearest['project']}:")
        near = [model for model in main_models(portico, dearest["id"]) if is_near(portico, dearest["id"], model)]
        print(f"Near its limit: {', '.join(near) or 'nothing'}")
        return 1 if near else 0


def report(portico: Portico, name: str, **wish: Any) -> dict[str, Any]:
    """A report of the period. What it could not find out would stand in `incomplete`; an audit must not miss that."""
    told = portico.tools.run(name, {"start_time": PERIOD, **wish}).checked().structured
    if told.get("incomplete"):
        raise SystemExit(f"{name} is incomplete: {told['incomplete']}")
    return told


def rows_of(table: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def main_models(portico: Portico, project_id: str) -> list[str]:
    """The models that the project uses most, by tokens. A table's last row may sum up the others."""
    used = report(portico, "openai_usage_report", by=["model"], project_ids=[project_id], compare=False)
    return [row["model"] for row in rows_of(used["tables"]["model"])][:MOST_MODELS]


def is_near(portico: Portico, project_id: str, model: str) -> bool:
    """Whether the busiest day of the period would take half a day or more at the rate that the limits allow."""
    used = report(portico, "openai_usage_report", by=["day"], project_ids=[project_id], models=[model], compare=False)
    busiest = max(rows_of(used["tables"]["day"]), key=lambda row: row["tokens"])
    work = {"requests": busiest["requests"], "tokens_per_request": math.ceil(busiest["tokens"] / busiest["requests"])}
    asked = {"project_id": project_id, "model": model, **work}
    fits = portico.tools.run("openai_rate_limit_check", asked).checked().structured
    if not fits["fits"]:
        print(f"  {model}: {busiest['day']} would not fit: {'; '.join(fits['because'])}")
        return True
    percent = 100 * fits["takes_seconds"] / 86_400
    print(f"  {model}: {busiest['day']} had {work['requests']} requests, {percent:.1f} % of what a day allows")
    return percent >= NEAR_PERCENT


if __name__ == "__main__":
    sys.exit(main(Decimal(sys.argv[1] if len(sys.argv) > 1 else "500")))
