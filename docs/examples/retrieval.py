"""Retrieval for many customers: each has its documents in its own OpenAI account, and finds only its own.

Two customers upload a handbook into a vector store of theirs and ask it the same question. Then one of them tries to
reach the other's store, twice, and is refused twice. Running it again uses the stores that are there.

    make demo                                          # in another terminal; export what it prints
    .venv/bin/python docs/examples/retrieval.py

For production: customers connect themselves (`link_tokens.create(tenant_id=…)` makes the link), so `connected` becomes
a look-up by your own id for the customer, and the documents are theirs.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager

from portico_client import NotFound, Portico

QUESTION = "When is the shop open?"
HANDBOOKS = {
    "northgarden": "The shop in the north is open from nine to six. Roses are cut in March.",
    "southgarden": "The shop in the south is open from noon to ten. Roses are cut in February.",
}


def main() -> None:
    with Portico() as portico:
        accounts = {customer: connected(portico, customer) for customer in HANDBOOKS}
        stores: dict[str, str] = {}
        for customer, account_id in accounts.items():
            with speaking_for(portico, account_id) as own:
                stores[customer] = filled_store(own, HANDBOOKS[customer])
                print(f"{customer}: {answer(own, stores[customer])}")
        north, south = HANDBOOKS
        with speaking_for(portico, accounts[north]) as own:
            refused(own, stores[south], f"{north} cannot search the store of {south} with its own key")
        with speaking_for(portico, accounts[north], accounts[south]) as stranger:
            refused(stranger, stores[south], f"{north} cannot name the account of {south}")


def connected(portico: Portico, customer: str) -> str:
    """The customer's account; connected here with a key from the environment, else with one of the sandbox's."""
    for account in portico.integrated_accounts.list(tenant_id=customer, status="active"):
        return account["id"]
    key = os.environ.get(f"{customer.upper()}_OPENAI_KEY", f"sk-proj-{customer}")
    return portico.integrated_accounts.connect(tenant_id=customer, integration="openai", context={"api_key": key})["id"]


@contextmanager
def speaking_for(portico: Portico, account_id: str, named: str = "") -> Generator[Portico]:
    """A client that can reach this account and no other, whatever it is told. `named`: the account that it asks for."""
    token = portico.integrated_accounts.create_token(account_id)["integrated_account_token"]
    with Portico(portico.url, token, account_id=named or account_id) as own:
        yield own


def filled_store(own: Portico, text: str) -> str:
    """The id of the customer's store, with the handbook in it and ready to be searched."""
    for store in own.proxy.list("vector_stores"):
        if store["name"] == "Handbook":
            return store["id"]
    store = own.proxy.create("vector_stores", {"name": "Handbook"})
    file = own.proxy.create("files", {"purpose": "assistants"}, files={"file": ("handbook.txt", text.encode())})
    # As a tool, the call waits until OpenAI has read the file; on the Proxy API you would look from time to time.
    put = {"vector_store_id": store["id"], "file_id": file["id"], "wait_seconds": 60}
    became = own.tools.run("create_a_openai_vector_store_file", put).checked().structured
    if became["status"] != "completed":
        raise SystemExit(f"The handbook was not read: {became}")
    return store["id"]


def answer(own: Portico, store_id: str) -> str:
    """What a model says who looks into this store."""
    search = {"type": "file_search", "vector_store_ids": [store_id]}
    said = own.proxy.create("responses", {"model": "gpt-4o-mini", "input": QUESTION, "tools": [search]})
    texts = [part["text"] for item in said["output"] if item["type"] == "message" for part in item["content"]]
    return " ".join(texts)


def refused(asking: Portico, store_id: str, fact: str) -> None:
    try:
        asking.proxy.list("vector_store_search", vector_store_id=store_id, query=QUESTION).all()
    except NotFound as problem:
        print(f"{fact}: {problem.sentence}")
    else:
        raise SystemExit(f"This must never happen; it is not true that {fact}")


if __name__ == "__main__":
    main()
