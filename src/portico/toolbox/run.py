"""Run a tool by its name: comforts in, the one path, comforts out."""

from collections.abc import Sequence

from msgspec import Struct, structs

from portico.catalog.find import View
from portico.errors import ApprovalPending, Failure, InvalidArguments, NotFound, Refusal
from portico.gateway.admit import admit_effect, admit_state
from portico.gateway.execute import execute
from portico.gateway.lookup import Connected
from portico.gateway.parts import Parts
from portico.gateway.record import Entry
from portico.gateway.stored import NAME_RULE
from portico.model.account import AccountId
from portico.model.call import Call, Face, Patience, Upload
from portico.model.caller import Caller
from portico.model.offered import Offered
from portico.model.operation import Operation
from portico.model.secret import SecretRules
from portico.model.server import McpServer, ServerConfig
from portico.shapes import Json
from portico.store import replays
from portico.toolbox import brakes, names, offer, results, times
from portico.toolbox.accept import Acceptance
from portico.toolbox.artifacts import Artifacts, Keeping
from portico.toolbox.brakes import Meant, Standing
from portico.toolbox.composed import Asked, Composed, Context
from portico.toolbox.confirm import Asking, InputNeeded, is_held
from portico.toolbox.controls import AS, BASE64, DRY_RUN, FIELDS, OFF, STORE_AS, TABLE, read_flag, read_patience
from portico.toolbox.fields import ALL, read_fields
from portico.toolbox.files import FileArguments
from portico.toolbox.handing import hand_over
from portico.toolbox.known import KnownTools
from portico.toolbox.offer import Offer
from portico.toolbox.once import Once
from portico.toolbox.pricing import price_of
from portico.toolbox.progress import Report
from portico.toolbox.reach import Reach
from portico.toolbox.rests import NEXT_CURSOR, Place, Rests, is_rest
from portico.toolbox.results import ToolResult
from portico.toolbox.search import Index, index_of
from portico.toolbox.showing import Presenter, Showing
from portico.toolbox.shown_once import KeyWish, ShownOnce, rules_for
from portico.toolbox.teach import teach
from portico.toolbox.waiting import Followed, Waiter, read_wish

# Looking for a name goes no further than this: whoever has more items of a kind gives ids.
_MOST_PAGES, _PAGE_SIZE = 30, 100


class ToolCall(Struct, frozen=True, kw_only=True):
    """One tool to be run for somebody. `server` is set where an MCP server stands between, `secrets` where none does
    and whoever asks has said how keys are to be handed over.

    `entry` is its row in the log, where a face has opened it. The calls that a tool makes have rows of their own.
    """

    account_id: AccountId
    name: str
    arguments: Json
    face: Face
    server: McpServer | None = None
    secrets: SecretRules | None = None
    request_id: str = ""
    client: str = ""
    trace_id: str = ""
    report: Report | None = None
    entry: Entry | None = None
    asking: Asking = Asking()
    patience: Patience = Patience()

    @property
    def config(self) -> ServerConfig:
        return self.server.config if self.server else offer.NO_CONFIG

    @property
    def secret_rules(self) -> SecretRules:
        """A server's rules are nobody's to change."""
        return self.secrets if self.secrets and not self.server else self.config.secret_rules


