"""python -m bench.reproducible: two compilations, and ones with 1 and 2 threads, must give the same bytes; so must runs."""

import argparse
import hashlib
import json
import sys
from pathlib import Path

from bench import calotype_cli
from bench.accuracy import npu, tasks
from bench.accuracy.prepared import prepare


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.reproducible", description=__doc__)
    parser.add_argument("--networks", nargs="+", help="default: all")
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--work", type=Path, default=calotype_cli.ROOT / "build/bench")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    return parser.parse_args()


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below the folder."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def differing(first: dict[str, str], second: dict[str, str]) -> list[str]:
    """Names of the files that differ or that only one of them has."""
    return sorted(name for name in first | second if first.get(name) != second.get(name))


def measure(given: argparse.Namespace, task: tasks.Task) -> dict:
    prepared = prepare(task, given.work)
    folder = given.work / "reproducible"
    snapshots = {}
    for name, threads in (("first", 1), ("again", 1), ("two_threads", 2)):
        npu.compile_snapshot(prepared, folder / f"{task.name}_{name}", given.images, ["--threads", str(threads)])
        snapshots[name] = digests(folder / f"{task.name}_{name}")
    row = {"network": task.name, "files": len(snapshots["first"]),
           "again": differing(snapshots["first"], snapshots["again"]),
           "two_threads": differing(snapshots["first"], snapshots["two_threads"])}
    snapshot = folder / f"{task.name}_first"
    one, two = (npu.run(prepared, snapshot, ["--threads", str(threads)]) for threads in (1, 2))
    return row | {"outputs_differ": sum(int((x != y).sum()) for x, y in zip(one, two, strict=True))}


def main() -> int:
    given = arguments()
    rows = []
    for task in tasks.chosen(given.networks):
        try:
            row = measure(given, task)
        except calotype_cli.Failed as error:
            row = {"network": task.name, "failed": str(error)}
        rows.append(row)
        good = not row.get("failed") and not row["again"] and not row["two_threads"] and not row["outputs_differ"]
        print(f"{task.name:19s} {'the same bytes' if good else 'DIFFERS: ' + json.dumps(row)}", flush=True)
        row["same"] = good
    if given.out:
        given.out.write_text(json.dumps(rows, indent=1) + "\n")
    return 0 if all(row["same"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
