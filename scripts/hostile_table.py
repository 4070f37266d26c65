"""Runs the tests of bad input and writes what each was refused with into docs/hostile.md.

usage: hostile_table.py        (by the project's Python; the command is looked for as the tests do)
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "hostile.md"
MARK = "<!-- what follows is written by scripts/hostile_table.py -->\n"
TITLES = {"test_bad_models": "Models", "test_bad_samples": "Samples and images", "test_bad_snapshots": "Snapshots",
          "test_bad_outputs": "Outputs"}
LONGEST = 200  # characters of a message


def refusals() -> list:
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder) / "refusals.json"
        tests = [ROOT / "tests" / "cli" / f"{name}.py" for name in TITLES]
        of_the_page = ["-k", "not the_page_lists"]  # it is not written yet
        subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *of_the_page, *tests], check=True,
                       env={**os.environ, "CALOTYPE_REFUSALS": str(listing)})
        return json.loads(listing.read_text())


def shown(message: str) -> str:
    """Without the folders of this run."""
    message = re.sub(r"/[^`\s:]*/test_[^/`\s:]*/", "", message)
    message = re.sub(r"/[^`\s:]*/(examples|tests|compiled\d*)/", r"\1/", message)
    message = message if len(message) <= LONGEST else message[:LONGEST] + "..."
    return message.replace("|", r"\|").replace("<", "&lt;")


def name_of(test: str) -> str:
    function = test.split("::")[1]
    found = re.fullmatch(r"test_(\w+)\[(.*)\]", function)
    if found and found[1] in ("broken_model", "hostile_model"):
        return found[2]
    return (f"{found[1]}: {found[2]}" if found else function.removeprefix("test_")).replace("_", " ")


def table(rows: list) -> str:
    text = "| input | times | message | exit | s | MB |\n|---|--:|---|--:|--:|--:|\n"
    for test, group in groupby(rows, key=lambda row: row[0]):
        group = list(group)
        codes = "/".join(str(code) for code in sorted({row[2] for row in group}))
        text += (f"| {name_of(test)} | {len(group)} | {shown(group[0][1])} | {codes} | "
                 f"{max(row[3] for row in group):.2f} | {max(row[4] for row in group) / 1e6:.0f} |\n")
    return text


def main():
    rows = refusals()
    head = PAGE.read_text().split(MARK)[0]
    body = "".join(f"\n## {title}\n{table(part)}" for stem, title in TITLES.items()
                   if (part := [row for row in rows if f"/{stem}.py" in row[0]]))
    PAGE.write_text(f"{head}{MARK}\n{len(rows)} refusals; the message is the first, time and memory the most of its line.\n{body}")


if __name__ == "__main__":
    main()
