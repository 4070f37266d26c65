"""python -m bench.onnx_backend: every case of the `onnx` package's backend tests, compiled and run by calotype.

The same cases on ONNX Runtime itself beside it. One line a group, then the causes of what did not pass."""

import argparse
import dataclasses
import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

from bench.onnx_backend import cases, workers
from bench.onnx_backend.run_case import Outcome

DEFAULT_NPU = "VE2802_NPU_IP_O00_A304_M3"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.onnx_backend", description=__doc__)
    parser.add_argument("--npu", choices=["none", "default"], default="none")
    parser.add_argument("--groups", nargs="+", choices=cases.GROUPS, default=cases.GROUPS)
    parser.add_argument("--folder", type=Path, help="cases <case>/model.onnx, test_data_set_<n>/ instead")
    parser.add_argument("--filter", default="", help="only cases whose name this regular expression is found in")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=120, help="time limit of a case")
    parser.add_argument("--json", type=Path, help="write every outcome there")
    parser.add_argument("--names", action="store_true", help="name every case that did not pass")
    return parser.parse_args()


COLUMNS = {
    "cases": lambda o: True,
    "passed": lambda o: o.verdict == "passed",
    "on the NPU": lambda o: o.layers > 0,
    "refused": lambda o: o.verdict == "refused",
    "ORT passes": lambda o: o.verdict == "refused" and o.reference == "passed",
    "wrong": lambda o: o.verdict == "wrong",
    "crashed": lambda o: o.verdict == "crashed",
    "too slow": lambda o: o.verdict == "slow",
    "passed, not by ORT": lambda o: o.verdict == "passed" and o.reference.startswith("refused"),
}


def print_table(outcomes: list[Outcome]) -> None:
    groups = list(dict.fromkeys(outcome.group for outcome in outcomes))
    print("| group | " + " | ".join(COLUMNS) + " |")
    print("|---" + "|--:" * len(COLUMNS) + "|")
    for group in [*groups, "all"]:
        own = [outcome for outcome in outcomes if group in (outcome.group, "all")]
        print(f"| {group} | " + " | ".join(str(sum(map(holds, own))) for holds in COLUMNS.values()) + " |")


def kind_of(cause: str) -> str:
    """Causes that differ in names and numbers alone are one."""
    text = re.sub(r"`[^`]*`|'[^']*'", "`..`", cause.split("\n")[0])
    return re.sub(r"-?\d+(\.\d+)?(e-?\d+)?", "N", text)[:160]


def print_causes(outcomes: list[Outcome], names: bool) -> None:
    classes = defaultdict(list)
    for outcome in outcomes:
        if outcome.verdict != "passed":
            theirs = outcome.reference.split(":")[0] or "not run"
            classes[(outcome.verdict, theirs, kind_of(outcome.cause))].append(outcome)
    for (verdict, theirs, kind), own in sorted(classes.items(), key=lambda one: (one[0][:2], -len(one[1]))):
        shown = own if names else own[:1]
        print(f"\n{len(own):5d} {verdict} (ONNX Runtime: {theirs}): {kind}")
        for outcome in shown:
            print(f"        {outcome.group}/{outcome.name}: {outcome.cause[:240]!r}")


def main() -> int:
    given = arguments()
    chosen = list(cases.of_folder(given.folder, given.folder.name)) if given.folder else cases.all_cases(given.groups)
    chosen = [case for case in chosen if re.search(given.filter, case.name)]
    outcomes: list[Outcome] = []

    def report(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if sys.stderr.isatty():
            print(f"\r{len(outcomes)} of {len(chosen)}", end="", file=sys.stderr)

    workers.run_all(chosen, "none" if given.npu == "none" else DEFAULT_NPU, given.jobs, given.seconds, report)
    outcomes.sort(key=lambda outcome: (outcome.group, outcome.name))
    print_table(outcomes)
    print_causes(outcomes, given.names)
    if given.json:
        given.json.write_text(json.dumps([dataclasses.asdict(outcome) for outcome in outcomes], indent=1))
    bad = Counter(outcome.verdict for outcome in outcomes)
    return 1 if bad["wrong"] or bad["crashed"] or bad["slow"] else 0


if __name__ == "__main__":
    sys.exit(main())
