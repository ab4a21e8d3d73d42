"""The command line: names and help of every command. What a command does is imported only when it is called."""

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

HELP = "A self-hosted front door to other people's APIs. Start with `portico demo`."
EPILOGUE = (
    "Commands that talk to a gateway take its address and API token from PORTICO_URL and PORTICO_TOKEN, "
    "or from --url and --token."
)

COMMANDS: dict[str, str | dict[str, str]] = {
    "demo": "portico.cli.demo:demo|Gateway, sandbox and a connected account in one process, nothing to configure.",
    "serve": "portico.cli.serve:serve|The gateway.",
    "sandbox": "portico.cli.sandbox:sandbox|The OpenAI emulator alone.",
    "accounts": {
        "": "Customers' connected accounts.",
        "list": "portico.cli.accounts:list_|List accounts.",
        "show": "portico.cli.accounts:show|Show one account.",
        "connect": "portico.cli.accounts:connect|Connect an account with its keys.",
        "update": "portico.cli.accounts:update|Change an account's keys, tenant or state.",
        "check": "portico.cli.accounts:check|Prove an account's keys again.",
        "panic": "portico.cli.accounts:panic|Stop an account, and end its keys at the vendor with proof.",
        "token": "portico.cli.accounts:token|Make a token that speaks for one account, for 15 minutes.",
        "delete": "portico.cli.accounts:delete|Delete an account.",
    },
    "link": {
        "": "Links by which customers connect their accounts themselves.",
        "create": "portico.cli.link:create|Make a link that works once, within seven days.",
        "page": "portico.cli.link:page|Show or change the page that links lead to.",
    },
    "tokens": {
        "": "API tokens of the environment.",
        "list": "portico.cli.tokens:list_|List API tokens.",
        "create": "portico.cli.tokens:create|Create an API token; it is shown this once.",
        "revoke": "portico.cli.tokens:revoke|Revoke an API token.",
    },
    "users": {
        "": "People who sign in; on the database itself, for whoever sits at the machine.",
        "list": "portico.cli.users:list_|List users.",
        "create": "portico.cli.users:create|Create a user.",
        "password": "portico.cli.users:password|Set a user's password.",
        "update": "portico.cli.users:update|Change a user's role or environments.",
        "sessions": "portico.cli.users:sessions|List where users are signed in.",
        "sign-out": "portico.cli.users:sign_out|End a user's sessions, or one of them.",
        "link": "portico.cli.users:link|Have a user sign in at the provider.",
        "unlink": "portico.cli.users:unlink|Unlink a user from the provider.",
        "disable": "portico.cli.users:disable|Keep a user out, with every program that they let in.",
        "enable": "portico.cli.users:enable|Let a disabled user sign in again.",
    },
    "environments": {
        "": "Environments: the walls between tenants.",
        "list": "portico.cli.environments:list_|List environments.",
        "create": "portico.cli.environments:create|Create an environment.",
        "update": "portico.cli.environments:update|Rename one, or switch the logging of bodies on or off.",
    },
    "mcp": {
        "": "MCP servers: an account's tools for Claude, ChatGPT and every other client.",
        "list": "portico.cli.mcp:list_|List an account's MCP servers.",
        "create": "portico.cli.mcp:create|Make an MCP server; its address is shown this once.",
        "show": "portico.cli.mcp:show|Show one MCP server.",
        "update": "portico.cli.mcp:update|Change an MCP server.",
        "rotate": "portico.cli.mcp:rotate|Give an MCP server a new address.",
        "delete": "portico.cli.mcp:delete|Delete an MCP server.",
        "preview": "portico.cli.mcp:preview|Show what a model would see, and what it costs.",
        "snippets": "portico.cli.mcp:snippets|Print what to paste where, for every program.",
        "stdio": "portico.cli.stdio:stdio|Bridge a desktop client that speaks over standard input to a server.",
        "grants": "portico.cli.grants:grants|List who has access to a server, with which program.",
        "revoke": "portico.cli.grants:revoke|End a program's access to a server.",
    },
    "approvals": {
        "": "Calls that wait for somebody's yes.",
        "list": "portico.cli.approvals:list_|List calls that wait.",
        "show": "portico.cli.approvals:show|Show what a call would send, change and mean.",
        "approve": "portico.cli.approvals:approve|Let a waiting call through, once.",
        "deny": "portico.cli.approvals:deny|Refuse a waiting call.",
    },
    "tools": {
        "": "An account's tools, as agents have them.",
        "list": "portico.cli.tools:list_|List the tools that an account's keys allow.",
        "show": "portico.cli.tools:show|Show one tool: what it does and what it takes.",
        "call": "portico.cli.tools:call|Run a tool.",
    },
    "webhooks": {
        "": "Addresses that hear of events, and what vendors are asked to send.",
        "list": "portico.cli.webhooks:list_|List webhooks.",
        "create": "portico.cli.webhooks:create|Have events sent to an address.",
        "show": "portico.cli.webhooks:show|Show one webhook.",
        "update": "portico.cli.webhooks:update|Change a webhook, or switch it on or off.",
        "test": "portico.cli.webhooks:send_test|Send a test event and wait for what comes of it.",
        "rotate": "portico.cli.webhooks:rotate|Give a webhook a new signing secret.",
        "deliveries": "portico.cli.webhooks:deliveries|What was sent to a webhook.",
        "replay": "portico.cli.webhooks:replay|Send one delivery again, or a stretch of time.",
        "delete": "portico.cli.webhooks:delete|Delete a webhook.",
        "events": "portico.cli.webhooks:events|List the events that a webhook can ask for.",
        "register": "portico.cli.vendor_webhooks:register|Have a vendor send an account's events here.",
        "registered": "portico.cli.vendor_webhooks:registered|What an account's vendor was asked to send.",
        "renew": "portico.cli.vendor_webhooks:renew|Have the vendor sign with a new secret.",
        "sample": "portico.cli.vendor_webhooks:sample|Have the vendor send a sample now.",
        "unregister": "portico.cli.vendor_webhooks:unregister|Have the vendor send nothing any more.",
    },
    "watches": {
        "": "Jobs at a vendor that are looked at until they are over.",
        "list": "portico.cli.watches:list_|List watched jobs.",
        "start": "portico.cli.watches:start|Watch a job to its end.",
        "show": "portico.cli.watches:show|Show one watched job.",
        "stop": "portico.cli.watches:stop|Stop watching.",
    },
    "integrations": {
        "": "The vendors that an environment has, and what is said of them.",
        "list": "portico.cli.integrations:list_|List integrations.",
        "show": "portico.cli.integrations:show|Show one integration.",
        "texts": "portico.cli.integrations:texts|List what is said of its methods, and by whom.",
    },
    "files": {
        "": "Files that are kept for tools.",
        "list": "portico.cli.files:list_|List kept files.",
        "link": "portico.cli.files:link|Make a link to a kept file.",
        "delete": "portico.cli.files:delete|Delete a kept file.",
    },
    "secrets": {
        "": "Keys kept under names, for accounts.",
        "list": "portico.cli.secrets:list_|List stored secrets.",
        "add": "portico.cli.secrets:add|Store a secret under a name.",
        "link": "portico.cli.secrets:link|Make a link that shows a stored secret once.",
        "delete": "portico.cli.secrets:delete|Delete a stored secret.",
    },
    "call": "portico.cli.call:call|Call a method of a vendor through the Proxy API.",
    "unified": {
        "": "The same for every vendor: people, roles, usage, costs.",
        "models": "portico.cli.unified:models|List the unified models that an account has.",
        "list": "portico.cli.unified:list_|List records.",
        "get": "portico.cli.unified:get|Show one record.",
        "call": "portico.cli.unified:call|Change something, by any method of a resource.",
        "test": "portico.cli.unified_overrides:try_out|Try a change of the mappings on live records; nothing is kept.",
        "override": "portico.cli.unified_overrides:override|Print what is changed about the mappings.",
        "change": "portico.cli.unified_overrides:change|Change the mappings, of an account or of all.",
        "versions": "portico.cli.unified_overrides:versions|List what the changes were before, and whose.",
        "difference": "portico.cli.unified_overrides:difference|Show what two versions differ in.",
        "restore": "portico.cli.unified_overrides:restore|Roll the changes back to a version.",
    },
    "audit": {
        "": "Who changed what.",
        "list": "portico.cli.audit:list_|List administrative acts, newest first.",
        "verify": "portico.cli.audit:verify|Follow the trail's chain to its end.",
    },
    "quotas": {
        "": "How much may be used: requests, tokens and spend, by whom and in which time.",
        "list": "portico.cli.quotas:list_|List quotas and how much of them is used.",
        "show": "portico.cli.quotas:show|Show one quota, and who has used how much of it.",
        "create": "portico.cli.quotas:create|Limit what may be used.",
        "update": "portico.cli.quotas:update|Change how much may be used.",
        "delete": "portico.cli.quotas:delete|Lift a quota.",
    },
    "logs": "portico.cli.logs:logs|The request log, newest first.",
    "usage": {
        "": "How much was used, and what it may have cost.",
        "list": "portico.cli.usage:list_|Add up what passed through Portico.",
        "compare": "portico.cli.usage_compared:compare|Hold what was metered against what the vendor reports, by day.",
    },
    "status": "portico.cli.status:status|How the gateway is: database, migrations, processes, jobs, keys.",
    "settings": "portico.cli.status:settings|Which settings hold, and where each comes from; never a secret.",
    "catalog": {
        "": "What the vendors can do: look, compare, begin a new one.",
        "list": "portico.cli.catalog:list_|List every operation.",
        "show": "portico.cli.catalog:show|Show one operation.",
        "check": "portico.cli.catalog:check|Lint the catalog and compare it with the vendor's SDK or an OpenAPI file.",
        "new": "portico.cli.catalog:new|Begin a new vendor from an OpenAPI file.",
    },
    "keys": {
        "": "The keys that seal everything; on the database itself, for whoever sits at the machine.",
        "status": "portico.cli.keys:status|Show which keys there are and how far the last rotation is.",
        "rotate": "portico.cli.keys:rotate|Give everything that is sealed new keys, while everything runs.",
    },
    "backup": "portico.cli.backup:backup|Write everything to one file, while everything runs.",
    "restore": "portico.cli.backup:restore|Put a backup back, into either database.",
    "doctor": "portico.cli.doctor:doctor|Look for what is likely to be wrong, and say how to mend it.",
    "completion": "portico.cli.completion:completion|Print a completion script for your shell.",
}
# Most defaults are "nothing", which would only be noise; those worth telling say so themselves.
PLAIN = Parameter(show_default=False)