class Toolbox:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._files = FileArguments(parts.shelf, parts.transport, parts.settings)
        rests = Rests(parts.shelf, parts.keyring.pepper)
        self._presenter = Presenter(Artifacts(parts.shelf), rests, parts.settings.reshape_limit_bytes)
        self._known = KnownTools()
        self._names = names.NameBook(parts.clock, parts.written)

    def offer(self, connected: Connected, config: ServerConfig) -> Offer:
        return offer.offer(connected, config)

    def index(self, view: View) -> Index:
        return index_of(view)

    async def run(self, caller: Caller, asked: ToolCall) -> ToolResult:
        """The result, also where it is a refusal. Raised is only what makes the call itself wrong: an unknown tool."""
        begun = _begun(asked)
        with asked.entry or self._parts.recorder.open(caller, begun, is_held=True) as entry:
            entry.call = begun
            entry.connected = connected = await self._parts.lookup.connected(caller.environment_id, asked.account_id)
            operation = self.find(connected, asked.name)
            entry.call = structs.replace(
                begun, resource=operation.resource, method=operation.method, arguments=asked.arguments
            )
            try:
                admit_state(connected)  # before keys that are missing: a panic button took them
                if (problem := offer.why_not(operation, connected, asked.config)) is not None:
                    raise problem
                result = await self._run(caller, structs.replace(asked, entry=entry), connected, operation)
                if operation.secrets and asked.asking.open_page is not None:
                    return await hand_over(caller, asked.account_id, result, self._parts, asked.asking.open_page)
                return result
            except InputNeeded as needed:
                entry.refuse(ApprovalPending.status, ApprovalPending.code, needed.approval.title)
                raise
            except Refusal as problem:
                entry.fail(problem)
                return teach(problem, operation, _lister(connected.view, operation), asked.config)

    def find(self, connected: Connected, name: str) -> Offered:
        operation = connected.view.tool(name)
        if operation is None:
            near = ", ".join(connected.view.nearest_tools(name))
            hint = f"Nearest: {near}." if near else "List the tools to see their names."
            raise NotFound(f"There is no tool {name!r}. {hint}")
        return operation

    async def _run(self, caller: Caller, asked: ToolCall, connected: Connected, offered: Offered) -> ToolResult:
        known = self._known.of(connected.view, offered)
        own, said = known.controls.take(asked.arguments, asked.config.comforts_off)
        wish, is_dry_run = read_wish(said), read_flag(said, DRY_RUN)
        asked = structs.replace(asked, arguments=own, patience=read_patience(said))
        showing = self._showing(caller, asked, connected, offered, said)
        if is_rest(own.get(NEXT_CURSOR)):
            if showing.place is None:
                raise InvalidArguments([Failure(NEXT_CURSOR, OFF)])
            admit_effect(caller, offered.effect)
            return await self._presenter.go_on(showing.place, own[NEXT_CURSOR])
        acceptance = Acceptance(
            connected=connected,
            config=asked.config,
            now=self._parts.clock(),
            book=self._names,
            lister=self._lister_for(caller, asked),
        )
        accepted, understood = await acceptance.accept(offered, known.arguments, asked.arguments, known.named)
        showing = structs.replace(showing, arguments=accepted)
        if not is_dry_run:
            await self._hold(caller, asked, connected, offered, (accepted, understood))
        accepted, uploads = await self._files.take(offered, known.files, accepted, showing.keeping)
        if isinstance(offered, Composed):
            run = self._asked(caller, asked, connected, offered, showing.keys)
            run = structs.replace(run, is_dry_run=is_dry_run, uploads=uploads)
            return await self._composed(offered, run, accepted, understood, showing)
        operation = connected.view.find(offered.resource, offered.method)
        await showing.keys.ready()
        call = self._call(asked, operation, accepted, uploads, dry_run=is_dry_run)
        followed = Followed(answer=await execute(caller, call, self._parts, asked.entry), operation=operation)
        if wish is not None and not is_dry_run:
            waiter = Waiter(self._reach(caller, asked, connected), asked.report)
            followed = await waiter.follow(operation, accepted, followed.answer, wish)
        if is_dry_run:
            price = await self._price(caller, asked, connected, operation, accepted)
            reach = self._reach(caller, asked, connected)
            answer = await brakes.previewed(reach, operation, accepted, followed.answer, price)
            followed = structs.replace(followed, answer=answer)
        told = {
            name: note for name, note in ((results.WAITING, followed.note), (results.UNDERSTOOD, understood)) if note
        }
        return await self._presenter.show(followed.answer, followed.operation, structs.replace(showing, told=told))

    async def _composed(
        self, offered: Composed, run: Asked, arguments: Json, understood: Json, showing: Showing
    ) -> ToolResult:
        if run.is_dry_run and offered.effect == "read":
            return results.of_value({"dry_run": True, "note": "This tool only reads; call it without dry_run."})
        context = Context(run)
        value = await showing.keys.over(await offered.run(context, arguments), is_ours=True)
        notes: Json = {"incomplete": context.incomplete, "understood": understood}
        if run.is_dry_run:
            showing = structs.replace(showing, fields=ALL)
        told = {name: note for name, note in notes.items() if note}
        return await self._presenter.composed(value, told, showing, context.looked)

    def _showing(self, caller: Caller, asked: ToolCall, connected: Connected, offered: Offered, said: Json) -> Showing:
        off = asked.config.comforts_off
        return Showing(
            keeping=_keeping(caller, asked, said),
            keys=self._keys(caller, asked, connected, offered, said),
            fields=read_fields(said.get(FIELDS)),
            limit=asked.config.result_limit,
            place=None if "cursors" in off else _place(caller, asked, offered),
            is_table=said.get(AS) == TABLE,
            is_lean="lean" not in off,
        )

    async def _hold(
        self, caller: Caller, asked: ToolCall, connected: Connected, offered: Offered, read: tuple[Json, Json]
    ) -> None:
        """Until somebody has said yes, on a server where that is needed. `read`: the arguments, and how they were."""
        if asked.server is None or not is_held(offered, asked.config):
            return
        accepted, understood = read

        async def plan() -> Json:
            if not isinstance(offered, Composed):
                return {}
            run = structs.replace(
                self._asked(caller, asked, connected, offered, self._keys(caller, asked, connected, offered, {})),
                is_dry_run=True,
            )
            return await offered.run(Context(run), accepted)

        async def price() -> Json | None:
            return await self._price(caller, asked, connected, offered, accepted)

        standing = Standing(
            caller=caller,
            server=asked.server,
            reach=self._reach(caller, asked, connected),
            client=asked.client,
            asking=asked.asking,
            report=asked.report,
        )
        meant = Meant(
            offered=offered, arguments=accepted, said=asked.arguments, understood=understood, plan=plan, price=price
        )
        await brakes.hold(standing, meant, self._parts)

    async def _price(
        self, caller: Caller, asked: ToolCall, connected: Connected, offered: Offered, arguments: Json
    ) -> Json | None:
        """What the call would cost, where the catalog says what tells that."""
        if not isinstance(offered, Operation):
            return None
        hand = self._keys(caller, asked, connected, offered, {})
        return await price_of(
            connected.view, offered, arguments, lambda each: self._asked(caller, asked, connected, each, hand)
        )

    def _keys(self, caller: Caller, asked: ToolCall, connected: Connected, offered: Offered, said: Json) -> ShownOnce:
        name = said.get(STORE_AS) or ""
        if not isinstance(name, str):
            raise InvalidArguments([Failure(STORE_AS, "must be text", NAME_RULE)])
        rules = rules_for(asked.secret_rules, connected.view)
        wish = KeyWish(caller=caller, account_id=asked.account_id, rules=rules, name=name)
        return ShownOnce(self._parts.handover, self._parts.stored, wish, offered)

    def _reach(self, caller: Caller, asked: ToolCall, connected: Connected) -> Reach:
        return Reach(
            parts=self._parts,
            caller=caller,
            connected=connected,
            constraints=asked.config.arguments,
            call_of=lambda operation, arguments: self._call(asked, operation, arguments, {}),
            read=self._presenter.read,
            refuses=lambda offered: offer.why_not(offered, connected, asked.config),
        )

    def _asked(
        self, caller: Caller, asked: ToolCall, connected: Connected, offered: Composed, hand: ShownOnce
    ) -> Asked:
        reach = self._reach(caller, asked, connected)
        admit_effect(caller, offered.effect)
        return Asked(
            connected=connected,
            effect=offered.effect,
            now=self._parts.clock(),
            zone=times.zone_of(connected.account),
            send=reach.send,
            prove=reach.prove,
            once=Once(self._parts.idempotency, caller, replays.composed_runs(asked.account_id, offered.tool.name)),
            left=lambda model: self._parts.seen.left(asked.account_id, model),
            hand=hand,
            go_on=Waiter(reach, asked.report).go_on,
            report=asked.report,
        )

    def _lister_for(self, caller: Caller, asked: ToolCall) -> names.Lister:
        async def every(operation: Operation, arguments: Json) -> names.Listed:
            """All items of a list, page after page, as the caller could have asked for them."""
            items: list[Json] = []
            asking = arguments | ({"limit": _page_size(operation)} if operation.page and operation.page.limit else {})
            for _ in range(_MOST_PAGES):
                # A row of its own in the log: the tool's row belongs to the call that was asked for.
                call = self._call(asked, operation, asking, {})
                answer = await execute(caller, call, self._parts)
                if answer.page is None:
                    return names.Listed(items=items)
                items += names.items_in(answer.page.items)
                if answer.page.next_cursor is None:
                    return names.Listed(items=items)
                asking = asking | {"next_cursor": answer.page.next_cursor}
            return names.Listed(items=items, is_whole=False)

        return every

    def _call(
        self,
        asked: ToolCall,
        operation: Operation,
        accepted: Json,
        uploads: dict[str, Sequence[Upload]],
        *,
        dry_run: bool = False,
    ) -> Call:
        return Call(
            account_id=asked.account_id,
            face=asked.face,
            resource=operation.resource,
            method=operation.method,
            arguments=_without_streaming(operation, accepted),
            uploads=uploads,
            dry_run=dry_run,
            patience=asked.patience,
            request_id=asked.request_id,
            tool=asked.name,
            server_id=asked.server.id if asked.server else "",
            client=asked.client,
            trace_id=asked.trace_id,
        )


