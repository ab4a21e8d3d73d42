"""`portico demo`: gateway, sandbox and a connected account in one process, with nothing to configure."""

import asyncio
import contextlib
import json as json_
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption
from portico.cli.listen import listen, port_of
from portico.cli.progress import told
from portico.cli.say import complain, say
from portico.cli.serve import run
from portico.cli.story import open_servers, tell
from portico.settings import Settings

if TYPE_CHECKING:
    from portico.app import Portico

TENANT, USER = "demo-customer", "demo"
HOST = "127.0.0.1"
MEMO = "demo.sealed"
PROJECT_KEY, ADMIN_KEY = "sk-proj-demo", "sk-admin-demo"
Port = Annotated[int, Parameter(help="The port to listen on; 0 takes a free one.", show_default=True)]
# The one line of `--json`, in this order.
TOLD = ("url", "api_token", "integrated_account_id", "tenant_id", "mcp_url", "admin_url", "sandbox_url")
Data = Annotated[Path | None, Parameter(help="Keep the demo's data in this folder instead of forgetting them.")]


def demo(*, port: Port = 8700, data: Data = None, json: JsonOption = False) -> int:
    """Everything in one process: no key, no network, nothing to set up. Ctrl-C ends it."""
    from portico.store.claim import claimed

    with listen(HOST, port) as listener, _folder(data) as folder, claimed("", folder, "serve"):
        return run(_demo(listener, folder, json=json))


async def _demo(listener: socket.socket, folder: Path, *, json: bool) -> int:
    from portico.app import build
    from portico.faces.server import Server, configure
    from portico.log import configure as configure_log
    from portico.sandbox.serve import running
    from portico.sandbox.state import World

    configure_log("warning")
    port = port_of(listener)
    with running(World(), HOST, _near(port)) as sandbox_url:
        settings = Settings(
            data_dir=folder,
            public_url=f"http://{HOST}:{port}",
            vendor_base_urls=(f"openai={sandbox_url}/v1",),
            allowed_webhook_urls=(f"http://{HOST}",),
        )
        with told("Starting"):
            portico = await build(settings)
            facts = await _prepare(portico, settings, sandbox_url)
            password = await _make_user(portico)
        server = Server(configure(portico, HOST, port))
        async with _announced(server, portico, facts, password, json=json):
            await server.serve(sockets=[listener])
    return 0


async def _prepare(portico: "Portico", settings: Settings, sandbox_url: str) -> dict[str, Any]:
    """A token and a connected account, the account of an earlier run where the data were kept."""
    from portico.gateway.accounts import Import, import_account, installation_for
    from portico.gateway.bootstrap import make_first_token
    from portico.store.accounts import AccountFilter

    parts = portico.parts
    token = await make_first_token(parts, "demo")
    caller = await parts.lookup.caller(token)
    known = await parts.accounts.page(caller.environment_id, "~", 1, AccountFilter(tenant_id=(TENANT,)))
    if known:
        account = known[0]
    else:
        installation = await installation_for(caller, "openai", "", parts)
        context = {"api_key": PROJECT_KEY, "admin_key": ADMIN_KEY}
        view = parts.views.shipped["openai"]
        wanted = Import(installation=installation, view=view, tenant_id=TENANT, context=context)
        account = await import_account(caller, wanted, parts)
    return {
        "url": settings.public_url,
        "api_token": token,
        "integrated_account_id": account.id,
        "tenant_id": account.tenant_id,
        "admin_url": f"{settings.public_url}/admin",
        "sandbox_url": sandbox_url,
    }


async def _make_user(portico: "Portico") -> str:
    """The password of the user `demo`, a new one at every start."""
    from portico.gateway.people import NewPerson, add_person, made_password, set_password

    password = made_password()
    known = await portico.parts.people.called(USER)
    if known is None:
        await add_person(portico.parts, NewPerson(name=USER, password=password, role="owner"))
    else:
        await set_password(portico.parts, known[0], password)
    return password


@contextlib.asynccontextmanager
async def _announced(
    server: Any, portico: "Portico", facts: dict[str, Any], password: str, *, json: bool
) -> AsyncGenerator[None]:
    async def announce() -> None:
        while not server.started:  # noqa: ASYNC110 -- the server offers nothing to wait on
            await asyncio.sleep(0.01)
        account_id, api = facts["integrated_account_id"], Api(facts["url"], facts["api_token"])
        facts["mcp_url"], billing_url = await _open_servers(portico, api, account_id)
        if json:
            complain(f"Sign in at {facts['url']}/sign-in as {USER} with the password {password}")
        say(json_.dumps({name: facts[name] for name in TOLD}) if json else _welcome(facts, password))
        await asyncio.to_thread(tell, api, account_id, billing_url)

    task = asyncio.create_task(announce())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _open_servers(portico: "Portico", api: Api, account_id: str) -> tuple[str, str]:
    """The servers' addresses: those of an earlier run while they hold, because somebody has put them into a client."""
    from portico.gateway.bootstrap import ensure_first_environment
    from portico.gateway.memo import Memo
    from portico.vault import tokens

    parts = portico.parts
    environment = await ensure_first_environment(parts)
    memo = Memo(parts.settings.data_dir / MEMO, environment.id, parts.keyring)
    holding: dict[str, str] = {}
    for secret in (await memo.read()).decode().split():
        found = await parts.operators.server_by_digest(tokens.digest(secret, parts.keyring.pepper))
        holding |= {found.id: secret} if found else {}
    urls = await asyncio.to_thread(open_servers, api, account_id, holding)
    await memo.write(" ".join(url.rpartition("/")[2] for url in urls).encode())
    return urls


def _called() -> str:
    """How this program is called from another terminal in the same folder."""
    if shutil.which("portico"):
        return "portico"
    beside = Path(sys.executable).with_name("portico")
    if not beside.exists():
        return f"{sys.executable} -m portico"
    return os.path.relpath(beside) if beside.is_relative_to(Path.cwd()) else str(beside)


def _welcome(facts: dict[str, Any], password: str) -> str:
    url, token, account = facts["url"], facts["api_token"], facts["integrated_account_id"]
    portico = _called()
    return f"""
Portico is ready. It talks to a sandbox that imitates OpenAI: no key, no network, nothing to break.

  API          {url}          (docs: {url}/docs)
  API token    {token}
  Sign in      {url}/sign-in          (user {USER}, password {password})
  Account      {account}  (tenant {facts["tenant_id"]})
  MCP server   {facts["mcp_url"]}
  Look at      {facts["admin_url"]}          (a log is being filled; an agent waits for your yes)
  Sandbox      {facts["sandbox_url"]}/v1

Try, in another terminal:

  export PORTICO_URL={url} PORTICO_TOKEN={token} PORTICO_ACCOUNT={account}
  {portico} tools call list_all_openai_projects
  {portico} call users list limit=5
  curl -H "Authorization: Bearer $PORTICO_TOKEN" "{url}/proxy/files?integrated_account_id={account}&limit=3"
  OPENAI_BASE_URL={url}/passthrough/{account} OPENAI_API_KEY=$PORTICO_TOKEN python your_openai_program.py

Ctrl-C ends it."""


@contextlib.contextmanager
def _folder(data: Path | None) -> Generator[Path]:
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="portico-demo-") as name:
        yield Path(name)


def _near(port: int) -> int:
    """The next port if it is free, else any."""
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port + 1))
        except OSError:
            return 0
    return port + 1
