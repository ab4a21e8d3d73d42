"""Quotas go with whom they limited: in the transaction that ends the account, the server or the tenant, and audited."""

from portico.gateway.parts import Parts
from portico.model.account import Account
from portico.model.caller import Caller
from portico.model.quota import Bearer
from portico.store.database import Session
from portico.store.quotas import Quotas

_ACT = "quota.deleted"


async def lift(session: Session, caller: Caller, bearer: Bearer, subject: str, parts: Parts) -> None:
    """Whoever calls this tells of the change of quotas in the same transaction."""
    for quota in await Quotas(parts.database).delete_of(session, caller.environment_id, bearer, subject):
        facts = {"applies_to": bearer, "subject": subject, "measure": quota.measure, "period": quota.period}
        await parts.audit.add(session, caller, _ACT, quota.id, parts.clock(), **facts, reason="its subject is gone")


async def lift_of_account(session: Session, caller: Caller, account: Account, parts: Parts) -> None:
    """Its own, and those of its MCP servers, which go with it."""
    for server_id in await parts.servers.ids_of_account(session, caller.environment_id, account.id):
        await lift(session, caller, "server", server_id, parts)
    await lift(session, caller, "account", account.id, parts)
