"""What each customer costs, and a quota that holds: the customer who has used it up gets a 429 and your program copes.

Two customers on different plans ask their questions. The smaller plan ends in the middle: what is left is put aside,
the customer buys the larger plan, and the rest is answered. Then each customer's use is told twice: as Portico metered
it, and as OpenAI itself reports it, by workspace (that is what OpenAI calls a project).

    make demo                                          # in another terminal; export what it prints
    .venv/bin/python docs/examples/customer_costs.py

For production: quotas are made where a customer signs up or changes plans, and stay. Count dollars instead of requests
with `measure="spend", period="month"`; webhooks hear of `budget:warning` at 80 %. OpenAI's own figures need the
customer's admin key; Portico's need nothing.
"""

import os
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal

from portico_client import Portico, RateLimited

PLANS = {"fernhill": 3, "oakwood": 50}  # requests a minute
LARGER_PLAN = 50
QUESTIONS = [f"What is {number} * {number}?" for number in range(1, 7)]


def main() -> None:
    with Portico() as portico:
        accounts = {customer: connected(portico, customer) for customer in PLANS}
        for customer, account_id in accounts.items():
            allow(portico, customer, PLANS[customer])
            left = ask(portico, account_id, QUESTIONS)
            if left:
                print(f"{customer}: buys the larger plan")
                allow(portico, customer, LARGER_PLAN)
                left = ask(portico, account_id, left)
            print(f"{customer}: {len(QUESTIONS) - len(left)} of {len(QUESTIONS)} questions are answered")
        for customer, account_id in accounts.items():
            print_costs(portico, customer, account_id)


def connected(portico: Portico, customer: str) -> str:
    """The customer's account; connected here with keys from the environment, else with those of the sandbox."""
    for account in portico.integrated_accounts.list(tenant_id=customer, status="active"):
        return account["id"]
    keys = {
        "api_key": os.environ.get(f"{customer.upper()}_OPENAI_KEY", f"sk-proj-{customer}"),
        "admin_key": os.environ.get(f"{customer.upper()}_OPENAI_ADMIN_KEY", f"sk-admin-{customer}"),
    }
    return portico.integrated_accounts.connect(tenant_id=customer, integration="openai", context=keys)["id"]


def allow(portico: Portico, customer: str, maximum: int) -> None:
    """So many requests a minute, however many the customer's quota allowed before."""
    for quota in portico.quotas.list(applies_to="tenant", subject=customer, measure="requests", period="minute"):
        portico.quotas.update(quota["id"], maximum)
        return
    portico.quotas.create(
        applies_to="tenant", subject=customer, measure="requests", period="minute", maximum=maximum
    )  # fmt: skip


def ask(portico: Portico, account_id: str, questions: list[str]) -> list[str]:
    """Those that could not be asked any more."""
    for place, question in enumerate(questions):
        asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": question}]}
        try:
            portico.of(account_id).proxy.create("chat_completions", asked)
        except RateLimited as problem:
            # With is_remote it would be OpenAI's own limit; this one is ours, and nothing was sent.
            whose = "OpenAI's limit" if problem.is_remote else "the plan"
            print(f"{whose} ends after {place} questions; it goes on in {problem.retry_after:.0f} seconds")
            return questions[place:]
    return []


def print_costs(portico: Portico, customer: str, account_id: str) -> None:
    """This month's use. Portico's dollars are an estimate by the price list, OpenAI's are what it bills."""
    for row in portico.usage.list(period="this month", by="model", tenant_id=customer):
        if row["model"]:
            tokens = row["input_tokens"] + row["output_tokens"]
            print(
                f"{customer}: {row['model']} {row['requests']} requests, {tokens} tokens, {row['cost_usd']:.6f} dollars"
            )
    reported = portico.of(account_id).unified
    names = {each["id"]: each["name"] for each in reported.list("usage-metering", "workspaces")}
    bill: defaultdict[str, Decimal] = defaultdict(Decimal)
    month = f"{datetime.now(UTC):%Y-%m}-01"
    for record in reported.list("usage-metering", "usage", start_date=month, report_type="cost", group_by="workspace"):
        workspace = next(each["id"] for each in record["resources"] if each["type"] == "workspace")
        bill[workspace] += sum(Decimal(charge["amount"]) for charge in record["charges"])
    for workspace, dollars in bill.items():
        print(f"{customer}: OpenAI bills {dollars:.6f} dollars for the workspace {names.get(workspace, workspace)}")


if __name__ == "__main__":
    main()
