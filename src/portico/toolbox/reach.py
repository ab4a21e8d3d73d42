"""How far a composed tool reaches: into the one path, for its own caller, within its own server's constraints."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct, structs

from portico.errors import InvalidArguments
from portico.gateway.connect import Proof, prove_one
from portico.gateway.execute import execute
from portico.gateway.lookup import Connected
from portico.gateway.parts import Parts
from portico.model.call import Answer, Call, Upload
from portico.model.caller import Caller
from portico.model.offered import Offered
from portico.model.operation import Operation
from portico.shapes import Json
from portico.toolbox import offer

NO_UPLOADS: Mapping[str, Sequence[Upload]] = {}


class Reach(Struct, frozen=True, kw_only=True):
    """`call_of` makes the call that belongs to this run; `read` gives an answer's whole body; `refuses` says why its
    server does not offer something."""

    parts: Parts
    caller: Caller
    connected: Connected
    constraints: dict[str, Json]
    call_of: Callable[[Operation, Json], Call]
    read: Callable[[Answer], Awaitable[bytes]]
    refuses: Callable[[Offered], Exception | None]

    async def send(
        self,
        operation: Operation,
        arguments: Json,
        *,
        idempotency_key: str = "",
        dry_run: bool = False,
        uploads: Mapping[str, Sequence[Upload]] = NO_UPLOADS,
        takes_back: bool = False,
    ) -> Answer:
        """`takes_back`: it undoes what this run did, and neither a used-up quota nor a server's limits prevent that."""
        if takes_back:
            own = arguments
        else:
            arguments = offer.paged(operation, arguments, self.constraints)
            own, failures = offer.enforce(operation, arguments, self.constraints)
            if failures:
                raise InvalidArguments(failures)
        call = structs.replace(
            self.call_of(operation, own),
            idempotency_key=idempotency_key or None,
            dry_run=dry_run,
            uploads=uploads,
            uncounted=takes_back,
        )
        answer = await execute(self.caller, call, self.parts)
        if answer.stream is None:
            return answer
        return structs.replace(answer, content=await self.read(answer), stream=None)

    async def prove(self, credential: str, key: str) -> Proof:
        """With that key alone: organization and project of the account's own keys may not be those of this one."""
        slot = self.connected.view.credentials[credential]
        account = structs.replace(self.connected.account, context={})
        return await prove_one(structs.replace(self.connected, account=account), slot, {slot.field: key}, self.parts)
