"""Adds up the JUnit files of a folder: why tests were skipped, which failed and with what, and `N passed, N failed,
N skipped`. Exits 1 unless all runners and tests are fine.

usage: count_tests.py RESULTS STATUS...
"""

import re
import sys
import textwrap
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

SHOWN_CHARACTERS = 400  # of a failure: the end of a long log is what is read first


def outcome(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
        return "failed"
    if case.find("skipped") is not None or case.get("status") in ("disabled", "notrun"):
        return "skipped"
    return "passed"


def cause(case: ElementTree.Element) -> str:
    """pytest says it in an attribute, GoogleTest in what it prints."""
    said = re.search(r": Skipped\n(?:skipped: )?(.+)", case.findtext("system-out", ""))
    skipped = case.find("skipped")
    return said[1] if said else skipped.get("message", "") if skipped is not None else case.get("status")


def complaint(case: ElementTree.Element) -> str:
    """pytest's message, or what a C++ test printed from its first failure on."""
    told = [one.get("message") or one.text or "" for one in (*case.findall("error"), *case.findall("failure"))]
    printed = case.findtext("system-out", "")
    first = re.search(r"^.*(: Failure$|ERROR: )", printed, re.MULTILINE)
    return printed[first.start():] if first else "\n".join(told).strip() or printed[-SHOWN_CHARACTERS:]


def main(results: Path, statuses: list[int]) -> int:
    files = sorted(results.glob("*.xml"))
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    causes = Counter()
    for file in files:
        for case in ElementTree.parse(file).getroot().iter("testcase"):
            counts[outcome(case)] += 1
            if outcome(case) == "failed":
                print(f"failed: {case.get('classname', '')} {case.get('name')}")
                print(textwrap.indent(complaint(case)[:SHOWN_CHARACTERS].rstrip(), "    "))
            if outcome(case) == "skipped":
                causes[cause(case)] += 1
    for why, count in causes.items():
        print(f"skipped: {count} as {why}")
    broke_off = len(files) < len(statuses) or (any(statuses) and counts["failed"] == 0)
    if broke_off:
        print(f"a test runner broke off: exit codes {statuses}, {len(files)} result files")
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    return 1 if broke_off or counts["failed"] or counts["passed"] == 0 else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [int(status) for status in sys.argv[2:]]))
