"""The same deliveries as durable workflows of DBOS: same stores, same HTTP client, same signatures, same outcome rows.

A fan-out workflow per event, a delivery workflow per webhook in a partitioned queue (one partition for each webhook),
polled ten times as often as our own engine polls (once a second where starting and waiting are measured), and on SQLite
in WAL mode, which it does not switch on by itself.
"""

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, SetEnqueueOptions

from bench.job_engines.plant import settings
from portico import clock
from portico.app import Portico, build
from portico.errors import AlreadyExists
from portico.gateway import webhooks
from portico.jobs import schedule
from portico.jobs.deliveries import Deliverer
from portico.model.account import EnvironmentId
from portico.model.event import is_wanted
from portico.model.webhook import Attempt

FAN_OUT, DELIVER = "fan_out", "deliver"
PARTITION_WIDTH, AT_ONCE = 4, 128
POLL_SECONDS = float(os.environ.get("BENCH_DBOS_POLL", "0.05"))
_held: list[Portico] = []


def parts() -> Any:
    return _held[0].parts


def config(database_url: str) -> DBOSConfig:
    """On SQLite a file of its own: two SQLite libraries in one process must not open the same one."""
    beside = database_url.replace(".db", "-dbos.db") if database_url.startswith("sqlite") else database_url
    return {
        "name": "portico",
        "system_database_url": beside,
        "serializer": DBOSPortableJSONSerializer(),
        "application_version": "1",
        "executor_id": os.environ.get("BENCH_EXECUTOR", "one"),
        "log_level": os.environ.get("BENCH_DBOS_LOG", "INFO"),
    }


def speed_up(database_url: str) -> None:
    url = config(database_url)["system_database_url"] or ""
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.execute("PRAGMA journal_mode=WAL")


def enqueue(database_url: str, environment_id: EnvironmentId, event_ids: list[str]) -> None:
    """From outside of any worker, as what announces an event would have to."""
    client = DBOSClient(
        system_database_url=config(database_url)["system_database_url"],
        serializer=DBOSPortableJSONSerializer(),
        application_name="portico",
    )
    for event_id in event_ids:
        client.enqueue({"workflow_name": FAN_OUT, "queue_name": FAN_OUT}, environment_id, event_id)
    client.destroy()


@DBOS.step()
async def queue_deliveries(environment_id: str, event_id: str) -> list[list[str]]:
    """Safe to repeat: where a delivery is there already, it is the one that counts."""
    later, moment = parts().later, clock.now()
    environment = EnvironmentId(environment_id)
    event = await later.events.get(environment, event_id)
    made: list[list[str]] = []
    async with parts().database.transaction() as session:
        for webhook in await later.webhooks.all_of(session, environment, webhooks.MOST_WEBHOOKS):
            if webhook.is_active and is_wanted(webhook.event_types, event.name):
                delivery = webhooks.new_delivery(webhook, event.id, event.name, moment)
                await later.deliveries.add(session, delivery)
                made.append([delivery.id, webhook.id])
    return made


@DBOS.workflow()
async def fan_out(environment_id: str, event_id: str) -> None:
    for delivery_id, webhook_id in await queue_deliveries(environment_id, event_id):
        with SetEnqueueOptions(queue_partition_key=webhook_id):
            await DBOS.enqueue_workflow_async(DELIVER, deliver, environment_id, delivery_id)


@DBOS.step()
async def attempt(environment_id: str, delivery_id: str, number: int, pause: float) -> bool:
    """Send, then write down what came of it, as our own engine does it: one step, which may be repeated by a kill."""
    later, environment, moment = parts().later, EnvironmentId(environment_id), clock.now()
    delivery = await later.deliveries.get(environment, delivery_id)
    webhook = await later.webhooks.get(environment, delivery.webhook_id)
    event = await later.events.get(environment, delivery.event_id)
    answered = await Deliverer(parts(), random.random, 15.0)._send(webhook, event)
    made = Attempt(number=number, at=moment, status=answered.status, duration_ms=0, problem=answered.problem)
    state = "delivered" if answered.is_taken else "waiting" if pause else "failed"
    with contextlib.suppress(AlreadyExists):  # a worker died between this and DBOS's own note of it
        async with parts().database.transaction() as session:
            await later.deliveries.tried(session, delivery, made, state, None)
            if answered.is_taken:
                await later.webhooks.note_success(session, webhook, moment)
    return answered.is_taken


@DBOS.workflow()
async def deliver(environment_id: str, delivery_id: str) -> None:
    for number, pause in enumerate((*schedule.DELIVERY_PAUSES, 0.0), start=1):
        if await attempt(environment_id, delivery_id, number, pause):
            return
        await DBOS.sleep_async(pause)


async def main(_: str, folder: str, database_url: str, receiver_url: str) -> None:
    portico = await build(settings(Path(folder), database_url, receiver_url))
    _held.append(portico)
    stopping = asyncio.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stopping.set)
    portico.parts.lookup.listen(portico.parts.changes)
    await portico.parts.changes.start()
    await portico.parts.recorder.start()
    DBOS(config=config(database_url))
    DBOS.launch()
    await DBOS.register_queue_async(FAN_OUT, worker_concurrency=AT_ONCE, polling_interval_sec=POLL_SECONDS)
    await DBOS.register_queue_async(
        DELIVER,
        partition_concurrency=PARTITION_WIDTH,
        worker_concurrency=AT_ONCE,
        polling_interval_sec=POLL_SECONDS,
    )
    print("ready", flush=True)
    await stopping.wait()
    DBOS.destroy()
    await portico.stop()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