def _begun(asked: ToolCall) -> Call:
    """What the log says of a call as long as nothing more is known of it."""
    return Call(
        account_id=asked.account_id,
        face=asked.face,
        request_id=asked.request_id,
        tool=asked.name,
        server_id=asked.server.id if asked.server else "",
        client=asked.client,
        trace_id=asked.trace_id,
    )


def _place(caller: Caller, asked: ToolCall, offered: Offered) -> Place:
    return Place(
        environment_id=caller.environment_id,
        account_id=asked.account_id,
        server_id=asked.server.id if asked.server else "",
        tool=offered.tool.name,
    )


def _keeping(caller: Caller, asked: ToolCall, said: Json) -> Keeping:
    return Keeping(
        environment_id=caller.environment_id,
        account_id=asked.account_id,
        limit=asked.config.result_limit,
        is_off="files" in asked.config.comforts_off,
        wants_base64=said.get(AS) == BASE64,
    )


def _page_size(operation: Operation) -> int:
    """A hundred, or as many as the vendor allows at most."""
    limit = next((each for each in operation.parameters if each.name == "limit"), None)
    return min(_PAGE_SIZE, limit.schema.get("maximum") or _PAGE_SIZE) if limit else _PAGE_SIZE


def _without_streaming(operation: Operation, accepted: Json) -> Json:
    """A model gets the whole answer, not a stream of pieces."""
    streaming = operation.events_when
    if not streaming:
        return accepted
    return {name: value for name, value in accepted.items() if streaming.get(name) != value}


def _lister(view: View, operation: Offered) -> str:
    """The tool that lists what the operation's id belongs to."""
    if operation.identity and view.has(operation.resource, "list"):
        return view.find(operation.resource, "list").tool.name
    parameter = next((each for each in operation.parameters if each.place == "path" and each.names), None)
    if parameter is None:
        return ""
    resource, _, method = parameter.names.partition(".")
    return view.find(resource, method).tool.name if view.has(resource, method) else ""
