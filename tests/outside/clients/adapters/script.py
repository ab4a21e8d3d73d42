"""What each of these programs is asked and tells: an agent of its framework, whose model makes the given calls in turn.

They run in environments of their own, which have the framework and the client's one dependency.
"""

import asyncio
import inspect
import json
import sys

from portico_client import AsyncPortico, Portico, ToolManager

JOB = json.loads(sys.argv[1])
STEPS = [tuple(step) for step in JOB["steps"]]
NAMES = sorted({name for name, _ in STEPS})
LAST_WORDS = "All steps are done."


def portico(kind=Portico):
    return kind(JOB["url"], JOB["token"], account_id=JOB["account_id"])


def run(work):
    """`work(tools)` with the tools of a blocking client, or, where it is asynchronous, once with each kind.

    It gives the schemas that its model was shown, by name, and for each call whether it went wrong, its text, and how
    many pictures came with it.
    """
    told = []
    with portico() as client:
        tools = ToolManager(client).get_tools(methods=NAMES)
        told.append(asyncio.run(work(tools)) if inspect.iscoroutinefunction(work) else work(tools))
    if inspect.iscoroutinefunction(work):
        told.append(asyncio.run(awaited(work)))
    sys.stdout.write("\n" + json.dumps(told))


async def awaited(work):
    async with portico(AsyncPortico) as client:
        return await work(await ToolManager(client).get_tools(methods=NAMES))


def call_id(number):
    return f"call_{number}"
