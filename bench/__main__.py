"""`scripts/bench`: Portico against nginx, LiteLLM and other MCP servers, in one run on one machine."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tests.outside.client_envs import NotInstallable

from bench import rounds, table
from bench.contestant import Contestant, Place
from bench.drive import WRK, Driver
from bench.machine import CPUS, LOAD_CPUS, DidNotStart, Running, start, stop_all
from bench.programs.contextforge import start_contextforge
from bench.programs.litellm import start_litellm
from bench.programs.mcp_servers import start_fastmcp, start_sdk, start_sdk_with_aiohttp
from bench.programs.nginx import start_nginx
from bench.programs.portico import listed_tools, start_portico
from bench.rounds import FULL, QUICK, Size
from bench.scenarios import SCENARIOS

README = Path(__file__).with_name("README.md")
# What must be installed first, which takes minutes; a quick run goes without.
OTHERS: dict[str, Callable[[Place], Contestant]] = {
    "litellm": start_litellm,
    "sdk": start_sdk,
    "sdk-aiohttp": start_sdk_with_aiohttp,
    "fastmcp": start_fastmcp,
    "contextforge": start_contextforge,
}


def main(arguments: Sequence[str]) -> int:
    asked = _parser().parse_args(arguments)
    size = QUICK if asked.quick else FULL
    size = replace(size, rounds=asked.rounds or size.rounds)
    names = [each for each in asked.others.split(",") if each]
    if unknown := set(names) - set(OTHERS):
        say(f"There is no {', '.join(sorted(unknown))} to compare with; there are: {', '.join(OTHERS)}.")
        return 2
    if not asked.quick and asked.others == "":
        names = list(OTHERS)
    chosen = [each for each in SCENARIOS if asked.only.lower() in each.title.lower()]
    if not chosen:
        say(f"No case has {asked.only!r} in its name; there are: {'; '.join(each.title for each in SCENARIOS)}.")
        return 2
    with tempfile.TemporaryDirectory(prefix="portico-bench-") as folder:
        try:
            text = _run(Path(folder), size, names, chosen)
        except DidNotStart as problem:
            say(f"Nothing to measure: {problem}")
            return 1
        finally:
            stop_all()
    print(text)
    if asked.write:
        table.write(README, text)
        say(f"Written to {README}.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round of what is at hand: a smoke test")
    parser.add_argument("--rounds", type=int, default=0, help=f"how many rounds (usually {FULL.rounds})")
    parser.add_argument("--only", default="", help="only cases whose names hold this text")
    parser.add_argument("--others", default="", help=f"which to compare with, comma-separated, of {', '.join(OTHERS)}")
    parser.add_argument("--write", action="store_true", help="put the table into bench/README.md")
    return parser


def _run(folder: Path, size: Size, names: Sequence[str], chosen: Sequence[rounds.Scenario]) -> str:
    if len(CPUS) < 2:
        say("THERE IS ONE CORE ONLY: load, vendor and program share it, so rates and times mean little.")
    if WRK is None:
        say("WRK IS NOT INSTALLED: the load comes from our own generator, which is slower than the fastest programs.")
    os.sched_setaffinity(0, LOAD_CPUS)
    vendor, port = _start_vendor(folder)
    place = Place(port, folder, size.transfer_bytes, size.events)
    direct = Contestant("direct", "", vendor, place.plain_requests(port, "/v1", place.key))
    contestants, missing = [direct], dict[str, str]()
    _add(contestants, missing, "nginx", start_nginx, place)
    say("Starting Portico …")
    ours = start_portico(place)
    contestants += ours
    place = replace(place, tools=listed_tools(ours[-1]))
    for name in names:
        _add(contestants, missing, name, OTHERS[name], place)
    with Driver(folder) as driver:
        results = rounds.run(contestants, chosen, size, driver)
    return table.report(results, contestants, missing, size)


def _add(
    contestants: list[Contestant],
    missing: dict[str, str],
    name: str,
    begin: Callable[[Place], Contestant],
    place: Place,
) -> None:
    say(f"Starting {name} …" if name == "nginx" else f"Starting {name}, which is installed first if need be …")
    try:
        contestants.append(begin(place))
    except (DidNotStart, NotInstallable) as problem:
        missing[name] = str(problem)
        say(f"NOT COMPARED WITH {name.upper()}: {problem}")


def _start_vendor(folder: Path) -> tuple[Running, int]:
    vendor = start([sys.executable, "-m", "bench.vendor"], folder, "vendor", cpus=LOAD_CPUS, environment=_own_path())
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and vendor.process.poll() is None:
        if (told := vendor.log.read_text().strip()).isdigit():
            return vendor, int(told)
        time.sleep(0.02)
    raise DidNotStart(f"the vendor does not run: {vendor.last_words()}")


def _own_path() -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])}


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
