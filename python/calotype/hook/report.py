"""The [VAISW] lines at the end of a run."""

import re
import time
from collections import Counter

from calotype.hook.messages import say
from calotype.hook.state import Network

REASONS_SHOWN = 5


def write(session) -> None:
    how = session.options["VAISW_RUNSESSION_SUMMARY"]
    if how == "none":
        return
    for network, *alike in groups(session):
        for line in whole(session, network) if how == "all" else short(network):
            say(line)
        if alike:
            samples = sum(each.samples["FP32"] for each in alike)
            say(f"\t and {plural(len(alike), 'network')} more like this: {plural(samples, 'sample')} in FP32")
    for note in session.notes:
        say(f"[INFO]: {note}")


def groups(session) -> list[list[Network]]:
    """Those that were not compiled for the same reason are told as one, as of a number among the arguments that counts up."""
    found: dict[str, list[Network]] = {}
    for number, network in enumerate(session.networks):
        why = without_numbers("\n".join(why_fp32(session, network)))
        found.setdefault(f"{number}" if network.facts else f"{network.name}\n{why}", []).append(network)
    return list(found.values())


def without_numbers(text: str) -> str:
    return re.sub(r"\d+", "0", text)


def plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def shape(dims, type_name: str) -> str:
    return " ".join(part for part in ("x".join(map(str, dims)), type_name) if part)


def ports(word: str, shapes: list, types: list[str]) -> str:
    types = types if len(types) == len(shapes) else [""] * len(shapes)
    return f"\t {plural(len(shapes), word)} per batch ({', '.join(map(shape, shapes, types))})"


def batches(network: Network) -> str:
    sizes = sorted(network.batches)
    size = plural(sizes[0], "sample") if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]} samples"
    return f"\t {network.batches.total()} batch{'' if network.batches.total() == 1 else 'es'} of {size}"


def gops(macs: int) -> str:
    return f"{2e-9 * macs:.2f} GOPs"


def subgraphs(facts: dict) -> list[str]:
    npu, cpu = facts["npu_subgraphs"], facts["cpu_subgraphs"]
    macs = max(facts["npu_macs"] + facts["cpu_macs"], 1)
    lines = [
        f"\t {plural(npu + cpu, 'total subgraph')}:",
        f"\t\t {plural(npu, 'VAISW (NPU) subgraph')}: {100 * facts['npu_macs'] / macs:.2f}% of total MACs "
        f"({gops(facts['npu_macs'])})",
        f"\t\t {plural(cpu, 'Framework (CPU) subgraph')}"
        + (f": {100 * facts['cpu_macs'] / macs:.2f}% of total MACs ({gops(facts['cpu_macs'])})" if cpu else ""),
    ]
    reasons = facts["reasons"]
    lines += [f"\t\t\t {reason}" for reason in reasons[:REASONS_SHOWN]]
    if len(reasons) > REASONS_SHOWN:
        lines.append(f"\t\t\t and {len(reasons) - REASONS_SHOWN} more: calotype inspect tells")
    return lines


def joined(refused: Counter[str]) -> list[tuple[str, int]]:
    """Reasons that differ in numbers alone, as those of many shapes do, are told by the first of them."""
    alike: dict[str, list[str]] = {}
    for reason, samples in refused.items():
        if samples:
            alike.setdefault(without_numbers(reason), []).append(reason)
    return [(told(*reasons), sum(refused[each] for each in reasons)) for reasons in alike.values()]


def told(first: str, *rest: str) -> str:
    fact, line_end, hint = first.partition("\n")
    return fact + (f" (and {len(rest)} more like this)" if rest else "") + line_end + hint


def why_fp32(session, network: Network) -> list[str]:
    lines = [f"\t [INFO]:  {plural(samples, 'sample')} in FP32: {reason}" for reason, samples in joined(network.refused)]
    if network.reason:
        lines.append(f"\t [INFO]:  runs untouched: {network.reason}")
    elif network.runner is None and network.left:
        lines.append(f"\t [INFO]:  nothing was compiled: {network.left}")
    elif network.runner is None:
        wanted = session.options["VAISW_QUANTIZATION_NBIMAGES"]
        recorded = network.samples["FP32"] - network.refused.total()
        lines.append(
            f"\t [INFO]:  nothing was compiled: the script ended after {recorded} of the {wanted} samples "
            "that calibration takes (VAISW_QUANTIZATION_NBIMAGES)"
        )
    return lines


def times(network: Network) -> str:
    seconds = network.seconds
    compiled = "found compiled" if network.found else f"compiling {seconds['compiling']:.1f} s"
    return f"\t time: FP32 {seconds['FP32']:.1f} s, {compiled}, NPU {seconds['NPU']:.1f} s"


def clock(seconds: float) -> str:
    return time.strftime("%m/%d/%Y %H:%M:%S", time.localtime(seconds))


def whole(session, network: Network) -> list[str]:
    facts = network.facts
    lines = [network.name]
    if network.batches:
        lines.append(batches(network))
        lines.append(ports("input", network.input_shapes, facts.get("inputs", [])))
        lines.append(ports("output", network.output_shapes, facts.get("outputs", [])))
    if facts:
        lines += subgraphs(facts)
        lines.append(f"\t [INFO]:  snapshot directory dumped in {network.snapshot}")
        lines.append(f"\t [INFO]:  snapshot dumped for {facts['npu']}")
    lines += why_fp32(session, network)
    samples = network.samples
    lines.append(f"\t {plural(sum(samples.values()), 'sample')}: {samples['FP32']} in FP32, {samples['NPU']} on the NPU")
    lines.append(times(network))
    lines.append(f"\t from {clock(network.began)} to {clock(network.ended)}")
    return lines


def short(network: Network) -> list[str]:
    samples = network.samples
    where = f"snapshot {network.snapshot}" if network.facts else network.reason or "nothing was compiled"
    return [f"{network.name}: {samples['FP32']} samples in FP32, {samples['NPU']} on the NPU; {where}"]
