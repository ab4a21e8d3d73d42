"""A project for each tenant in your own OpenAI organization, with people, models and a key that nobody ever sees.

Makes the tenant's project, lets two people in with different roles, allows two models, and makes a key that Portico
stores under a name and uses for a new account of the tenant. Then it checks what it did: the allowed model answers, any
other is refused, the tenant's account cannot administer anything, and the access report names exactly who is in.
Running it again changes nothing.

    make demo                                          # in another terminal; export what it prints
    .venv/bin/python docs/examples/tenant_project.py   # or: tenant_project.py NAME

For production: PORTICO_ACCOUNT is the account with your organization's admin key; people come from your own directory.
When a tenant leaves, delete its account and archive its project.
"""

import sys
from collections.abc import Callable
from typing import Any

from portico_client import Conflict, NotAllowed, Portico

PEOPLE = {"oliver.grant@larkfield.example": "owner", "yuki.tanaka@larkfield.example": "member"}
MODELS = ["gpt-4o-mini", "text-embedding-3-small"]
OTHER_MODEL = "gpt-4o"


def main(tenant: str) -> None:
    with Portico() as portico:
        project_id = project_of(portico, tenant)
        let_in(portico, project_id)
        allowed = {"mode": "allow_list", "model_ids": MODELS}
        portico.proxy.method("project_model_permissions", "update", allowed, project_id=project_id)
        account_id = account_of(portico, tenant, project_id)
        print(f"{tenant}: project {project_id}, account {account_id}")
        check(portico, project_id, account_id)


def project_of(portico: Portico, tenant: str) -> str:
    for project in portico.unified.list("user-directory", "workspaces", name=tenant):
        return project["id"]
    return portico.unified.create("user-directory", "workspaces", {"name": tenant})["id"]


def let_in(portico: Portico, project_id: str) -> None:
    """Everybody in PEOPLE, in the role that stands there. Whoever made the project is its owner already."""
    inside = {each["email"]: each for each in portico.proxy.list("project_users", project_id=project_id)}
    for email, role in PEOPLE.items():
        known = inside.get(email)
        if known is None:
            portico.proxy.create("project_users", {"email": email, "role": role}, project_id=project_id)
        elif known["role"] != role:
            portico.proxy.update("project_users", known["id"], {"role": role}, project_id=project_id)


def account_of(portico: Portico, tenant: str, project_id: str) -> str:
    """The tenant's account here. Its key goes from OpenAI into Portico's store; this program reads only its name."""
    for account in portico.integrated_accounts.list(tenant_id=tenant, status="active"):
        return account["id"]
    name = f"{tenant} key"
    asked = {"project_id": project_id, "name": "portico", "store_as": name}
    portico.tools.run("create_a_openai_project_service_account", asked).checked()
    context = {"api_key": {"stored": name}, "project": project_id}
    return portico.integrated_accounts.connect(tenant_id=tenant, integration="openai", context=context)["id"]


def check(portico: Portico, project_id: str, account_id: str) -> None:
    tenant = portico.of(account_id)

    def chat(model: str) -> Any:
        return tenant.proxy.create(
            "chat_completions", {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
        )

    print(f"{MODELS[0]} answers: {chat(MODELS[0])['choices'][0]['message']['content']}")
    refused(NotAllowed, lambda: chat(OTHER_MODEL))
    refused(Conflict, lambda: tenant.proxy.list("projects").all())
    report = portico.tools.run("openai_access_report", {"project_ids": [project_id]}).checked().structured
    columns = report["access"]["columns"]
    for row in (dict(zip(columns, cells, strict=True)) for cells in report["access"]["rows"]):
        if not row["project"].startswith("("):  # those come in through the whole organization, whatever you do
            print(f"access: {row['who']} ({row['kind']}): {row['roles']}")


def refused(kind: type[Exception], act: Callable[[], Any]) -> None:
    try:
        act()
    except kind as problem:
        print(f"refused, as it should be: {problem}")
    else:
        raise SystemExit("This must never happen: what the tenant may not do was done.")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "Brightleaf")
