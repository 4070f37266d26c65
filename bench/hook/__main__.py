"""What the hook costs a call, in microseconds: python3 -m bench.hook

The same loops in scripts with and without the hook, taken in turn: where PyTorch answers alone, and where the NPU does,
there beside the native runner on the same arrays."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TURNS = 3
SCRIPT = Path(__file__).with_name("loops.py")


def measured(hook: bool, home: str) -> dict[str, float]:
    import calotype

    site = str(Path(calotype.__file__).parent / "hook" / "site")
    environment = {**os.environ, "HOME": home, "OMP_NUM_THREADS": "1", "VAISW_RUNSESSION_SUMMARY": "none"}
    environment["PYTHONPATH"] = (site + os.pathsep if hook else "") + os.environ.get("PYTHONPATH", "")
    done = subprocess.run([sys.executable, SCRIPT], env=environment, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main() -> None:
    best: dict[bool, dict[str, float]] = {True: {}, False: {}}
    with tempfile.TemporaryDirectory() as home:
        for _ in range(TURNS):
            for hook, so_far in best.items():
                for name, microseconds in measured(hook, home).items():
                    so_far[name] = min(so_far.get(name, microseconds), microseconds)
    for name, microseconds in best[True].items():
        if name.endswith("native runner"):
            continue
        native = best[True].get(f"{name}, native runner")
        base, word = (best[False][name], "without it") if native is None else (native, "of the native runner")
        print(f"{name:<38} {microseconds:8.1f} us with the hook, {base:8.1f} {word}: {microseconds - base:+.1f}")


if __name__ == "__main__":
    main()
