"""The official Python SDK, either generation, with people at it who say what they are told to; prints what happened."""

import asyncio
import json
import sys

job = json.loads(sys.argv[1])
asked = []


async def first_generation():
    from mcp import ClientSession, types
    from mcp.client.streamable_http import streamablehttp_client

    async def people(context, params):
        asked.append(params.message)
        return types.ElicitResult(**job["says"])

    async with (
        streamablehttp_client(job["url"]) as (read, write, _),
        ClientSession(read, write, elicitation_callback=people) as session,
    ):
        await session.initialize()
        result = await session.call_tool(*job["call"])
        return bool(result.isError), result.content[0].text


async def second_generation():
    import mcp_types as types
    from mcp import Client

    async def people(context, params):
        asked.append(params.message)
        return types.ElicitResult(**job["says"])

    async with Client(job["url"], elicitation_callback=people) as client:
        result = await client.call_tool(*job["call"])
        return bool(result.is_error), result.content[0].text


main = first_generation if job["generation"] == 1 else second_generation
is_error, text = asyncio.run(main())
sys.stdout.write(json.dumps({"asked": asked, "is_error": is_error, "text": text}))