def build() -> App:
    app = App(
        name="portico",
        help=HELP,
        help_epilogue=EPILOGUE,
        version=_version,
        help_format="plaintext",
        default_parameter=PLAIN,
    )
    for name, entry in COMMANDS.items():
        if isinstance(entry, str):
            _add(app, name, entry)
            continue
        group = App(name=name, help=entry[""], help_format="plaintext", default_parameter=PLAIN)
        for inner, text in entry.items():
            if inner:
                _add(group, inner, text)
        app.command(group)
    return app


def run(arguments: Sequence[str]) -> int:
    """The exit code: 0 done, 1 refused or failed, 2 not understood, 130 interrupted."""
    # Where the terminal's letters are few, the others are spelled out, as JSON has them too, and end nothing.
    if spell := getattr(sys.stdout, "reconfigure", None):
        spell(errors="backslashreplace")
    try:
        answer = build()(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as problem:
        from portico.cli.say import complain

        complain(_not_understood(problem))
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    except Exception as problem:
        from portico.cli.say import explain

        return explain(problem)
    return answer if isinstance(answer, int) else 0


def _not_understood(problem: CycloptsError) -> str:
    if isinstance(problem, UnusedCliTokensError) and problem.unused_tokens:
        named = " ".join(["portico", *(problem.command_chain or ())])
        return f"{' '.join(problem.unused_tokens)!r} is one thing too many; `{named} --help` says what is taken."
    return str(problem)


def _add(app: App, name: str, entry: str) -> None:
    place, _, words = entry.partition("|")
    app.command(place, name=name, help=words)


def _version() -> str:
    from portico.version import VERSION

    return VERSION
