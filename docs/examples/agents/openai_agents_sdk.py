"""An agent of the OpenAI Agents SDK that pauses when it is told to, and goes on from the same state.

It checks what people wrote before it is shown. Model and tool are both the customer's own account, reached through
Portico, so either may answer 429. The wait stands in `retry-after` or `ratelimit-reset`; the session keeps every turn
that came to its end, and the one that was refused is the only one made again.

    pip install portico-client openai-agents
    make demo                                                   # in another terminal; paste the export line it prints
    python docs/examples/agents/openai_agents_sdk.py            # or with comments of your own, each in quotes

The demo's limits are far away; README.md beside this file says how to make them narrow.

For production: a session that outlives the process (`SQLiteSession("comments", "sessions.db")`), and instead of
sleeping, a job that comes back to the session when the time is over.
"""

import asyncio
import json
import os
import sys

from agents import Agent, ModelSettings, OpenAIResponsesModel, Runner, Session, SQLiteSession, set_tracing_disabled
from openai import AsyncOpenAI

from portico_client import AsyncPortico, ToolManager, seconds_to_wait
from portico_client.adapters.openai_agents import agents_sdk_tools

MODEL = "gpt-4o-mini"
LONGEST_PAUSE_SECONDS = 90
COMMENTS = ("What a lovely garden!", "Shut up, you idiot", "Do you deliver on Sundays?")


async def main(comments: list[str]) -> None:
    set_tracing_disabled(True)  # traces would go to OpenAI, with a key of your own
    session = SQLiteSession("comments")
    async with AsyncPortico() as portico:
        agent = await make_agent(portico)
        for comment in comments:
            await go_on(agent, session, f'Check this comment with the moderation tool: "{comment}"')
            items = await session.get_items()
            checked = next(item["output"] for item in reversed(items) if item.get("type") == "function_call_output")
            flagged = json.loads(checked)["results"][0]["flagged"]
            print(f"{'hidden' if flagged else 'shown'}: {comment}")
        print(f"{len(items)} items in the session")


async def make_agent(portico: AsyncPortico) -> Agent:
    # The tools raise a rate limit instead of telling the model, which cannot wait.
    manager = ToolManager(portico, raise_rate_limits=True)
    tools = agents_sdk_tools(await manager.get_tools(methods=["create_a_openai_moderation"]))
    openai = AsyncOpenAI(
        base_url=portico.passthrough_url,
        api_key=os.environ["PORTICO_TOKEN"],
        max_retries=0,  # or it would wait by itself, unseen
    )
    return Agent(
        name="Moderator",
        model=OpenAIResponsesModel(MODEL, openai),
        tools=tools,
        # A turn is repeated as a whole: with one call in each, no call that worked is made again.
        model_settings=ModelSettings(parallel_tool_calls=False),
    )


async def go_on(agent: Agent, session: Session, question: str) -> str:
    """The answer, once there is one; what was said on the way stands in the session."""
    asked: str | list = question
    while True:
        try:
            return (await Runner.run(agent, asked, session=session)).final_output
        except Exception as problem:
            seconds = seconds_to_wait(problem)
            if seconds is None or seconds > LONGEST_PAUSE_SECONDS:
                raise
            print(f"429: a pause of {seconds:g} seconds")
            await asyncio.sleep(seconds)
            asked = []  # nothing new: the session goes on with the turn that was refused


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or list(COMMENTS)))
