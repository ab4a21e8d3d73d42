"""`POST /integrated-account-webhook/{account}`: where vendors send an account's events. The signature is the token."""

from urllib.parse import unquote

from portico.errors import VerbNotAllowed
from portico.faces.http import Incoming, Send, write_answer
from portico.gateway import inbound
from portico.gateway.parts import Parts
from portico.model.call import Answer
from portico.vault.signatures import Signed

MOST_BYTES = 262_144


async def serve(incoming: Incoming, send: Send, parts: Parts) -> None:
    """204 for what was taken, now or the first time it came."""
    if incoming.verb != "POST":
        raise VerbNotAllowed("Webhooks come as POST.", headers={"allow": "POST"})
    account_id = unquote(incoming.path.removeprefix(inbound.PATH).strip("/"))
    signed = Signed(
        message_id=incoming.header("webhook-id"),
        timestamp=incoming.header("webhook-timestamp"),
        signatures=incoming.header("webhook-signature"),
        body=await incoming.body(MOST_BYTES),
    )
    await inbound.receive(account_id, signed, parts)
    headers = [("x-portico-request-id", incoming.request_id)]
    await write_answer(send, Answer(status=204, headers=headers, content=b""))
