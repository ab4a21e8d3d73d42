"""What a model says → arguments by the vendor's own names: times and names understood, checked, within the limits."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from portico.errors import InvalidArguments
from portico.gateway.lookup import Connected
from portico.model.offered import Offered
from portico.model.operation import Operation
from portico.model.server import ServerConfig
from portico.shapes import Json
from portico.toolbox import names, offer, times
from portico.toolbox.arguments import Arguments
from portico.toolbox.names import Asked, Candidate, Desk, Lister, NameBook


class Acceptance(Struct, frozen=True, kw_only=True):
    """Where and when something is said: whose account, on which server, with which books open."""

    connected: Connected
    config: ServerConfig
    now: datetime
    book: NameBook
    lister: Lister

    async def accept(
        self, operation: Offered, arguments: Arguments, given: Json, named: Sequence[Asked]
    ) -> tuple[Json, Json]:
        """The arguments as the vendor wants them, and what was understood of those that people say otherwise.

        `named`: those that may be given by name.
        """
        said = offer.filled(operation, arguments.rename(given), self.config.arguments)
        own, understood = said, Json()
        if operation.times and "times" not in self.config.comforts_off:
            own, understood = times.understand(operation, own, self.connected.account, self.now)
        if named and "names" not in self.config.comforts_off:
            own, meant = await names.resolve(self._desk(operation), operation, own, named)
            understood = understood | meant
        arguments.check(own)
        own, failures = offer.enforce(operation, own, self.config.arguments, said)
        if failures:
            raise InvalidArguments(failures)
        return own, understood

    def _desk(self, operation: Offered) -> Desk:
        account = self.connected.account

        def may_show(listing: Operation, asked: Asked, candidate: Candidate) -> bool:
            if offer.why_not(listing, self.connected, self.config) is not None:
                return False
            values = (candidate.id, *candidate.names)
            return offer.may_be(operation, asked.parameter, values, self.config.arguments, field=asked.field)

        return Desk(
            view=self.connected.view,
            place=(account.environment_id, account.id),
            book=self.book,
            lister=self.lister,
            may_show=may_show,
        )
