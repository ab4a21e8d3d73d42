"""Every operation of the catalog is called once through the Proxy API and once as a tool, from its own example."""

import time
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from portico.catalog.answers import vendor_schema
from portico.catalog.find import View
from portico.catalog.load import load_folder
from portico.catalog.schema import compile_check
from portico.model.operation import Operation
from portico.sandbox.serve import running
from portico.sandbox.state import World
from portico.settings import Settings
from tests.catalog.example_runner import Runner, only_reads, reads
from tests.conftest import MASTER_KEY
from tests.gateways import Client, connect_account, open_client, open_gateway

VIEW: View = load_folder(Path("src/portico/integrations/openai/catalog"))
pytestmark = pytest.mark.asyncio(loop_scope="module")
BEGIN = time.time()
# Those that change nothing come one after the other: they share what takes the longest, to fill the demo.
IN_ORDER = sorted(VIEW.operations, key=lambda operation: not only_reads(operation, VIEW))
EVERY = [pytest.param(each, id=each.key) for each in IN_ORDER]
# Listens until nothing more has come for a while, and that while goes by on the wall: a tenth of the usual is enough.
LISTENERS = {"agent_session_events.stream"}


class Shared(World):
    """Is `fresh` as long as the demo is in it and nothing but readers were; `readers` are their accounts by then, by
    whose keys they have."""

    fresh = False

    def __init__(self) -> None:
        super().__init__()
        self.readers: dict[str, str] = {}


@pytest.fixture(scope="module")
def shared_world() -> Shared:
    return Shared()


@pytest.fixture(scope="module")
def shared_url(shared_world: Shared) -> Generator[str]:
    with running(shared_world) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_client(shared_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Client]:
    folder = tmp_path_factory.mktemp("gateway")
    settings = Settings(data_dir=folder, master_key=MASTER_KEY, vendor_base_urls=(f"openai={shared_url}/v1",))
    async with AsyncExitStack() as stack:
        gateway = await open_gateway(stack, settings)
        yield await stack.enter_async_context(open_client(gateway))


@pytest_asyncio.fixture(loop_scope="module")
async def runner(shared_world: Shared, shared_url: str, shared_client: Client, operation: Operation) -> Runner:
    """A new account for each example that changes something, and a fresh world where the last one may have changed it:
    what one deletes, the next may need.

    What reads, reads the demo's years; whatever else can do without is asked in an empty house, which is made at once.
    """
    is_harmless = only_reads(operation, VIEW)
    if not (is_harmless and shared_world.fresh):
        shared_world.reset()
        # The same moment each time, so that the years before it are invented only once.
        shared_world.turn_to(BEGIN)
        shared_world.readers = {}
    shared_world.fresh = is_harmless
    if operation.key in LISTENERS:
        shared_world.pace = 0.1
    whose = "demo" if reads(operation, VIEW) else "example"
    account_id = shared_world.readers.get(whose, "")
    if not account_id:
        made = await connect_account(shared_client, api_key=f"sk-proj-{whose}", admin_key=f"sk-admin-{whose}")
        account_id = made["id"]
    if is_harmless:
        shared_world.readers[whose] = account_id
    return Runner(shared_client, account_id, VIEW, shared_world, shared_url)


@pytest.mark.parametrize("operation", EVERY)
async def test_example_works_through_the_proxy(runner: Runner, operation: Operation) -> None:
    got = await runner.by_proxy(operation)
    assert got.status < 300, got.content[:1000]
    schema = vendor_schema(operation)
    if schema is not None and got.headers.get("content-type", "").startswith("application/json"):
        assert compile_check(schema)(got.json) == []


@pytest.mark.parametrize("operation", EVERY)
async def test_example_works_as_a_tool(runner: Runner, operation: Operation) -> None:
    got = await runner.by_tool(operation)
    assert got.status == 200, got.content[:1000]
    assert not got.json["is_error"], got.json["structured"]
