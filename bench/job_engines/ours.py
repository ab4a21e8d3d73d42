"""A worker process with the engine in portico.jobs, or (`none`) without any, which the others are measured against."""

import asyncio
import signal
import sys
from pathlib import Path

from bench.job_engines.plant import settings
from portico.app import build


async def main(kind: str, folder: str, database_url: str, receiver_url: str) -> None:
    portico = await build(settings(Path(folder), database_url, receiver_url))
    stopping = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stopping.set)
    portico.parts.lookup.listen(portico.parts.changes)
    await portico.parts.changes.start()
    await portico.parts.recorder.start()
    if kind == "ours":
        await portico.worker.start()
    print("ready", flush=True)
    await stopping.wait()
    await portico.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
