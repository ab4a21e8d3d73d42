"""The first start: an environment to begin with, and the token that the operator gave for it."""

from portico.errors import AlreadyExists
from portico.gateway.parts import Parts
from portico.model.account import Environment
from portico.model.caller import FULL_SCOPES, Caller
from portico.store.ids import new_id
from portico.store.tokens import Token
from portico.vault import tokens

FIRST_ENVIRONMENT = "default"
SYSTEM = "system"


async def ensure_first_environment(parts: Parts) -> Environment:
    """Safe to run in many processes at once, and again at every start."""
    environment = await parts.operators.first_environment()
    if environment is None:
        environment = await _make_environment(parts)
    if parts.settings.bootstrap_token:
        await _ensure_token(parts, environment, parts.settings.bootstrap_token)
    return environment


async def make_first_token(parts: Parts, name: str) -> str:
    """A token with all scopes in the first environment, for whoever sits at the machine. Shown once."""
    environment = await ensure_first_environment(parts)
    text = tokens.make("api")
    await _add_token(parts, environment, text, name)
    return text


async def _make_environment(parts: Parts) -> Environment:
    try:
        async with parts.database.transaction() as session:
            return await parts.environments.add(session, FIRST_ENVIRONMENT, parts.clock())
    except AlreadyExists:
        found = await parts.operators.first_environment()
        if found is None:
            raise
        return found


async def _ensure_token(parts: Parts, environment: Environment, text: str) -> None:
    if await parts.operators.token_by_digest(tokens.digest(text, parts.keyring.pepper)) is not None:
        return
    try:
        await _add_token(parts, environment, text, "bootstrap")
    except AlreadyExists:
        return  # another process was faster


async def _add_token(parts: Parts, environment: Environment, text: str, name: str) -> None:
    moment = parts.clock()
    token = Token(
        id=new_id(),
        environment_id=environment.id,
        kind="api",
        name=name,
        hint=text[-4:],
        scopes=FULL_SCOPES,
        account_id=None,
        created_by=SYSTEM,
        created_at=moment,
        expires_at=None,
    )
    system = Caller(environment_id=environment.id, token_id=SYSTEM, name=SYSTEM, scopes=FULL_SCOPES)
    async with parts.database.transaction() as session:
        await parts.tokens.add(session, token, tokens.digest(text, parts.keyring.pepper))
        await parts.audit.add(
            session, system, "api_token.created", token.id, moment, name=name, scopes=sorted(FULL_SCOPES)
        )


async def has_tokens(parts: Parts) -> bool:
    """Whether anybody could sign in at all."""
    environment = await ensure_first_environment(parts)
    return bool(await parts.tokens.page(environment.id, "~", 1))
