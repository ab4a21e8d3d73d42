"""The results as Markdown: what was measured where, the marks, and a table for each group of cases."""

import datetime
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.contestant import Contestant
from bench.drive import WRK
from bench.machine import CPUS
from bench.programs.mcp_servers import SDK
from bench.programs.portico import MCP as PORTICO_MCP
from bench.programs.portico import PASSTHROUGH, PROXY
from bench.rounds import Results, Sample, Size
from bench.scenarios import CALLS, MCP, STREAMS, TRANSFERS, Scenario

NGINX, LITELLM = "nginx", "LiteLLM proxy"
_BEGIN, _END = "<!-- results: begin -->", "<!-- results: end -->"


@dataclass(frozen=True)
class Mark:
    """Portico must cost at most `most` times what nginx does, or be at least `least` times as frugal as another."""

    words: str
    scenarios: tuple[Scenario, ...]
    portico: tuple[str, ...]
    other: str
    most: float = 0.0
    least: float = 0.0

    def worst(self, results: Results) -> float | None:
        pairs = [
            (results.of(each, name), results.of(each, self.other)) for each in self.scenarios for name in self.portico
        ]
        known = [(ours.cpu, theirs.cpu) for ours, theirs in pairs if ours and theirs]
        if not known:
            return None
        return max(o / t for o, t in known) if self.most else min(t / o for o, t in known)

    def holds(self, ratio: float) -> bool:
        return ratio <= self.most if self.most else ratio >= self.least


_LISTS, _TOOL_CALLS = MCP[:2], MCP[2:]
_BOTH = (PROXY, PASSTHROUGH)
MARKS = (
    Mark("a proxied call costs at most 18 times nginx's CPU", CALLS, _BOTH, NGINX, most=18),
    Mark("a proxied call costs at most a 50th of LiteLLM's CPU", CALLS, _BOTH, LITELLM, least=50),
    Mark("an SSE event costs at most 5 times nginx's CPU", STREAMS[1:], _BOTH, NGINX, most=5),
    Mark("tools/list costs at most a 40th of the SDK server's CPU", _LISTS, (PORTICO_MCP,), SDK, least=40),
    Mark("tools/call costs at most a 6th of the SDK server's CPU", _TOOL_CALLS, (PORTICO_MCP,), SDK, least=6),
)


def report(results: Results, contestants: Sequence[Contestant], missing: dict[str, str], size: Size) -> str:
    sections = [
        _conditions(contestants, size),
        _marks(results),
        _table("Proxied calls", CALLS, "µs a call", "calls/s", results, contestants),
        _table("Streams", STREAMS, "µs a stream, an event", "a second", results, contestants),
        _table(f"Transfers of {size.transfer_bytes >> 20} MiB", TRANSFERS, "ms a GB", "MB/s", results, contestants),
        _table("MCP", MCP, "µs a call", "calls/s", results, contestants),
        _memory(contestants),
        _left_out(results, missing),
    ]
    return "\n\n".join(each for each in sections if each)


def _conditions(contestants: Sequence[Contestant], size: Size) -> str:
    versions = dict.fromkeys(f"{each.name.partition(',')[0]} {each.version}" for each in contestants if each.version)
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"Measured on {datetime.datetime.now(datetime.UTC):%Y-%m-%d} on {len(CPUS)} cores ({_processor()}), "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {size.rounds} rounds, "
        f"load from {'wrk' if WRK else 'our own generator (wrk is missing)'}; load averages at the end {load} "
        f"(a quiet machine shows about 2).\n\n{', '.join(versions)}."
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _marks(results: Results) -> str:
    lines = ["| mark | worst case measured | |", "| --- | --- | --- |"]
    for mark in MARKS:
        ratio = mark.worst(results)
        if ratio is None:
            lines.append(f"| {mark.words} | not measured | |")
        else:
            lines.append(f"| {mark.words} | {ratio:.1f} | {'holds' if mark.holds(ratio) else '**does not hold**'} |")
    return "\n".join(lines)


def _table(
    title: str,
    scenarios: Sequence[Scenario],
    unit: str,
    per_second: str,
    results: Results,
    contestants: Sequence[Contestant],
) -> str:
    reference = SDK if scenarios[0].is_mcp else NGINX
    lines = [
        f"### {title}",
        "",
        f"| | | CPU, {unit} | × {reference.partition(',')[0]} | {per_second} | p50 ms | p99 ms |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    rows = [
        _row(scenario, each.name, sample, results.of(scenario, reference))
        for scenario in scenarios
        for each in contestants
        if (sample := results.of(scenario, each.name)) is not None
    ]
    return "\n".join([*lines, *rows]) if rows else ""


def _row(scenario: Scenario, name: str, sample: Sample, reference: Sample | None) -> str:
    is_transfer = scenario.kind == "transfers"
    cpu, rate = (sample.cpu / 1000, sample.rate * 1000) if is_transfer else (sample.cpu, sample.rate)
    ratio = f"{sample.cpu / reference.cpu:.2g}" if reference and sample.cpu < reference.cpu * 0.1 else ""
    ratio = ratio or (f"{sample.cpu / reference.cpu:.1f}" if reference else "")
    times = f"{sample.p50:.2f} | {sample.p99:.2f}" if not is_transfer else " | "
    return f"| {scenario.title} | {name} | {_number(cpu)} | {ratio} | {_number(rate)} | {times} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _memory(contestants: Sequence[Contestant]) -> str:
    shown = {
        id(each.running): f"{each.name.partition(',')[0]} {each.running.memory_bytes() / 1e6:.0f}"
        for each in contestants
    }
    return f"Memory of their own at the end, MB: {', '.join(shown.values())}."


def _left_out(results: Results, missing: dict[str, str]) -> str:
    lines = [f"- {name}: {reason}" for name, reason in missing.items()]
    lines += [f"- {name}, {scenario.title}: {reason}" for (scenario, name), reason in results.spoilt.items()]
    return (
        "\n".join(["Not measured:", "", *(line.replace("|", "/").replace("\n", " ") for line in lines)])
        if lines
        else ""
    )


def write(path: Path, text: str) -> None:
    """Between the marks of the file; what people wrote around them stays."""
    before, _, rest = path.read_text("utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    path.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}", "utf-8")
