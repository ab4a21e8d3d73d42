"""What each of these programs is asked, and how it tells what came of it. They run in environments of their own."""

import asyncio
import json
import sys

STEPS = ("read", "write", "error", "large")


def run(main):
    """`main(url, call)` lists tools and makes each call in turn; what it returns is printed as JSON."""
    job = json.loads(sys.argv[1])
    sys.stdout.write(json.dumps(asyncio.run(main(job["url"], [job[step] for step in STEPS]))))


def told(result):
    """(went wrong, text) of a result as the SDK has it."""
    is_error = getattr(result, "is_error", None)
    is_error = getattr(result, "isError", False) if is_error is None else is_error
    return [bool(is_error), "".join(getattr(block, "text", "") for block in result.content)]
