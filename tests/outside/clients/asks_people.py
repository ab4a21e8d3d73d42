"""The official Python SDK, either generation, with people at it who say what they are told to; prints what happened,
job by job.

Where a page is to be opened, they open it and press the button that they are told to (`job["press"]`).
"""

import asyncio
import json
import re
import sys
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener

generation, jobs = json.loads(sys.argv[1])


def said(job, asked, params):
    asked.append({"mode": getattr(params, "mode", "form") or "form", "message": params.message})
    if asked[-1]["mode"] == "url" and job.get("press"):
        press(params.url, job["press"])


def press(url, button):
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    page = browser.open(url, timeout=20).read().decode()
    token = re.search(r'name="form_token" value="([^"]+)"', page.rpartition("<form")[2])[1]
    place = urlsplit(url)
    form = urlencode({"form_token": token, "do": button}).encode()
    browser.open(Request(url, form, {"Origin": f"{place.scheme}://{place.netloc}"}), timeout=20).read()


async def first_generation(job, asked):
    from mcp import ClientSession, types
    from mcp.client.streamable_http import streamablehttp_client

    async def people(context, params):
        await asyncio.to_thread(said, job, asked, params)
        return types.ElicitResult(**job["says"])

    async with (
        streamablehttp_client(job["url"]) as (read, write, _),
        ClientSession(read, write, elicitation_callback=people) as session,
    ):
        await session.initialize()
        result = await session.call_tool(*job["call"])
        return bool(result.isError), result.content[0].text


async def second_generation(job, asked):
    import mcp_types as types
    from mcp import Client

    async def people(context, params):
        await asyncio.to_thread(said, job, asked, params)
        return types.ElicitResult(**job["says"])

    async with Client(job["url"], elicitation_callback=people) as client:
        result = await client.call_tool(*job["call"])
        return bool(result.is_error), result.content[0].text


async def main():
    found = []
    for job in jobs:
        asked = []
        is_error, text = await (first_generation if generation == 1 else second_generation)(job, asked)
        found.append({"asked": asked, "is_error": is_error, "text": text})
    return found


sys.stdout.write(json.dumps(asyncio.run(main())))
