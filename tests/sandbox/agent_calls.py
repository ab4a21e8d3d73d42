"""What the tests of agents have in common: environments, a model, messages, and looking at what was said."""

from typing import Any

from openai import OpenAI

BETA: dict[str, str | None] = {"openai-beta": "agents=v1"}
NONE: Any = {"type": "none"}
HOSTED: Any = {"type": "openai_hosted"}
MODEL: Any = {"model": "gpt-6-astra"}
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def spoken(text: str) -> Any:
    """One message of the user, as automations and events have it."""
    return [{"role": "user", "content": [{"type": "input_text", "text": text}]}]


def message(text: str) -> Any:
    return {"type": "agent.session.input.message", "input": spoken(text)}


def agent(*tools: Any, **settings: Any) -> Any:
    return {**MODEL, "tools": list(tools), **settings}


def hosted(**wishes: Any) -> Any:
    return {**HOSTED, **wishes}


def items(client: OpenAI, session_id: str, kind: str) -> list[Any]:
    """The items of one type, oldest first."""
    listed = client.beta.agents.sessions.items.list(session_id, order="asc")
    return [item for item in listed if str(item.type) == kind]


def texts(client: OpenAI, session_id: str) -> list[str]:
    """What the agent said, oldest first."""
    return [item.output_text for item in items(client, session_id, "message") if item.role == "assistant"]
